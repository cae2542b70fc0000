"""What people read of a run whose runner shipped nothing: what its head task printed."""

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Invalid
from shared.logs.azurebatch import BatchLogs, taken
from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.providers.azure.batch.clients import BatchClients
from tests.azure_cloud import Clients as Sdk
from tests.contracts.provider_suite import order
from tests.unit.azurebatch.conftest import ACCOUNT, CONFIG, CONTAINER, ID, STORAGE, Bind

JOB, POOL = "headnode-run1-1", f"tower-pool-{ID}"
ATTEMPT = Attempt(number=1, offer=Offer(machine_type="1 slot"), state="placed", machine_id=JOB)
RUN = Run(id="run1", name="r", session_id="s", work_dir=f"az://{CONTAINER}/runs", attempts=(ATTEMPT,))


@pytest.fixture
def logs(ready: Bind, azure: EmulatedAzure) -> BatchLogs:
    """The log source, with a head task that runs."""
    provider = ready()
    provider.start(order(provider))
    azure.settle()
    place = Environment(id=ID, name="e", platform="azure-batch", config=CONFIG)
    return BatchLogs(place, BatchClients(None))


def write(azure: EmulatedAzure, name: str, text: bytes) -> None:
    azure.write_file(ACCOUNT, JOB, "head", name, text)


def test_both_streams_are_shown_while_nothing_was_shipped(logs: BatchLogs, azure: EmulatedAzure) -> None:
    first = logs.live(RUN, ATTEMPT, "", 100)
    assert (first.lines, first.end) == ((), True)
    write(azure, "stdout.txt", b"one\ntwo\nthr")
    write(azure, "stderr.txt", b"E: no network\n")
    second = logs.live(RUN, ATTEMPT, first.cursor, 100)
    assert second.lines == ("one", "two", "E: no network")
    write(azure, "stdout.txt", b"one\ntwo\nthree\r\nfour\n")
    third = logs.live(RUN, ATTEMPT, second.cursor, 100)
    assert third.lines == ("three", "four")
    assert logs.live(RUN, ATTEMPT, third.cursor, 100).lines == ()


def test_pages_put_one_after_another_are_the_streams(logs: BatchLogs, azure: EmulatedAzure) -> None:
    write(azure, "stdout.txt", b"".join(b"line %d\n" % each for each in range(7)))
    found: list[str] = []
    cursor, pages = "", 0
    while pages < 10:
        page = logs.live(RUN, ATTEMPT, cursor, 3)
        found, cursor, pages = [*found, *page.lines], page.cursor, pages + 1
        if page.end:
            break
    assert found == [f"line {each}" for each in range(7)]
    assert pages == 3


def test_the_shipped_log_follows_and_is_all_there_is_then(logs: BatchLogs, azure: EmulatedAzure) -> None:
    write(azure, "stdout.txt", b"installing\n")
    before = logs.live(RUN, ATTEMPT, "", 100)
    container = Sdk(azure).blobs(STORAGE).get_container_client(CONTAINER)
    blob = container.get_blob_client("runs/.headnode/logs/run1/1/0001.log")
    blob.create_append_blob()
    blob.append_block(b"1 N E X T F L O W\n")
    after = logs.live(RUN, ATTEMPT, before.cursor, 100)
    assert (before.lines, after.lines) == (("installing",), ("N E X T F L O W",))
    calls = len(azure.journal.entries("batch"))
    assert logs.live(RUN, ATTEMPT, after.cursor, 100).lines == ()
    assert len(azure.journal.entries("batch")) == calls


def test_the_last_line_counts_once_the_task_is_over(logs: BatchLogs, azure: EmulatedAzure) -> None:
    azure.end_task(ACCOUNT, JOB, "head", 98, {"stderr.txt": b"cannot reach the control plane"})
    gone = ATTEMPT.but(state="gone", gone_at=1.0)
    page = logs.live(RUN, gone, "", 100)
    assert page.lines == ("cannot reach the control plane",)
    assert logs.live(RUN, gone, page.cursor, 100).lines == ()


def test_the_record_has_the_last_of_it_when_the_node_is_gone(logs: BatchLogs, azure: EmulatedAzure) -> None:
    azure.end_task(ACCOUNT, JOB, "head", 98, {"stderr.txt": b"cannot reach\nthe control plane\n"})
    gone = ATTEMPT.but(state="gone", gone_at=1.0)
    azure.state.batch.accounts[ACCOUNT].pools[POOL.lower()].nodes.clear()
    assert logs.live(RUN, gone, "", 100).lines == ()
    page = logs.live(RUN.but(error_report="cannot reach\nthe control plane"), gone, "", 100)
    assert page.lines == ("cannot reach", "the control plane")
    assert logs.live(RUN.but(error_report="x"), gone, page.cursor, 100).lines == ()


def test_who_may_not_read_tasks_sees_an_empty_log(logs: BatchLogs, azure: EmulatedAzure) -> None:
    write(azure, "stdout.txt", b"one\n")
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
    azure.enforce("operator", {"actions": [], "dataActions": [blobs]})
    assert logs.live(RUN, ATTEMPT, "", 100).lines == ()


def test_a_cursor_of_ours_alone(logs: BatchLogs) -> None:
    with pytest.raises(Invalid, match="not a cursor"):
        logs.live(RUN, ATTEMPT, "task|x", 100)


def test_lines_without_an_end_wait() -> None:
    assert taken(b"a\nb", 10, whole=False) == [b"a\n"]
    assert taken(b"a\nb", 10, whole=True) == [b"a\n", b"b"]
    assert taken(b"", 10, whole=True) == []
