"""What Nextflow reports, over every store: how often the store is asked, and that nothing is lost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from shared.api.auth import issue_token
from shared.model.trace import BLOCK
from shared.ports import Store
from shared.stores.dynamodb import DynamoStore
from shared.stores.sqlite import SqliteStore
from shared.stores.storageaccount import StorageAccount
from shared.stores.tables import TablesStore
from tests.contracts.test_store import dynamo_store, unasked
from tests.unit.api.front import Front


@dataclass
class Counted:
    """A control plane, and what its store really sends: calls, and rounds of calls that wait for one
    another (Azure reads one entity a call, ten at a time)."""

    api: Front
    calls: list[str] = field(default_factory=list)
    rounds: list[str] = field(default_factory=list)

    @contextmanager
    def expecting(self, *rounds: str) -> Iterator[list[str]]:
        """These rounds, and none but these, inside; gives the calls."""
        self.calls.clear()
        self.rounds.clear()
        yield self.calls
        if not isinstance(self.api.world.store, SqliteStore):
            assert self.rounds == list(rounds), self.calls

    def reporting(self, run: str, word: str, **body: Any) -> None:
        """One report that is taken."""
        self.api.put(f"/trace/{run}/{word}", body)


@pytest.fixture(params=["sqlite", "dynamodb", "tables"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Counted:
    api = Front.fresh(tmp_path / "data", request.node.name)
    if request.param == "sqlite":
        return Counted(api)
    if request.param == "dynamodb":
        request.getfixturevalue("aws")
        store: Store = dynamo_store()
    else:
        azurite = request.getfixturevalue("azurite")
        store = TablesStore(StorageAccount("", unasked, azurite.connection()), azurite.new_table())
    world = replace(api.world, store=store)
    found = Counted(replace(api, world=world, token=issue_token(world, "test")))
    listen(store, found)
    # A user's token notes its use once in ten minutes: a write of its own, made here.
    found.api.get("/user-info")
    return found


def listen(store: Store, to: Counted) -> None:
    """Has the store's own client say what it sends."""
    if isinstance(store, DynamoStore):

        def called(model: Any, **_: Any) -> None:
            to.calls.append(model.name)
            to.rounds.append("write" if "Write" in model.name or model.name == "PutItem" else "read")

        store._table._client.meta.events.register("before-call.dynamodb", called)
    if isinstance(store, TablesStore):
        client, table = store._table._client, store._table
        get, submit, each = client.get_entity, client.submit_transaction, table.get_each

        def read(*args: Any, **given: Any) -> Any:
            to.calls.append("get_entity")
            return get(*args, **given)

        def write(operations: Any) -> Any:
            to.calls.append("submit_transaction")
            to.rounds.append("write")
            return submit(operations)

        def reads(keys: Any, *args: Any) -> Any:
            to.rounds.append("read")
            return each(keys, *args)

        client.get_entity, client.submit_transaction, table.get_each = read, write, reads  # type: ignore[method-assign]


def task(number: int, status: str, script: str = "echo hello", **more: Any) -> dict[str, Any]:
    return {
        "taskId": number,
        "status": status,
        "process": "COUNT",
        "name": f"COUNT ({number})",
        "hash": f"ab/{number:06x}",
        "workdir": f"s3://bucket/work/ab/{number:032x}",
        "cpus": 1,
        "realtime": 1,
        "script": script,
        **more,
    }


def begun(counted: Counted, name: str = "happy_euler") -> str:
    body = {"sessionId": f"session {name}", "runName": name}
    run = str(counted.api.post("/trace/create", body)["workflowId"])
    counted.reporting(run, "begin", workflow={"projectName": "x/hello"}, processNames=["COUNT"], instant=1)
    return run


def counters(counted: Counted, run: str) -> Any:
    return counted.api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]


def noise(chance: random.Random, length: int) -> str:
    """A script that nothing compresses."""
    return chance.randbytes(length).hex()[:length]


def test_a_report_reads_once_and_writes_once(counted: Counted) -> None:
    run = begun(counted)
    for instant, status in enumerate(("SUBMITTED", "RUNNING", "COMPLETED"), 2):
        tasks = [task(number, status) for number in range(1, 101)]
        with counted.expecting("read", "write") as calls:
            counted.reporting(run, "progress", tasks=tasks, progress={"running": 1}, instant=instant)
        assert len(calls) <= 3 + 100 // BLOCK + 1 + 1, "token, run, trace, blocks; and one write"
    with counted.expecting("read", "write"):
        counted.reporting(run, "heartbeat", progress={"running": 1}, instant=9)
    with counted.expecting("read", "write"):
        counted.reporting(run, "begin", workflow={"projectName": "x/hello"}, instant=10)
    assert counters(counted, run)["cpuTime"] == 100


def test_the_end_of_a_run_is_one_read_and_a_write_for_each_of_two_places(counted: Counted) -> None:
    run = begun(counted)
    end = {"workflow": {"success": True, "complete": "2026-09-21T10:05:00Z"}, "metrics": [{"process": "A"}]}
    with counted.expecting("read", "write", *counted_moves(counted)):
        counted.reporting(run, "complete", **end, instant=9)
    assert counted.api.get(f"/workflow/{run}")["workflow"]["status"] == "SUCCEEDED"


def counted_moves(counted: Counted) -> list[str]:
    """A run that leaves a listing: DynamoDB learns the old rows from the first try."""
    return ["write", "write"] if isinstance(counted.api.world.store, DynamoStore) else ["write"]


def test_a_hundred_scripts_of_ten_kilobytes_that_nothing_compresses(
    counted: Counted, chance: random.Random
) -> None:
    run = begun(counted)
    scripts = [noise(chance, 10_240) for _ in range(100)]
    for instant, status in enumerate(("RUNNING", "COMPLETED"), 2):
        tasks = [
            task(number, status, script, env=noise(chance, 2048)) for number, script in enumerate(scripts)
        ]
        with counted.expecting("read", "write"):
            counted.reporting(run, "progress", tasks=tasks, progress={}, instant=instant)
    found = counted.api.get(f"/workflow/{run}/tasks?max=1000")
    assert [each["task"]["script"] for each in found["tasks"]] == scripts
    assert counters(counted, run)["cpuTime"] == 100


def test_what_does_not_fit_into_one_commit_is_written_in_several(
    counted: Counted, chance: random.Random
) -> None:
    """Tasks from all over a large run, all of them as large as we keep any, in blocks that are full."""
    run = begun(counted)
    for start in range(0, 300, 100):
        filled = [task(number, "RUNNING", noise(chance, 14_000)) for number in range(start, start + 100)]
        counted.reporting(run, "progress", tasks=filled, instant=2)
    scattered = [task(number, "COMPLETED", noise(chance, 14_000)) for number in range(0, 300, 3)]
    counted.reporting(run, "progress", tasks=scattered, instant=3)
    counted.reporting(run, "progress", tasks=scattered, instant=3)
    found = counted.api.get(f"/workflow/{run}/tasks?max=1000")
    assert found["total"] == 300
    done = [each["task"] for each in found["tasks"] if each["task"]["status"] == "COMPLETED"]
    assert [each["taskId"] for each in done] == [each["taskId"] for each in scattered]
    assert done[1]["script"] == scattered[1]["script"]
    assert counters(counted, run)["cpuTime"] == 100


def test_a_page_of_tasks_reads_its_own_blocks_only(counted: Counted) -> None:
    run = begun(counted)
    for start in range(0, 1000, 500):
        tasks = [task(number, "RUNNING") for number in range(start, start + 500)]
        counted.reporting(run, "progress", tasks=tasks, instant=2)
    for direction, first in (("asc", 333), ("desc", 666)):
        with counted.expecting(*["read"] * 4) as calls:  # token, run, trace, blocks
            page = counted.api.get(f"/workflow/{run}/tasks?max=50&offset=333&sortDir={direction}")
        assert page["total"] == 1000
        assert len(calls) <= 3 + 50 // BLOCK + 2
        shown = [each["task"]["taskId"] for each in page["tasks"]]
        assert shown == [first + n * (1 if direction == "asc" else -1) for n in range(50)]
    with counted.expecting(*["read"] * 4):
        assert counted.api.get(f"/workflow/{run}/task/777")["task"]["name"] == "COUNT (777)"
    assert counted.api.get(f"/workflow/{run}/tasks?offset=1000")["tasks"] == []
    assert counted.api.call("GET", f"/workflow/{run}/task/1000").status_code == 404


def test_a_run_that_is_forgotten_leaves_nothing(counted: Counted) -> None:
    run = begun(counted)
    tasks = [task(number, "COMPLETED") for number in range(0, 3000, 30)]
    counted.reporting(run, "progress", tasks=tasks, instant=2)
    counted.reporting(run, "complete", workflow={"success": True}, metrics=[{"process": "A"}], instant=3)
    counted.api.delete(f"/workflow/{run}")
    left = everything_in(counted.api.world.store)
    assert not [each for each in left if run in each], left


def everything_in(store: Store) -> list[str]:
    """The keys of all that a store holds."""
    if isinstance(store, SqliteStore):
        return [str(row) for row in store.db.execute("select kind, id from record")]
    if isinstance(store, DynamoStore):
        items = store._table._client.scan(TableName=store._table._name)["Items"]
        return [str(item["pk"]) + str(item["sk"]) for item in items]
    assert isinstance(store, TablesStore)
    return [each["PartitionKey"] + each["RowKey"] for each in store._table._client.list_entities()]
