"""The platform's command line, played request by request: what it sends, in its order, and the fields
without which it crashes. Its JSON library fails on unknown values of enumerations, not on unknown fields."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.front import Front

ENVIRONMENT_STATES = ["CREATING", "AVAILABLE", "DISABLED", "DELETING", "ERRORED", "INVALID", "DELETED"]
RUN_STATES = ["SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN"]


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    return Front.fresh(tmp_path / "data", request.node.name)


def reference(api: Front) -> int:
    """`-w org/workspace`: the id behind two names."""
    user = api.get("/user-info")["user"]
    assert user["userName"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    found = [row for row in rows if row.get("workspaceName") == "main" and row["orgName"] == "headnode"]
    return int(found[0]["workspaceId"])


def add_environment(api: Front, workspace: int) -> str:
    """`compute-envs add aws-cloud`, which takes the one credential that fits."""
    keys = {"accessKey": "A", "secretKey": "S", "assumeRoleArn": None}
    body = {"credentials": {"name": "aws", "provider": "aws", "keys": keys}}
    api.post(f"/credentials?workspaceId={workspace}&useExternalId=false", body)
    [one] = api.get(f"/credentials?workspaceId={workspace}&platformId=aws-cloud")["credentials"]
    assert one["name"]
    assert one["provider"]
    config = {
        "discriminator": "aws-cloud",
        "workDir": "s3://bucket/work",
        "region": "eu-west-1",
        "waveEnabled": True,
        "fusion2Enabled": True,
        "schedEnabled": False,
        "allowBuckets": None,
        "environment": [],
        "instanceType": None,
    }
    asked = {"name": "ce", "platform": "aws-cloud", "credentialsId": one["id"], "config": config}
    made = api.post(f"/compute-envs?workspaceId={workspace}", {"computeEnv": asked, "labelIds": None})
    return str(made["computeEnvId"])


def waited(states: list[str], target: str, look: Callable[[], str], pause: Callable[[], None]) -> str:
    """`--wait`: polls until a state at or behind the target in the order of the enumeration."""
    for _ in range(50):
        state = look()
        if states.index(state) >= states.index(target):
            return state
        pause()
    raise AssertionError(f"never {target}")


def test_info(api: Front) -> None:
    found = api.call("GET", "/service-info").json()["serviceInfo"]
    wanted = [1, 181, 0]
    assert [int(part) for part in found["apiVersion"].split(".")] >= wanted
    assert found["version"]


def test_the_life_of_an_environment(api: Front) -> None:
    workspace = reference(api)
    at = f"workspaceId={workspace}"
    id = add_environment(api, workspace)

    def state() -> str:
        return str(api.get(f"/compute-envs/{id}?{at}")["computeEnv"]["status"])

    assert waited(ENVIRONMENT_STATES, "AVAILABLE", state, lambda: api.work(2)) == "AVAILABLE"
    [listed] = api.get(f"/compute-envs?{at}")["computeEnvs"]
    assert [listed[key] for key in ("id", "name", "platform", "status")] == [
        id,
        "ce",
        "aws-cloud",
        "AVAILABLE",
    ]
    shown = api.get(f"/compute-envs/{id}?{at}&attributes=labels")["computeEnv"]
    assert shown["config"]["discriminator"] == "aws-cloud"
    assert shown["labels"] == []
    api.post(f"/compute-envs/{id}/primary?{at}", {}, status=204)
    api.delete(f"/compute-envs/{id}?{at}")
    assert state() == "DELETING"
    # seqerakit looks at the list, tw --wait at the description.
    assert waited(ENVIRONMENT_STATES, "DELETED", state, lambda: api.work(2)) == "DELETED"
    assert api.get(f"/compute-envs?{at}")["computeEnvs"] == []
    credentials = api.get(f"/credentials?{at}")["credentials"][0]["id"]
    api.delete(f"/credentials/{credentials}?{at}&checked=true")


def test_launch_and_wait(api: Front) -> None:
    workspace = reference(api)
    at = f"workspaceId={workspace}"
    add_environment(api, workspace)
    api.work()
    [environment] = api.get(f"/compute-envs?status=AVAILABLE&{at}")["computeEnvs"]
    described = api.get(f"/compute-envs/{environment['id']}?{at}")["computeEnv"]
    launch = {
        "computeEnvId": described["id"],
        "pipeline": "https://github.com/nextflow-io/hello",
        "workDir": described["config"]["workDir"],
        "preRunScript": described["config"].get("preRunScript"),
        "runName": None,
        "configProfiles": None,
        "optimizationId": None,
    }
    run = api.post(f"/workflow/launch?{at}", {"launch": launch})["workflowId"]

    def state() -> str:
        return str(api.get(f"/workflow/{run}?{at}")["workflow"]["status"])

    assert state() == "SUBMITTED"
    api.work()
    api.finish(run)
    assert waited(RUN_STATES, "SUCCEEDED", state, lambda: api.work(2)) == "SUCCEEDED"
    listed = api.get(f"/workflow?{at}&max=100&offset=0&includeTotalSize=true&attributes=labels")
    assert listed["totalSize"] == 1
    flow = listed["workflows"][0]["workflow"]
    assert all(flow[key] for key in ("id", "status", "runName", "submit"))


def viewed(api: Front, run: str) -> dict[str, Any]:
    """`runs view`."""
    found = api.get(f"/workflow/{run}?attributes=labels")
    for key in ("id", "runName", "sessionId", "userName", "workDir", "status"):
        assert found["workflow"][key] is not None, key
    assert found["labels"] == []
    load = api.get(f"/workflow/{run}/progress")["progress"]["workflowProgress"]
    counters = (
        "submitted",
        "running",
        "cached",
        "succeeded",
        "failed",
        "pending",
        "aborted",
        "retries",
        "ignored",
    )
    assert all(isinstance(load[key], int) for key in counters)
    assert "launch" in api.get(f"/workflow/{run}/launch")
    return dict(found["workflow"])


def test_runs_view_cancel_relaunch_dump_and_delete(api: Front) -> None:
    api.environment()
    run = api.launch(runName="first_one", revision="main")
    viewed(api, run)
    api.post(f"/workflow/{run}/cancel", {}, status=204)
    api.work(300)
    assert viewed(api, run)["status"] == "CANCELLED"
    api.cloud.files[f"nf-{run}.txt"] = b"hello\n"
    assert api.call("GET", f"/workflow/{run}/download?fileName=nf-{run}.txt").text == "hello\n"
    assert api.get(f"/workflow/{run}/metrics") == {"metrics": []}
    assert api.get(f"/workflow/{run}/tasks?max=100&offset=0") == {"tasks": [], "total": 0}
    before = api.get(f"/workflow/{run}/launch")["launch"]
    assert api.get(f"/launch/{before['id']}")["launch"]["id"] == before["id"]
    again = {key: value for key, value in before.items() if key not in ("computeEnv", "dateCreated")}
    again |= {"computeEnvId": before["computeEnv"]["id"], "resume": True}
    relaunched = api.post("/workflow/launch", {"launch": again})["workflowId"]
    flow = viewed(api, relaunched)
    assert (flow["sessionId"], flow["resume"]) == (before["sessionId"], True)
    assert flow["launchId"] != before["id"]
    api.delete(f"/workflow/{run}")
    assert [each["workflow"]["id"] for each in api.get("/workflow")["workflows"]] == [relaunched]


def test_nextflow_launch_follows_the_log(api: Front) -> None:
    """Nextflow's own `launch` reads the whole log each time and prints what is behind what it printed."""
    environment = api.environment()
    assert api.get("/user-info")["user"]["userName"]
    [listed] = api.get("/compute-envs")["computeEnvs"]
    assert (listed["id"], listed["primary"], listed["workDir"]) == (environment, True, "s3://bucket/work")
    run = api.launch(environment)
    printed: list[str] = []
    for number in range(4):
        api.cloud.lines.setdefault(1, []).append(f"line {number}")
        entries = api.get(f"/workflow/{run}/log")["log"]["entries"]
        printed += entries[len(printed) :]
    api.cloud.files[f"nf-{run}.txt"] = "\n".join([*api.cloud.lines[1], "the end", ""]).encode()
    api.finish(run)
    entries = api.get(f"/workflow/{run}/log")["log"]["entries"]
    printed += entries[len(printed) :]
    assert printed == ["line 0", "line 1", "line 2", "line 3", "the end"]
