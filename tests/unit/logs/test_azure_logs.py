"""Reading a run's log on Azure: the blob first, the table where the blob has gaps or cannot be read."""

import random

import pytest

from shared.errors import Forbidden, Invalid, Throttled, Unreachable
from shared.logs import azure as azure_logs
from shared.logs import parts
from shared.logs.azure import AzureLogs
from shared.model.run import Attempt
from shared.providers.azure.clients import Clients
from shared.providers.azure.permissions import permissions
from tests.clock import FakeClock
from tests.unit.logs.azure_place import ATTEMPT, FOLDER, GONE, RUN, Log, environment


def drained(
    source: AzureLogs, cursor: str = "", limit: int = 10, attempt: Attempt = ATTEMPT, pages: int = 100
) -> tuple[list[str], str]:
    """Reads until there is no more, or nothing happens any more."""
    found: list[str] = []
    for _ in range(pages):
        page = source.live(RUN, attempt, cursor, limit)
        assert len(page.lines) <= limit
        found += page.lines
        if page.end or page.cursor == cursor:
            return found, page.cursor
        cursor = page.cursor
    raise AssertionError("it never ends")


def texts(*numbers: int) -> list[str]:
    return [f"line {number}" for number in numbers]


def test_a_log_that_does_not_exist_yet(source: AzureLogs, log: Log) -> None:
    page = source.live(RUN, ATTEMPT.but(seen_at=0.0), "", 10)
    assert (page.lines, page.end) == ((), True)
    assert log.queries() == 0
    assert drained(source) == ([], "0|1|0|0")


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_lines_come_in_their_order_from_the_blob_alone(source: AzureLogs, log: Log, limit: int) -> None:
    log.blob(*range(1, 31))
    assert drained(source, limit=limit)[0] == texts(*range(1, 31))
    assert log.queries() == 0


def test_a_cursor_goes_on_where_it_ended(source: AzureLogs, log: Log) -> None:
    log.blob(1, 2, 3)
    lines, cursor = drained(source)
    log.blob(4, 5)
    more, cursor = drained(source, cursor)
    assert (lines, more) == (texts(1, 2, 3), texts(4, 5))
    assert drained(source, cursor) == ([], cursor)
    reads = log.cloud.journal.entries("storage", "GetBlob")
    assert {each.status for each in reads} == {206}


def test_what_was_written_twice_is_read_once(source: AzureLogs, log: Log) -> None:
    log.blob(1, 2, 3)
    log.blob(2, 3, 4)
    log.blob(4)
    assert drained(source, limit=2)[0] == texts(1, 2, 3, 4)
    assert log.queries() == 0


def test_text_is_what_was_printed(source: AzureLogs, log: Log) -> None:
    log.blob(1, text='  {} drei — \t"ünïcode" | 7 \r')
    log.blob(2, text="")
    log.blob(3, text="x" * 800_000)
    lines, _ = drained(source)
    assert lines == ['  1 drei — \t"ünïcode" | 7 \r', "", "x" * 800_000]


def test_parts_follow_one_another(source: AzureLogs, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FULL", 2)
    log.blob(1)
    lines, cursor = drained(source)
    log.blob(2)
    log.blob(3, 4, part=2)
    more, cursor = drained(source, cursor)
    assert (lines, more) == (texts(1), texts(2, 3, 4))
    log.blob(5, part=2)
    log.blob(6, part=3)
    assert drained(source, cursor)[0] == texts(5, 6)
    assert drained(source, limit=1)[0] == texts(*range(1, 7))


def test_a_part_that_began_anew(source: AzureLogs, log: Log) -> None:
    log.blob(1, 2, 3)
    _, cursor = drained(source)
    log.cloud.state.blobs.containers["store"]["work"].remove(f"{FOLDER}/0001.log")
    log._part.clear()
    log.blob(3, 4)
    assert drained(source, cursor)[0] == texts(4)


def test_gaps_are_filled_from_the_table(source: AzureLogs, log: Log) -> None:
    log.blob(1, 2, 6, 7, 10)
    log.table(9, 8, 4, 3, 5, 3)
    log.table(3, run="somebodyelse0001", text="not ours")
    log.table(3, attempt=1, text="of another attempt")
    assert drained(source)[0] == texts(*range(1, 11))
    assert log.queries() == 2


@pytest.mark.parametrize("seed", range(20))
def test_both_places_together_are_the_log(source: AzureLogs, log: Log, seed: int) -> None:
    """Lines are in one place or both, are written twice, and are read while they come."""
    print("seed", seed)
    chance = random.Random(seed)
    found: list[str] = []
    cursor, last = "", 0
    for _ in range(12):
        new = range(last + 1, last + chance.randint(2, 7))
        last = new[-1]
        blob = [number for number in new if chance.random() < 0.7 or number == last]
        log.table(*(number for number in new if number not in blob or chance.random() < 0.5))
        log.blob(*blob)
        if chance.random() < 0.3:
            log.blob(*blob)
        if chance.random() < 0.6:
            page = source.live(RUN, ATTEMPT, cursor, chance.randint(1, 9))
            found += page.lines
            cursor = page.cursor
    rest, _ = drained(source, cursor, limit=chance.randint(1, 9))
    assert found + rest == texts(*range(1, last + 1))


def test_a_missing_line_is_waited_for(source: AzureLogs, log: Log, azure_clock: FakeClock) -> None:
    log.cloud.timings.ingestion = 180.0
    log.blob(1, 4, 5)
    log.table(2, 3)
    lines, cursor = drained(source)
    assert lines == texts(1)
    page = source.live(RUN, ATTEMPT, cursor, 10)
    assert (page.lines, page.end, page.cursor) == ((), False, cursor)
    azure_clock.advance(180)
    assert drained(source, cursor)[0] == texts(2, 3, 4, 5)


def test_a_line_that_never_comes_is_named(
    source: AzureLogs, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.blob(1, 4, 5, 9)
    lines, cursor = drained(source)
    assert lines == texts(1)
    monkeypatch.setattr(azure_logs, "PATIENCE", -1.0)
    rest, _ = drained(source, cursor)
    assert rest == [
        "headnode: lines 2 to 3 of this attempt are lost",
        "line 4",
        "line 5",
        "headnode: lines 6 to 8 of this attempt are lost",
        "line 9",
    ]
    assert drained(source, limit=1)[0] == [*texts(1), *rest]


def test_a_blob_that_may_not_be_read_leaves_the_table(source: AzureLogs, log: Log) -> None:
    log.table(*range(1, 26))
    log.cloud.faults.add("storage", "GetBlob", kind="denied", times=None)
    assert drained(source)[0] == texts(*range(1, 26))


@pytest.mark.parametrize("kind", ["503", "throttle", "reset-before"])
def test_a_blob_service_that_is_away_leaves_the_table(source: AzureLogs, log: Log, kind: str) -> None:
    log.blob(1, 2, 3)
    log.table(1, 2)
    log.cloud.faults.add("storage", "GetBlob", kind=kind)
    page = source.live(RUN, ATTEMPT, "", 10)
    assert list(page.lines) == texts(1, 2)
    assert drained(source, page.cursor)[0] == texts(3)


def test_a_table_without_a_blob_is_read_without_a_gap(
    source: AzureLogs, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.table(1, 2, 5)
    lines, cursor = drained(source)
    assert lines == texts(1, 2)
    log.table(4, 3)
    assert drained(source, cursor)[0] == texts(3, 4, 5)


def test_lines_that_only_the_table_took_are_read_once_the_machine_is_gone(
    source: AzureLogs, log: Log
) -> None:
    log.blob(1, 2)
    log.table(2, 3, 4)
    lines, cursor = drained(source)
    assert lines == texts(1, 2)
    assert drained(source, cursor, attempt=GONE)[0] == texts(3, 4)


def test_a_partial_result_is_no_gap(source: AzureLogs, log: Log) -> None:
    log.table(*range(1, 9))
    log.cloud.faults.add("query", "run", kind="PartialError", status=200)
    page = source.live(RUN, ATTEMPT, "", 100)
    assert 0 < len(page.lines) < 8
    assert [*page.lines, *drained(source, page.cursor)[0]] == texts(*range(1, 9))


def test_a_throttled_query_is_no_failure_while_the_blob_speaks(source: AzureLogs, log: Log) -> None:
    log.blob(1, 3)
    log.table(2)
    log.cloud.faults.add("query", "run", kind="throttle")
    page = source.live(RUN, ATTEMPT, "", 10)
    assert (list(page.lines), page.end) == (texts(1), False)
    log.cloud.faults.add("query", "run", kind="throttle")
    waiting = source.live(RUN, ATTEMPT, page.cursor, 10)
    assert (waiting.lines, waiting.end) == ((), False)
    assert drained(source, waiting.cursor)[0] == texts(2, 3)


@pytest.mark.parametrize(
    ("blob", "query", "error"),
    [
        ("denied", "throttle", Forbidden),
        ("throttle", "denied", Throttled),
        ("503", "503", Throttled),
        ("reset-before", "reset-before", Unreachable),
    ],
)
def test_when_neither_can_be_read_the_blob_says_why(
    source: AzureLogs, log: Log, blob: str, query: str, error: type[Exception]
) -> None:
    log.cloud.faults.add("storage", "GetBlob", kind=blob, times=None)
    log.cloud.faults.add("query", "run", kind=query, times=None)
    with pytest.raises(error):
        source.live(RUN, ATTEMPT, "", 10)


INJECTIONS = ['x" or 1 == 1', 'x"|take 1', "x'; y", "a/b", "..", "", "é", "x\n", "x" * 65]


@pytest.mark.parametrize("id", INJECTIONS)
def test_an_id_that_would_change_the_query_is_refused(source: AzureLogs, log: Log, id: str) -> None:
    log.table(1, run="other", text="secret of another run")
    mark = log.cloud.journal.count
    with pytest.raises(Invalid):
        source.live(RUN.but(id=id), ATTEMPT, "", 10)
    assert log.cloud.journal.count == mark, "nobody was asked anything"


@pytest.mark.parametrize("name", ["a|b", "Nextflow_log_CL | take 1", "1x", "x-y", "x" * 64])
def test_a_table_that_would_change_the_query_is_refused(log: Log, name: str) -> None:
    with pytest.raises(Invalid):
        AzureLogs(environment(log, logTableName=name), Clients(None)).live(RUN, ATTEMPT, "", 10)
    assert log.queries() == 0


@pytest.mark.parametrize("id", ["../x", "https://evil.example", "not-a-guid"])
def test_a_workspace_that_would_change_the_address_is_none(log: Log, id: str) -> None:
    AzureLogs(environment(log, logWorkspaceId=id), Clients(None)).live(RUN, ATTEMPT, "", 10)
    assert log.queries() == 0


@pytest.mark.parametrize("cursor", ["x", "1", "1|1|1", "|||", "-1|1|0|0", "1|0|0|0", "1|1|0|é", "9" * 40])
def test_a_cursor_of_somebody_else_is_refused(source: AzureLogs, cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        source.live(RUN, ATTEMPT, cursor, 10)
    assert refused.value.faults[0].field == "next"


def test_the_published_permissions_are_enough(source: AzureLogs, log: Log) -> None:
    log.blob(1, 3)
    log.table(2)
    log.cloud.put("store", "work", "some/path/nf-run1.txt", b"0123")
    log.cloud.enforce("operator", permissions("logs"))
    assert drained(source)[0] == texts(1, 2, 3)
    assert source.size(RUN, "nf-run1.txt") == 4
    assert log.cloud.judge.refusals == []


def test_the_token_is_renewed_in_the_middle(source: AzureLogs, log: Log, azure_clock: FakeClock) -> None:
    log.blob(1)
    _, cursor = drained(source)
    azure_clock.advance(25 * 3600)
    log = Log(log.cloud, log.way)
    log.table(2)
    log.cloud.put("store", "work", "some/path/x", b"abc")
    assert drained(source, cursor, attempt=GONE)[0] == texts(2)
    assert source.read(RUN, "x") == b"abc"
