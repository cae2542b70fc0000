"""/workflow: launching, listing, describing, cancelling and deleting runs."""

import re

import pytest

from shared.model.trace import TaskBlock
from tests.unit.api.front import Front


def test_a_run_is_launched_on_the_primary_environment_unless_told_otherwise(api: Front) -> None:
    environment = api.environment(preRunScript="module load x")
    run = api.launch()
    assert re.fullmatch(r"[0-9A-Za-z]{16}", run)
    found = api.get(f"/workflow/{run}")
    assert found["platform"] == {"id": "aws-cloud", "name": "ready"}
    assert found["workflow"]["workDir"] == "s3://bucket/work"
    assert found["workflow"]["projectName"] == "nextflow-io/hello"
    assert found["workflow"]["userName"] == "headnode"
    assert found["jobInfo"]["operationId"] == "i-0"
    assert api.get(f"/compute-envs/{environment}")["computeEnv"]["lastUsed"] == "2027-01-15T08:00:00Z"
    launch = api.get(f"/workflow/{run}/launch")["launch"]
    assert launch["computeEnv"]["id"] == environment
    assert launch["preRunScript"] == "module load x"
    assert len(launch["id"]) == 22
    assert api.get(f"/launch/{launch['id']}")["launch"]["pipeline"] == launch["pipeline"]
    assert api.call("GET", "/launch/nothing").status_code == 404


def test_without_a_primary_environment_one_must_be_named(api: Front) -> None:
    answer = api.call("POST", "/workflow/launch", json={"launch": {"pipeline": "a/b"}})
    assert answer.status_code == 400
    assert "launch.computeEnvId" in answer.json()["message"]


def test_what_was_sent_is_kept_losslessly_and_wins_over_the_environment(api: Front) -> None:
    api.environment(preRunScript="from environment")
    sent = {"preRunScript": "from launch", "somethingNewer": {"a": [1]}, "paramsText": '{"x": "y"}'}
    run = api.launch(
        **sent, runName="sad_ptolemy", workDir="s3://bucket/else", configProfiles=["test", "docker"]
    )
    kept = api.run(run).launch
    assert {key: kept[key] for key in sent} == sent
    found = api.get(f"/workflow/{run}")["workflow"]
    assert (found["runName"], found["workDir"]) == ("sad_ptolemy", "s3://bucket/else")
    assert (found["profile"], found["params"]) == ("test,docker", {"x": "y"})


def test_a_run_of_a_resumed_session_keeps_the_session(api: Front) -> None:
    api.environment()
    first = api.get(f"/workflow/{api.launch()}")["workflow"]["sessionId"]
    again = api.launch(sessionId=first, resume=True, runName="again")
    assert api.get(f"/workflow/{again}")["workflow"]["sessionId"] == first
    answer = api.call("POST", "/workflow/launch", json={"launch": {"pipeline": "a/b", "resume": True}})
    assert "sessionId" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pipeline", "-c evil"),
        ("pipeline", "a\nb"),
        ("revision", "--upload-pack=x"),
        ("runName", "a b"),
        ("runName", "9lives"),
        ("runName", "a" * 81),
        ("mainScript", "../x.nf"),
        ("mainScript", "/etc/passwd"),
        ("configProfiles", ["-x"]),
        ("configProfiles", "test"),
        ("configProfiles", [["a"]]),
        ("entryName", "a;b"),
        ("sessionId", "nope"),
        ("paramsText", "[1]"),
        ("configText", 5),
        ("resume", "yes"),
        ("commitId", "xyz"),
        ("computeEnvId", "doesNotExist"),
        ("nextflowVersion", "latest; rm"),
        ("syntaxParser", "v3"),
        ("headJobCpus", 0),
        ("userSecrets", ["a/b"]),
        ("outputDir", "-x"),
        ("launchContainer", "--privileged"),
        ("preRunScript", "a\0b"),
        ("labelIds", ["x"]),
        ("stubRun", 1),
        ("workDir", "s3://a\nb"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_launched(api: Front, field: str, value: object) -> None:
    api.environment()
    body = {"launch": {"pipeline": "a/b", field: value}}
    answer = api.call("POST", "/workflow/launch", json=body)
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert api.get("/workflow")["workflows"] == []


def test_empty_fields_of_a_form_are_as_good_as_none(api: Front) -> None:
    api.environment()
    empty = dict.fromkeys(("revision", "runName", "sessionId", "workDir", "mainScript", "computeEnvId"), "")
    run = api.launch(**empty, configProfiles=None)
    assert api.get(f"/workflow/{run}")["workflow"]["workDir"] == "s3://bucket/work"


def test_a_listing_has_the_newest_first_in_pages(api: Front) -> None:
    api.environment()
    ids = []
    for number in range(5):
        ids.append(api.launch(runName=f"run{number}"))
        api.clock.advance(1)
    ids.reverse()

    def page(query: str) -> tuple[list[str], int | None, bool]:
        found = api.get(f"/workflow?{query}")
        listed = [each["workflow"]["id"] for each in found["workflows"]]
        return listed, found.get("totalSize"), found["hasMore"]

    assert page("max=2&offset=0") == (ids[:2], 5, True)
    assert page("max=2&offset=4") == (ids[4:], 5, False)
    assert page("max=2&offset=9") == ([], 5, False)
    assert page("max=2&offset=2&includeTotalSize=false") == (ids[2:4], None, True)
    assert page("max=100&includeTotalSize=false") == (ids, None, False)
    assert page("search=run3") == ([ids[1]], 1, False)
    assert page("search=status:submitted%20run1") == ([ids[3]], 1, False)
    assert page("search=status:failed") == ([], 0, False)
    assert page("max=0") == ([], 5, True)
    assert api.get("/workflow?workspaceId=1")["workflows"] == []
    for query in ("max=-1", "offset=-1", "max=x", "max=100000"):
        assert api.call("GET", f"/workflow?{query}").status_code == 400


def test_a_waiting_run_says_why(api: Front) -> None:
    api.environment()
    id = api.post("/workflow/launch", {"launch": {"pipeline": "a/b"}})["workflowId"]
    assert api.get(f"/workflow/{id}?attributes=labels,messages")["messages"] == ["queued"]


def test_every_counter_is_a_number_from_the_first_moment(api: Front) -> None:
    api.environment()
    run = api.launch()
    load = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
    counters = {name: value for name, value in load.items() if name != "executors"}
    assert len(counters) > 20
    assert set(counters.values()) == {0}


def test_a_cancelled_run_ends_once_its_machine_is_gone_and_can_be_deleted(api: Front) -> None:
    api.environment()
    run = api.launch()
    assert api.call("DELETE", f"/workflow/{run}").status_code == 400
    assert api.post("/workflow/delete", {"workflowIds": [run, "none"]})["failedWorkflowIds"] == [run, "none"]
    api.post(f"/workflow/{run}/cancel", {}, status=204)
    api.post(f"/workflow/{run}/cancel", status=204)
    api.work(300)
    assert api.get(f"/workflow/{run}")["workflow"]["status"] == "CANCELLED"
    assert api.cloud.machines_made == {}
    api.delete(f"/workflow/{run}")
    assert api.call("GET", f"/workflow/{run}").status_code == 404
    assert api.call("DELETE", f"/workflow/{run}").status_code == 404


def test_many_are_deleted_at_once(api: Front) -> None:
    api.environment()
    runs = [api.launch(), api.launch()]
    for run in runs:
        api.finish(run)
    assert api.post("/workflow/delete", {"workflowIds": runs})["failedWorkflowIds"] == []
    assert api.get("/workflow")["totalSize"] == 0


def test_tasks_are_listed_sorted_searched_and_described(api: Front) -> None:
    api.environment()
    run = api.launch()
    data = [
        {
            "taskId": 1,
            "status": "COMPLETED",
            "name": "A (1)",
            "process": "A",
            "exit": 0,
            "realtime": 50,
            "cpus": 2,
        },
        {
            "taskId": 2,
            "status": "RUNNING",
            "name": "B (x)",
            "process": "B",
            "exit": 2**31 - 1,
            "nativeId": 77,
        },
        {
            "taskId": 10,
            "status": "FAILED",
            "name": "B (y)",
            "process": "B",
            "exit": 137,
            "realtime": 5,
            "odd": {},
        },
    ]
    api.put(f"/trace/{run}/progress", {"tasks": data})

    def ids(query: str) -> list[int]:
        return [each["task"]["taskId"] for each in api.get(f"/workflow/{run}/tasks?{query}")["tasks"]]

    assert ids("max=100&offset=0") == [1, 2, 10]
    assert ids("max=1&offset=1") == [2]
    assert ids("sortBy=realtime&sortDir=desc") == [2, 1, 10]
    assert ids("search=b") == [2, 10]
    assert ids("search=failed") == [10]
    assert api.get(f"/workflow/{run}/tasks")["total"] == 3
    running = api.get(f"/workflow/{run}/task/2")["task"]
    assert "exit" not in running
    assert running["nativeId"] == "77"
    failed = api.get(f"/workflow/{run}/task/10")["task"]
    assert (failed["exit"], failed["exitStatus"], failed["status"]) == (137, 137, "FAILED")
    assert api.call("GET", f"/workflow/{run}/task/3").status_code == 404
    assert api.world.store.get(TaskBlock, f"{run}/0").of(0)[10]["odd"] == {}


@pytest.mark.parametrize(
    "path", ["", "/launch", "/progress", "/metrics", "/tasks", "/task/1", "/log", "/download"]
)
def test_an_unknown_run_is_not_found(api: Front, path: str) -> None:
    answer = api.call("GET", f"/workflow/doesNotExist{path}")
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]
    run = api.launch(api.environment())
    assert api.call("GET", f"/workflow/{run}{path}?workspaceId=1").status_code == 404


def test_a_name_for_a_run_can_be_had_and_held_against_others(api: Front) -> None:
    name = api.get("/workflow/random-name")["name"]
    assert name != api.get("/workflow/random-name")["name"]
    assert api.call("GET", f"/workflow/validate?runName={name}").status_code == 204
    assert api.call("GET", "/workflow/validate?runName=9lives").status_code == 400
    assert api.call("GET", f"/workflow/validate?runName={'a' * 81}").status_code == 400
    run = api.launch(api.environment(), runName=name)
    session = api.get(f"/workflow/{run}")["workflow"]["sessionId"]
    taken = api.call("GET", f"/workflow/validate?runName={name}&sessionId={session}")
    assert taken.status_code == 409
    assert "already exists" in taken.json()["message"]
    assert api.call("GET", f"/workflow/validate?runName=other&sessionId={session}").status_code == 204
