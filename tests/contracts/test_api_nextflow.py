"""Nextflow's reporting client against a control plane that really listens."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.host import web
from shared.api.auth import issue_token
from shared.model.access import Token, token_id
from shared.model.message import Message
from tests.nextflow_plugin import Aborted, Plugin, authorization
from tests.unit.api.front import Front

Make = Callable[..., Plugin]


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    return Front.fresh(tmp_path / "data", request.node.name)


@pytest.fixture
def nextflow(api: Front) -> Iterator[Make]:
    """Makes clients of a control plane that really listens."""
    bound = web.bind("127.0.0.1", 0)
    server = web.Web(api.app, bound)
    server.start()
    clients: list[Plugin] = []

    def make(token: str = "", workflow_id: str | None = None, **more: Any) -> Plugin:
        clients.append(Plugin(web.url_of(bound) + "/api/", token or api.token, workflow_id, **more))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    server.stop()


def whole_run(client: Plugin) -> None:
    client.create()
    client.begin()
    for status in ("SUBMITTED", "RUNNING", "COMPLETED"):
        for number in range(1, 121):
            client.event(number, status, script="x" * 20_000, env="y" * 4_000)
        client.flush()
    client.heartbeat()
    client.complete()
    assert (client.refused, client.warnings) == ([], [])


def test_a_run_that_is_started_anywhere_is_followed_to_its_end(api: Front, nextflow: Make) -> None:
    client = nextflow()
    whole_run(client)
    found = api.get(f"/workflow/{client.id}")
    assert found["workflow"]["status"] == "SUCCEEDED"
    assert found["progress"]["workflowProgress"]["succeeded"] == 120
    assert found["progress"]["workflowProgress"]["cpuTime"] == 1200
    tasks = api.get(f"/workflow/{client.id}/tasks?max=1000")
    assert tasks["total"] == 120
    assert {each["task"]["status"] for each in tasks["tasks"]} == {"COMPLETED"}
    assert {len(each["task"]["script"]) for each in tasks["tasks"]} == {10_240}


def test_a_run_in_a_workspace_says_which_at_every_request(api: Front, nextflow: Make) -> None:
    client = nextflow(workspace_id=1)
    whole_run(client)
    assert api.get("/workflow?workspaceId=1")["totalSize"] == 1
    assert api.get("/workflow")["totalSize"] == 0


def test_a_machine_reports_with_the_token_of_its_spec(api: Front, nextflow: Make) -> None:
    run = api.launch(api.environment())
    token = api.run_token(run)
    assert authorization(token).startswith("Bearer ")
    client = nextflow(token, run)
    whole_run(client)
    assert client.id == run
    # It is the machine's runner that says when a run begins and ends.
    assert api.get(f"/workflow/{run}")["workflow"]["status"] == "SUBMITTED"
    assert api.get(f"/workflow/{run}")["workflow"]["nextflow"]["version"] == "26.08.0"


def test_a_token_of_another_form_is_sent_as_basic_and_works(api: Front, nextflow: Make) -> None:
    text = "a-plain-password"
    assert authorization(text).startswith("Basic ")
    api.world.store.put_many([Token(id=token_id(text), name="given")])
    whole_run(nextflow(text))


def test_a_cancelled_run_is_ended_by_the_next_report(api: Front, nextflow: Make) -> None:
    client = nextflow()
    client.create()
    client.begin()
    api.post(f"/workflow/{client.id}/cancel", {}, status=204)
    client.event(1, "RUNNING")
    with pytest.raises(Aborted, match="was cancelled"):
        client.flush()
    assert client.refused == [("progress", 400)], "it is not asked again"


def test_a_resumed_session_is_accepted_as_a_run_of_its_own(api: Front, nextflow: Make) -> None:
    first, second = nextflow(), nextflow()
    whole_run(first)
    whole_run(second)
    assert first.id != second.id
    assert api.get("/workflow")["totalSize"] == 2


def test_a_silent_run_is_unknown_and_comes_back_with_its_next_word(api: Front, nextflow: Make) -> None:
    client = nextflow()
    client.create()
    client.begin()

    def status_after(seconds: float) -> str:
        api.clock.advance(seconds)
        api.world.queue.send(Message(step="reap", subject="tick"))
        api.work()
        return str(api.get(f"/workflow/{client.id}")["workflow"]["status"])

    for _ in range(5):
        client.heartbeat()
        assert status_after(90) == "RUNNING"
    assert status_after(200) == "UNKNOWN"
    client.event(1, "COMPLETED")
    client.flush()
    assert status_after(10) == "RUNNING"
    assert status_after(400) == "UNKNOWN"
    client.complete()
    assert status_after(0) == "SUCCEEDED"


OTHERS = ("wrong", "expired", "another run's", "a boot token", "a hook's")


@pytest.mark.parametrize("whose", OTHERS)
@pytest.mark.parametrize("form", ["Bearer", "Basic"])
def test_a_token_that_does_not_fit_is_refused_at_every_request(
    api: Front, nextflow: Make, whose: str, form: str
) -> None:
    environment = api.environment()
    run, other = api.launch(environment), api.launch(environment)
    action = {"name": "a", "source": "tower", "launch": {"pipeline": "https://github.com/x/y"}}
    hook = api.post("/actions", action)["actionId"]
    token = {
        "wrong": lambda: api.token[:-1] + "A",
        "expired": lambda: issue_token(api.world, "short", expires_at=api.clock.now()),
        "another run's": lambda: api.run_token(other),
        "a boot token": lambda: api.boot_token(run),
        "a hook's": lambda: api.post(f"/headnode/actions/{hook}/token", {})["token"],
    }[whose]()
    basic = base64.b64encode(f"@token:{token}".encode()).decode()
    header = {"authorization": f"Bearer {token}" if form == "Bearer" else f"Basic {basic}"}
    expected = 401 if whose in ("wrong", "expired") else 403
    before = api.run(run)
    create = {"sessionId": "s", "runName": "r", "workflowId": run}
    tasks = {"tasks": [{"taskId": 1, "status": "COMPLETED"}]}
    for method, path, body in (
        ("POST", "/trace/create", create),
        ("PUT", f"/trace/{run}/begin", {"workflow": {}}),
        ("PUT", f"/trace/{run}/progress", tasks),
        ("PUT", f"/trace/{run}/progress", {"tasks": "not even a list"}),
        ("PUT", f"/trace/{run}/heartbeat", {}),
        ("PUT", f"/trace/{run}/complete", {"workflow": {"success": True}}),
        ("PUT", "/trace/doesNotExist/heartbeat", {}),
    ):
        answer = api.call(method, path, token="", headers=header, json=body)
        assert answer.status_code == expected, (path, answer.text)
        assert "tasks" not in answer.json()["message"], "nor is said what is wrong with the body"
    assert api.run(run) == before
    assert api.get(f"/workflow/{run}/tasks")["total"] == 0
    client = nextflow(token, run)
    with pytest.raises(Aborted):
        client.create()
    assert client.refused == [("create", expected)]


def test_another_workspaces_run_is_not_found(api: Front, nextflow: Make) -> None:
    client = nextflow(workspace_id=1)
    client.create()
    client.begin()
    for workspace in (0, 7):
        stranger = nextflow(workflow_id=client.id, workspace_id=workspace)
        with pytest.raises(Aborted, match="404"):
            stranger.create()
        stranger.id = client.id
        stranger.event(1, "COMPLETED")
        with pytest.raises(Aborted, match="404"):
            stranger.flush()
    assert api.get(f"/workflow/{client.id}/tasks")["total"] == 0


def test_an_unknown_run_is_not_begun(api: Front, nextflow: Make) -> None:
    with pytest.raises(Aborted, match="not found"):
        nextflow(workflow_id="doesNotExist").create()
    for id in ("x" * 64, "x" * 3000):
        assert api.call("PUT", f"/trace/{id}/heartbeat", json={}).status_code == 404


def test_a_client_whose_token_expires_gets_another_one_amid_the_run(api: Front, nextflow: Make) -> None:
    token = issue_token(api.world, "short", expires_at=api.clock.now() + 60)
    client = nextflow(token, refresh_token=api.token)
    client.create()
    client.begin()
    for number in range(3):
        api.clock.advance(3601)
        client.event(number, "COMPLETED")
        client.flush()
    client.complete()
    assert (client.refused, client.warnings) == ([], [])
    assert client.token not in (token, api.token)
    assert api.get(f"/workflow/{client.id}")["workflow"]["status"] == "SUCCEEDED"
    assert api.get(f"/workflow/{client.id}/tasks")["total"] == 3


def test_without_a_refresh_token_an_expired_one_ends_the_run(api: Front, nextflow: Make) -> None:
    client = nextflow(issue_token(api.world, "short", expires_at=api.clock.now() + 60))
    client.create()
    api.clock.advance(61)
    with pytest.raises(Aborted, match="401"):
        client.begin()
