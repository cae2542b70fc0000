"""Nextflow ends a run whose report is refused: so the store throttles, the queue is down, the process is
killed, clocks are wrong, and nothing of a run is lost."""

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.host import web
from shared.api.auth import issue_token
from shared.errors import Unreachable
from shared.stores.storageaccount import StorageAccount
from shared.stores.tables import TablesStore
from tests.contracts.test_store import dynamo_store, unasked
from tests.headnode import Served, serve
from tests.nextflow_plugin import FIRST_WAIT, JITTER, Aborted, Plugin, task
from tests.unit.api.front import Front
from tests.unit.stores.test_tables import Relay, relay  # noqa: F401 (a fixture)

TASKS = 150


@contextmanager
def listening(api: Front) -> Iterator[str]:
    """The control plane on a real socket."""
    bound = web.bind("127.0.0.1", 0)
    server = web.Web(api.app, bound)
    server.start()
    yield web.url_of(bound)
    server.stop()


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    return Front.fresh(tmp_path / "data", request.node.name)


def on(store: Any, api: Front) -> Front:
    """The same control plane on another store."""
    world = replace(api.world, store=store)
    return replace(api, world=world, token=issue_token(world, "test"))


def work(client: Plugin, tasks: int = TASKS) -> None:
    """A whole run, as Nextflow tells it."""
    client.create()
    client.begin()
    for status in ("RUNNING", "COMPLETED"):
        for number in range(1, tasks + 1):
            client.event(number, status, script=f"echo {number}")
        client.flush()
    client.heartbeat()
    client.complete()


def whole(get: Callable[[str], Any], run: str, tasks: int = TASKS) -> None:
    """All of it is there, and once."""
    found = get(f"/workflow/{run}")
    assert found["workflow"]["status"] == "SUCCEEDED"
    assert found["progress"]["workflowProgress"]["succeeded"] == tasks
    assert found["progress"]["workflowProgress"]["cpuTime"] == 10 * tasks, "each task is counted once"
    shown = get(f"/workflow/{run}/tasks?max=1000")
    assert [each["task"]["taskId"] for each in shown["tasks"]] == list(range(1, tasks + 1))
    assert {each["task"]["status"] for each in shown["tasks"]} == {"COMPLETED"}
    assert get(f"/workflow/{run}/metrics")["metrics"] == [
        {"process": "A", "mem": {"mean": 1, "warnings": []}}
    ]


def test_a_table_that_throttles_most_writes(api: Front, relay: Relay, azurite: Any) -> None:  # noqa: F811
    """Azure says 503: the SDK tries three times again, then we answer 503 and Nextflow tries again."""
    connection = azurite.connection(table=relay.url)
    store = TablesStore(StorageAccount("", unasked, connection), azurite.new_table())
    api = on(store, api)
    asked: list[httpx.Headers] = []
    relay.fate = lambda write: "busy" if write % 8 < 5 else "unheard" if write % 8 == 6 else ""
    with listening(api) as url:
        client = Plugin(url, api.token)
        client._http.event_hooks["response"].append(lambda answer: asked.append(answer))
        work(client)
        client.close()
    busy = [answer for answer in asked if answer.status_code != 200]
    assert busy, "some of it came through to the client"
    assert {answer.status_code for answer in busy} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
    relay.fate = lambda write: ""
    whole(api.get, client.id)


def test_a_dynamodb_that_throttles(api: Front, aws: Any) -> None:
    api = on(dynamo_store(), api)
    aws.faults.add("dynamodb", "TransactWriteItems", kind="throttle", times=6)
    aws.faults.add("dynamodb", "BatchGetItem", kind="throttle", times=5)
    with listening(api) as url:
        client = Plugin(url, api.token)
        work(client)
        client.close()
    assert client.refused
    assert {status for _, status in client.refused} == {503}
    whole(api.get, client.id)


class Down:
    """A queue that nobody reaches."""

    def __getattr__(self, name: str) -> Any:
        def down(*_: Any, **__: Any) -> None:
            raise Unreachable("the queue does not answer")

        return down


def test_reports_need_no_queue(api: Front) -> None:
    down = replace(api, world=replace(api.world, queue=Down()))
    with listening(down) as url:
        client = Plugin(url, down.token)
        work(client)
        client.close()
    assert (client.refused, client.warnings) == ([], [])
    whole(api.get, client.id)


def test_waits_grow_as_the_clients_do_and_end_after_three_minutes(api: Front) -> None:
    """A control plane that stays away: what the client bears is what we have to come back within."""
    broken = replace(api, world=replace(api.world, store=Down()))
    with listening(broken) as url:
        client = Plugin(url, broken.token)
        with pytest.raises(Aborted, match="503"):
            client.create()
        client.close()
    assert client.refused == [("create", 503)] * 10
    assert FIRST_WAIT * (1 - JITTER) <= client.waits[0] <= FIRST_WAIT * (1 + JITTER)
    assert 120 < sum(client.waits) < 260


class Hosted:
    """A `headnode serve` that is killed and started again at the same address."""

    def __init__(self, data: Path) -> None:
        self._data = data
        with serve(data) as first:
            self.token, self.port, self.url = first.token, first.port, first.url
        self.kills = 0
        self.served: Served | None = None
        self._timer: threading.Timer | None = None

    def start(self, _seconds: float = 0.0) -> None:
        """What happens while the client waits."""
        if self._timer is not None:
            self._timer.join()
        if self.served is None or self.served.process.poll() is not None:
            self.served = Served(self._data, self.port)

    def kill_in(self, seconds: float) -> None:
        """kill -9 in so many seconds, whatever is under way then."""
        self._timer = threading.Timer(seconds, self.kill)
        self._timer.start()

    def kill(self) -> None:
        """kill -9."""
        assert self.served is not None
        self.served.end(signal.SIGKILL)
        self.kills += 1


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    found = Hosted(tmp_path / "data")
    found.start()
    yield found
    if found.served is not None and found.served.process.poll() is None:
        found.kill()


def test_a_process_that_is_killed_between_and_amid_reports(hosted: Hosted, chance: random.Random) -> None:
    client = Plugin(hosted.url, hosted.token, wait=hosted.start)
    client.create()
    client.begin()
    hosted.kill()  # between two reports
    for status in ("RUNNING", "COMPLETED"):
        for number in range(1, TASKS + 1):
            client.event(number, status)
            if number == 99:  # amid the report that the next event sends
                hosted.kill_in(chance.uniform(0.0, 0.02))
        client.flush()
        hosted.start()
    client.complete()
    assert hosted.kills == 3
    assert ("progress", 0) in client.refused, "the client heard nothing"
    assert {status for _, status in client.refused} <= {0, 503}
    headers = {"authorization": f"Bearer {hosted.token}"}

    def get(path: str) -> Any:
        return httpx.get(hosted.url + path, headers=headers).raise_for_status().json()

    whole(get, client.id)
    client.close()


def test_two_reports_of_a_run_at_once_lose_nothing(api: Front) -> None:
    """The client gave up on an answer and sends again while the first report is still under way."""
    with listening(api) as url:
        client = Plugin(url, api.token)
        client.create()
        client.begin()
        tasks = [task(number, "COMPLETED") for number in range(1, TASKS + 1)]
        body = {"tasks": tasks, "progress": client.counters(), "instant": client.now + 1}
        headers = {"authorization": f"Bearer {api.token}"}
        answers: list[int] = []

        def send() -> None:
            path = f"{url}/trace/{client.id}/progress"
            answers.append(httpx.put(path, json=body, headers=headers, timeout=30).status_code)

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 503}
        assert 200 in answers
        client.close()
    found = api.get(f"/workflow/{client.id}/progress")["progress"]["workflowProgress"]
    assert found["cpuTime"] == 10 * TASKS
    assert api.get(f"/workflow/{client.id}/tasks")["total"] == TASKS


def test_half_of_a_character_at_the_end_of_a_cut_script_ends_no_run(api: Front) -> None:
    with listening(api) as url:
        client = Plugin(url, api.token)
        client.create()
        client.begin()
        client.event(1, "COMPLETED", script="echo \ud83e", name="caf\xe9 \N{DNA DOUBLE HELIX}")
        client.flush()
        client.close()
    found = api.get(f"/workflow/{client.id}/task/1")["task"]
    assert (found["script"], found["name"]) == ("echo ?", "caf\xe9 \N{DNA DOUBLE HELIX}")


def test_a_clients_clock_that_is_set_back_holds_no_task_back(api: Front) -> None:
    with listening(api) as url:
        client = Plugin(url, api.token)
        client.create()
        client.begin()
        client.event(1, "RUNNING")
        client.flush()
        client.now -= 3_600_000
        client.event(1, "COMPLETED")
        client.event(2, "COMPLETED")
        client.complete()
        client.close()
    whole(api.get, client.id, 2)


@pytest.mark.parametrize("many", [5_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_large_run_in_reports_of_a_hundred(api: Front, many: int) -> None:
    with listening(api) as url:
        client = Plugin(url, api.token)
        client.create()
        client.begin()
        for number in range(many):
            client.event(number, "COMPLETED")
        client.close()
    run = client.id
    assert api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]["cpuTime"] == 10 * many
    page = api.get(f"/workflow/{run}/tasks?max=100&offset={many - 50}&sortDir=asc")
    assert page["total"] == many
    assert [each["task"]["taskId"] for each in page["tasks"]] == list(range(many - 50, many))
    found = api.get(f"/workflow/{run}/tasks?search=a+(3133)")
    assert [each["task"]["taskId"] for each in found["tasks"]] == [3133]


def test_two_hundred_runs_that_beat_at_once(hosted: Hosted) -> None:
    clients = [Plugin(hosted.url, hosted.token, run_name=f"run_{n}", session=f"s{n}") for n in range(200)]
    failed: list[Any] = []

    def beat(client: Plugin) -> None:
        try:
            client.create()
            client.begin()
            for _ in range(3):
                client.heartbeat()
            client.complete()
        except Exception as error:
            failed.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=beat, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    assert not [each for client in clients for each in client.warnings]
    headers = {"authorization": f"Bearer {hosted.token}"}
    found = httpx.get(
        f"{hosted.url}/workflow?max=1&search=status:succeeded", headers=headers, timeout=60
    ).json()
    assert found["totalSize"] == 200
