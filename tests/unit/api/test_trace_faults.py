"""A store that fails between two writes of a report: the retry loses nothing and counts nothing twice."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import Throttled, Unreachable
from tests.unit.api.front import Front
from tests.unit.api.test_trace import COUNTS, SESSION, WORKFLOW, announced, task


class Killed(BaseException):
    """The process ends here."""


class Failing:
    """A store whose n-th call fails, before or after it took effect."""

    def __init__(self, inner: Any, call: int, error: BaseException, late: bool) -> None:
        self._inner, self._call, self._error, self._late = inner, call, error, late
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def through(*args: Any, **given: Any) -> Any:
            self.calls += 1
            if self.calls != self._call:
                return method(*args, **given)
            if self._late:
                method(*args, **given)
            raise self._error

        return through


REPORTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("begin", {"workflow": WORKFLOW, "processNames": ["A"], "instant": 1}),
    ("progress", {"tasks": [task(1, "RUNNING")], "progress": COUNTS, "instant": 2}),
    ("progress", {"tasks": [task(n, "COMPLETED", cpus=1, realtime=7) for n in (1, 2)],
                  "progress": COUNTS, "instant": 3}),
    ("progress", {"tasks": [task(3, "FAILED", cpus=1, realtime=5)], "progress": COUNTS, "instant": 4}),
    ("heartbeat", {"progress": COUNTS, "instant": 5}),
    ("complete", {"workflow": {**WORKFLOW, "success": True}, "metrics": [{"process": "A"}], "instant": 6}),
)  # fmt: skip
ERRORS = (Throttled("slow down", after=1.0), Unreachable("no answer"), Killed())


def send(api: Front, path: str, body: dict[str, Any], error: BaseException, call: int, late: bool) -> bool:
    """A report through a store that fails, then the client's retry. False when it made fewer calls."""
    store = Failing(api.world.store, call, error, late)
    failing = replace(api, world=replace(api.world, store=store))
    try:
        answer = failing.call("PUT", path, json=body)
        if store.calls < call:
            assert answer.status_code == 200
            return False
        assert answer.status_code in (200, 503), answer.text
    except Killed:
        pass
    api.put(path, body)
    return True


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_each_call_of_each_report_may_fail(api: Front, error: BaseException, late: bool) -> None:
    deepest = 0
    for call in range(1, 12):
        run = announced(api, sessionId=f"{SESSION[:-2]}{call:02d}")
        failed = [send(api, f"/trace/{run}/{kind}", body, error, call, late) for kind, body in REPORTS]
        counters = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
        assert counters["cpuTime"] == 19, f"call {call}"
        assert counters["succeeded"] == COUNTS["succeeded"]
        found = api.get(f"/workflow/{run}/tasks")["tasks"]
        assert [each["task"]["status"] for each in found] == ["COMPLETED", "COMPLETED", "FAILED"]
        assert api.get(f"/workflow/{run}")["workflow"]["status"] == "SUCCEEDED"
        assert api.get(f"/workflow/{run}/metrics")["metrics"] == [{"process": "A"}]
        deepest = call if any(failed) else deepest
        if not any(failed):
            break
    assert deepest == 3, "a report reads once and writes once; the last one writes the run too"


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_an_announcement_whose_answer_is_lost_is_one_run(api: Front, late: bool) -> None:
    body = {"sessionId": SESSION, "runName": "once"}
    for call in range(1, 6):
        store = Failing(api.world.store, call, Throttled("slow down"), late)
        answer = replace(api, world=replace(api.world, store=store)).call("POST", "/trace/create", json=body)
        assert answer.status_code in (200, 503)
    api.post("/trace/create", body)
    assert api.get("/workflow")["totalSize"] == 1


def test_counters_of_a_client_do_not_replace_ours(api: Front) -> None:
    run = announced(api)
    first = {"tasks": [task(1, "COMPLETED", cpus=1, realtime=7)], "progress": COUNTS, "instant": 1}
    api.put(f"/trace/{run}/progress", first)
    odd = {"progress": {"spent": [1], "counted": "x", "instant": 9e9}, "instant": 2}
    api.put(f"/trace/{run}/heartbeat", odd)
    second = [task(2, "COMPLETED", cpus=1, realtime=5)]
    api.put(f"/trace/{run}/progress", {**first, "tasks": second, "instant": 3})
    api.put(f"/trace/{run}/complete", {**odd, "workflow": {"success": True}, "instant": 4})
    assert api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]["cpuTime"] == 12
