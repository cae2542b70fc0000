"""/trace: what Nextflow reports, with and without a machine of ours."""

import random
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import Stale
from shared.model.metrics import Metrics
from shared.model.trace import TaskBlock, Trace
from tests.unit.api.front import Front

SESSION = "40f3f3fb-db1e-4736-a606-8beb680628b1"
WORKFLOW = {
    "runName": "happy_euler",
    "sessionId": SESSION,
    "start": "2026-09-21T10:00:00Z",
    "projectName": "x/hello",
    "scriptName": "main.nf",
    "repository": "https://example.org/x/hello",
    "commitId": "abc",
    "revision": "main",
    "commandLine": "nextflow run x/hello",
    "workDir": "/w",
    "userName": "root",
    "profile": "standard",
    "nextflow": {"version": "26.04.1", "build": 5900, "timestamp": "2026-01-01T00:00:00Z"},
    "container": None,
    "configFiles": ["/a"],
    "params": {"n": 1, "deep": {"x": [1]}},
    "manifest": {"name": "hello", "odd": 1},
    "configText": "process {}",
    "wave": {"enabled": False},
    "odd": {"kept": True},
}
COUNTS = {
    "pending": 0,
    "submitted": 1,
    "running": 2,
    "succeeded": 3,
    "failed": 0,
    "cached": 1,
    "ignored": 0,
    "retries": 0,
    "aborted": 0,
    "loadCpus": 2,
    "loadMemory": 100,
    "peakRunning": 4,
    "peakCpus": 5,
    "peakMemory": 600,
    "processes": [{"index": 0, "name": "A", "running": 2, "succeeded": 3, "peakRunning": 4}],
}


def announced(api: Front, **more: Any) -> str:
    body = {"sessionId": SESSION, "runName": "happy_euler", "projectName": "x/hello", "instant": 1, **more}
    return str(api.post("/trace/create", body)["workflowId"])


def task(id: int, status: str, **more: Any) -> dict[str, Any]:
    return {"taskId": id, "status": status, "process": "A", "name": f"A ({id})", **more}


def status(api: Front, run: str) -> str:
    return str(api.get(f"/workflow/{run}")["workflow"]["status"])


def test_a_run_that_was_started_elsewhere_has_a_record_of_its_own(api: Front) -> None:
    run = announced(api, workflowId=None)
    assert status(api, run) == "SUBMITTED"
    begun = api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW, "processNames": ["A", "B"], "instant": 2})
    assert begun["status"] == "OK"
    assert begun["watchUrl"].endswith(f"/watch/{run}")
    assert status(api, run) == "RUNNING"
    api.put(f"/trace/{run}/progress", {"tasks": [task(1, "RUNNING")], "progress": COUNTS, "instant": 3})
    assert api.put(f"/trace/{run}/heartbeat", {"progress": COUNTS, "instant": 4}) == {"message": "OK"}
    end = {
        **WORKFLOW,
        "success": True,
        "exitStatus": 0,
        "complete": "2026-09-21T10:05:00Z",
        "duration": 300000,
    }
    metrics = [{"process": "A", "cpu": {"mean": 1.5, "warnings": []}}]
    body = {"workflow": end, "metrics": metrics, "progress": COUNTS, "instant": 5}
    assert api.put(f"/trace/{run}/complete", body) == {"status": "OK", "workflowId": run}
    found = api.get(f"/workflow/{run}")
    assert found["workflow"]["status"] == "SUCCEEDED"
    assert found["workflow"]["manifest"] == {"name": "hello"}
    assert found["workflow"]["nextflow"]["build"] == "5900"
    assert found["workflow"]["exitStatus"] == 0
    assert found["platform"] == {}
    assert api.get(f"/workflow/{run}/launch") == {"launch": None}
    assert api.get(f"/workflow/{run}/metrics")["metrics"] == metrics
    assert api.run(run).environment_id == ""
    assert api.run(run).workflow["odd"] == {"kept": True}


def test_progress_is_shown_in_all_counters(api: Front) -> None:
    run = announced(api)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW, "processNames": ["A", "B"]})
    done = task(1, "COMPLETED", cpus=2, realtime=1000, pcpu=150.0, peakRss=50, memory=100, executor="local")
    api.put(f"/trace/{run}/progress", {"tasks": [done], "progress": COUNTS, "instant": 10})
    found = api.get(f"/workflow/{run}/progress")["progress"]
    load = found["workflowProgress"]
    assert (load["running"], load["succeeded"], load["peakTasks"]) == (2, 3, 4)
    assert (load["cpuTime"], load["cpuLoad"], load["cpuEfficiency"]) == (2000, 1500, 75.0)
    assert load["memoryEfficiency"] == 50.0
    assert load["executors"] == ["local"]
    assert [row["process"] for row in found["processesProgress"]] == ["A", "B"]
    assert found["processesProgress"][0]["cpuTime"] == 2000
    assert found["totalProcesses"] == 2


def test_everything_may_come_twice(api: Front) -> None:
    run = announced(api)
    assert announced(api) == run
    begin = {"workflow": WORKFLOW, "processNames": ["A"], "instant": 2}
    done = {"tasks": [task(1, "COMPLETED", cpus=1, realtime=7)], "progress": COUNTS, "instant": 3}
    end = {"workflow": {**WORKFLOW, "success": False, "complete": "2026-09-21T10:05:00Z"}, "instant": 4}
    for path, body in (("begin", begin), ("progress", done), ("complete", end)):
        for _ in range(2):
            api.put(f"/trace/{run}/{path}", body)
    api.put(f"/trace/{run}/progress", done)
    assert status(api, run) == "FAILED"
    load = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
    assert load["cpuTime"] == 7


class FasterOnce:
    """A store where somebody else is faster, once."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def save(self, record: Any) -> Any:
        if not self.lost:
            self.lost += 1
            raise Stale("somebody was faster")
        return self._inner.save(record)


def test_a_lost_race_loses_no_task_and_counts_none_twice(api: Front) -> None:
    run = announced(api)
    store = FasterOnce(api.world.store)
    racing = replace(api, world=replace(api.world, store=store))
    body = {"tasks": [task(1, "COMPLETED", cpus=1, realtime=7)], "progress": COUNTS}
    racing.put(f"/trace/{run}/progress", body)
    assert store.lost == 1
    assert api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]["cpuTime"] == 7
    assert api.get(f"/workflow/{run}/tasks")["total"] == 1


def test_what_comes_late_takes_nothing_back(api: Front) -> None:
    run = announced(api)
    api.put(f"/trace/{run}/progress", {"tasks": [task(1, "COMPLETED")], "progress": COUNTS, "instant": 9})
    late = {"tasks": [task(1, "RUNNING"), task(2, "RUNNING")], "progress": {"running": 9}, "instant": 5}
    api.put(f"/trace/{run}/progress", late)
    found = {
        each["task"]["taskId"]: each["task"]["status"] for each in api.get(f"/workflow/{run}/tasks")["tasks"]
    }
    assert found == {1: "COMPLETED", 2: "RUNNING"}
    assert api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]["running"] == 2
    api.put(f"/trace/{run}/progress", {"tasks": [task(1, "RUNNING")], "instant": 10})
    assert api.get(f"/workflow/{run}/task/1")["task"]["status"] == "COMPLETED"


def test_a_resumed_session_is_a_run_of_its_own(api: Front) -> None:
    first = announced(api)
    api.put(f"/trace/{first}/begin", {"workflow": WORKFLOW})
    second = announced(api)
    assert second != first
    assert api.get("/workflow")["totalSize"] == 2


def test_a_launched_run_is_bound_and_only_its_machine_ends_it(api: Front) -> None:
    run = api.launch(api.environment())
    token = api.run_token(run)
    path = f"/headnode/machine/{run}/1/report"
    api.post(path, {"event": "start"}, token=token)
    body = {"sessionId": SESSION, "runName": "happy_euler", "workflowId": run}
    answer = api.post("/trace/create", body, token=token)
    assert answer["workflowId"] == run
    assert answer["metadata"]["computeEnvPlatform"] == "aws-cloud"
    assert api.run(run).session_id == SESSION
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW, "processNames": ["A"]}, token=token)
    told = {"success": False, "exitStatus": 1, "errorMessage": "task A failed", "errorReport": "long story"}
    end = {
        "workflow": {**WORKFLOW, **told, "complete": "2026-09-21T10:05:00Z"},
        "metrics": [{"process": "A"}],
    }
    api.put(f"/trace/{run}/complete", end, token=token)
    assert status(api, run) == "RUNNING"
    api.post(path, {"event": "end", "exit_status": 1}, token=token)
    api.work(120)
    found = api.get(f"/workflow/{run}")["workflow"]
    assert (found["status"], found["exitStatus"]) == ("FAILED", 1)
    assert (found["errorMessage"], found["errorReport"]) == ("task A failed", "long story")
    api.put(f"/trace/{run}/heartbeat", {}, token=token)


def test_the_word_of_an_interrupted_nextflow_is_forgotten_when_the_next_begins(api: Front) -> None:
    run = api.launch(api.environment())
    token = api.run_token(run)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW}, token=token)
    end = {
        "workflow": {
            **WORKFLOW,
            "success": False,
            "errorMessage": "SIGTERM",
            "complete": "2026-09-21T10:05:00Z",
        }
    }
    api.put(f"/trace/{run}/complete", end, token=token)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW}, token=token)
    found = api.get(f"/workflow/{run}")["workflow"]
    assert "errorMessage" not in found
    assert "complete" not in api.run(run).workflow


def test_the_late_word_of_a_machine_that_is_gone_changes_nothing(api: Front) -> None:
    run = api.launch(api.environment())
    first, path = api.run_token(run), f"/headnode/machine/{run}/1/report"
    before = api.run(run)
    assert before.wait is not None
    api.put(f"/trace/{run}/heartbeat", {"progress": COUNTS}, token=first)
    assert (api.run(run).status, api.run(run).wait) == ("SUBMITTED", before.wait)
    api.post(path, {"event": "start"}, token=first)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW}, token=first)
    api.post(path, {"event": "end", "error": "interrupted"}, token=first)
    api.work(60)
    assert len(api.run(run).attempts) == 2
    end = {
        "workflow": {**WORKFLOW, "success": False, "errorMessage": "SIGTERM"},
        "metrics": [{"process": "A"}],
    }
    for word, body in (("complete", end), ("progress", {"progress": COUNTS}), ("begin", {"workflow": {}})):
        before = api.run(run)
        api.put(f"/trace/{run}/{word}", body, token=first)
        assert api.run(run) == before
    assert api.get(f"/workflow/{run}/metrics")["metrics"] == []


def test_the_tasks_of_a_machine_that_is_gone_count_no_more_once_the_next_one_speaks(api: Front) -> None:
    run = api.launch(api.environment())
    first, path = api.run_token(run), f"/headnode/machine/{run}/1/report"
    api.post(path, {"event": "start"}, token=first)
    done = {"tasks": [task(n, "COMPLETED", cpus=1, realtime=7) for n in (1, 2, 30)], "progress": COUNTS}
    api.put(f"/trace/{run}/progress", {**done, "instant": 9_000}, token=first)
    api.post(path, {"event": "end", "error": "interrupted"}, token=first)
    api.work(60)
    assert api.get(f"/workflow/{run}/tasks")["total"] == 3, "until the next one speaks"
    second = api.run_token(run)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW, "processNames": ["A"]}, token=second)
    assert api.get(f"/workflow/{run}/tasks")["total"] == 0
    assert api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]["succeeded"] == 0
    again = {"tasks": [task(1, "CACHED", cpus=1, realtime=5)], "progress": {"cached": 1}, "instant": 10}
    api.put(f"/trace/{run}/progress", again, token=second)
    api.put(f"/trace/{run}/progress", {**done, "instant": 9_001}, token=first)
    shown = api.get(f"/workflow/{run}/tasks")["tasks"]
    assert [(each["task"]["taskId"], each["task"]["status"]) for each in shown] == [(1, "CACHED")]
    assert api.call("GET", f"/workflow/{run}/task/2").status_code == 404
    load = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
    assert (load["cpuTime"], load["cached"], load["succeeded"]) == (5, 1, 0)


def test_reports_in_any_order_and_any_number_come_to_the_same(api: Front, chance: random.Random) -> None:
    run = announced(api)
    reports: list[dict[str, Any]] = []
    for instant in range(1, 25):
        first, most = chance.randrange(60), chance.randrange(30)
        statuses = chance.choices(("SUBMITTED", "RUNNING", "COMPLETED", "FAILED"), k=most)
        told = [task(first + n, status, cpus=1, realtime=7) for n, status in enumerate(statuses)]
        reports.append({"tasks": told, "progress": {**COUNTS, "running": instant}, "instant": instant})
    sent = [*reports, *chance.sample(reports, 12)]
    chance.shuffle(sent)
    for report in sent:
        api.put(f"/trace/{run}/progress", report)
    order = {"SUBMITTED": 0, "RUNNING": 1, "COMPLETED": 2, "FAILED": 2}
    furthest: dict[int, int] = {}
    for each in (each for report in reports for each in report["tasks"]):
        furthest[each["taskId"]] = max(furthest.get(each["taskId"], 0), order[each["status"]])
    shown = api.get(f"/workflow/{run}/tasks?max=1000")["tasks"]
    assert {each["task"]["taskId"]: order[each["task"]["status"]] for each in shown} == furthest
    load = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
    assert load["running"] == 24
    assert load["cpuTime"] == 7 * sum(step == 2 for step in furthest.values()), "each is counted once"


def test_cancelling_a_run_elsewhere_is_told_to_its_nextflow_by_a_refusal(api: Front) -> None:
    run = announced(api)
    api.put(f"/trace/{run}/begin", {"workflow": WORKFLOW})
    api.post(f"/workflow/{run}/cancel", {}, status=204)
    answer = api.call("PUT", f"/trace/{run}/progress", json={"tasks": []})
    assert answer.status_code == 400
    assert "cancelled" in answer.json()["message"]
    api.put(f"/trace/{run}/complete", {"workflow": {**WORKFLOW, "success": False}})
    api.work(120)
    assert status(api, run) == "CANCELLED"


def test_a_run_that_is_unknown_is_an_error(api: Front) -> None:
    answer = api.call("POST", "/trace/create", json={"sessionId": "s", "runName": "r", "workflowId": "nope"})
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]
    assert api.call("PUT", "/trace/nope/heartbeat", json={}).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("create", {"runName": "r"}, "sessionId"),
        ("create", {"sessionId": "s", "runName": 5}, "runName"),
        ("create", {"sessionId": "s", "runName": "r", "workflowId": "x" * 17}, "workflowId"),
        ("begin", {}, "workflow"),
        ("begin", {"workflow": []}, "workflow"),
        ("progress", {"tasks": {}}, "tasks"),
        ("progress", {"tasks": [{"status": "RUNNING"}]}, "tasks.0.taskId"),
        ("progress", {"tasks": [{"taskId": 1, "status": "DANCING"}]}, "tasks.0.status"),
        ("progress", {"tasks": [{"taskId": -1, "status": "NEW"}]}, "tasks.0.taskId"),
        ("heartbeat", {"instant": "soon"}, "instant"),
        ("complete", {"workflow": {}, "metrics": {}}, "metrics"),
    ],
)
def test_what_is_malformed_is_named(api: Front, path: str, body: Any, field: str) -> None:
    run = announced(api)
    url = "/trace/create" if path == "create" else f"/trace/{run}/{path}"
    answer = api.call("POST" if path == "create" else "PUT", url, json=body)
    assert answer.status_code == 400
    assert field in [each["field"] for each in answer.json()["errors"]]
    assert api.world.store.get_each((Trace, run), (TaskBlock, f"{run}/0")) == [None, None]
    assert api.world.store.get(Metrics, run) is None


def test_what_is_huge_is_bounded_and_the_rest_is_kept(api: Front) -> None:
    run = announced(api)
    huge = {**WORKFLOW, "configText": "x" * 300_000, "params": {f"p{n}": "y" * 1000 for n in range(400)}}
    api.put(f"/trace/{run}/begin", {"workflow": huge})
    kept = api.run(run).workflow
    assert len(kept["configText"]) == 50_000
    assert "params" not in kept
    assert kept["commandLine"] == WORKFLOW["commandLine"]
