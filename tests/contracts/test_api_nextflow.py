"""Nextflow's reporting client (plugin nf-tower), played request by request over a real socket."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.host import web
from tests.unit.api.front import Front

RETRIED = (429, 500, 502, 503, 504)


class Client:
    """Sends what the plugin sends, and reacts as it does: most refusals end the run."""

    def __init__(self, url: str, token: str, workflow_id: str | None) -> None:
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=self._headers(token), timeout=10)
        self._announced = workflow_id
        self.id = ""
        self.killed = False

    @staticmethod
    def _headers(token: str) -> dict[str, str]:
        kind = "application/json; charset=utf-8"
        return {"authorization": authorization(token), "content-type": kind, "user-agent": "Nextflow/26.08.0"}

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: dict[str, Any], fatal: bool = True) -> dict[str, Any]:
        answer = self._http.request(method, path, content=json.dumps({**body, "instant": 1_790_000_000_000}))
        assert answer.status_code not in RETRIED, answer.text
        if not answer.is_success and fatal:
            self.killed = True
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def create(self) -> dict[str, Any]:
        body = {
            "sessionId": "40f3f3fb-db1e-4736-a606-8beb680628b1",
            "runName": "happy_euler",
            "projectName": "x/hello",
            "repository": None,
            "workflowId": self._announced,
        }
        found = self.send("POST", "/trace/create", body)
        self.id = found.get("workflowId") or ""
        assert self.killed or len(self.id) <= 16
        return found

    def begin(self) -> None:
        flow = {
            "id": self.id,
            "runName": "happy_euler",
            "start": "2026-09-21T10:00:00Z",
            "container": None,
            "params": {},
            "operationId": None,
            "nextflow": {"version": "26.08.0", "build": 5900},
        }
        dag = {"vertices": [{"id": 0, "type": "process", "label": "A", "scope": None}], "edges": []}
        self.send(
            "PUT",
            f"/trace/{self.id}/begin",
            {"workflow": flow, "processNames": ["A"], "towerLaunch": True, "dag": dag},
        )

    def progress(self, *tasks: dict[str, Any]) -> None:
        self.send(
            "PUT", f"/trace/{self.id}/progress", {"tasks": tasks, "progress": counts(), "containers": []}
        )

    def heartbeat(self) -> None:
        self.send("PUT", f"/trace/{self.id}/heartbeat", {"progress": counts()}, fatal=False)

    def complete(self, success: bool = True) -> None:
        flow = {
            "id": self.id,
            "success": success,
            "exitStatus": 0 if success else 1,
            "duration": 100,
            "complete": "2026-09-21T10:01:00Z",
            "errorMessage": None if success else "it broke",
        }
        body = {
            "workflow": flow,
            "metrics": [{"process": "A", "cpu": None, "mem": {"mean": 1}}],
            "progress": counts(),
        }
        self.send("PUT", f"/trace/{self.id}/complete", body, fatal=False)


def authorization(token: str) -> str:
    """Bearer for what looks like a token of the platform, else Basic."""
    try:
        head = base64.b64decode(token + "=" * (-len(token) % 4)).partition(b".")[0]
        json.loads(head)
    except (binascii.Error, ValueError):
        return "Basic " + base64.b64encode(f"@token:{token}".encode()).decode()
    return f"Bearer {token}"


def counts() -> dict[str, Any]:
    names = (
        "pending",
        "submitted",
        "running",
        "succeeded",
        "failed",
        "cached",
        "ignored",
        "retries",
        "aborted",
    )
    more = ("loadCpus", "loadMemory", "peakRunning", "peakCpus", "peakMemory")
    found: dict[str, Any] = dict.fromkeys((*names, *more), 1)
    return {**found, "processes": [{"index": 0, "name": "A", "terminated": False, **dict.fromkeys(names, 1)}]}


def task(id: int, status: str) -> dict[str, Any]:
    return {
        "taskId": id,
        "status": status,
        "hash": "ab/cdef01",
        "process": "A",
        "name": f"A ({id})",
        "tag": None,
        "exit": 0 if status == "COMPLETED" else 2**31 - 1,
        "script": "x" * 10240,
        "env": "y" * 2048,
        "submit": "2026-09-21T10:00:02+02:00",
        "module": [],
        "cpus": 1,
        "memory": None,
    }


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    return Front.fresh(tmp_path / "data", request.node.name)


@pytest.fixture
def nextflow(api: Front) -> Iterator[Callable[..., Client]]:
    """Makes clients of a control plane that really listens."""
    bound = web.bind("127.0.0.1", 0)
    server = web.Web(api.app, bound)
    server.start()
    clients: list[Client] = []

    def make(token: str, workflow_id: str | None = None) -> Client:
        clients.append(Client(web.url_of(bound) + "/api", token, workflow_id))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    server.stop()


def whole_run(client: Client) -> None:
    client.create()
    client.begin()
    client.progress(*(task(number, "RUNNING") for number in range(100)))
    client.progress(*(task(number, "COMPLETED") for number in range(100)))
    client.heartbeat()
    client.complete()
    assert not client.killed


def test_a_run_that_is_started_anywhere_is_followed_to_its_end(
    api: Front, nextflow: Callable[..., Client]
) -> None:
    client = nextflow(api.token)
    whole_run(client)
    found = api.get(f"/workflow/{client.id}")
    assert found["workflow"]["status"] == "SUCCEEDED"
    tasks = api.get(f"/workflow/{client.id}/tasks?max=1000")
    assert tasks["total"] == 100
    assert {each["task"]["status"] for each in tasks["tasks"]} == {"COMPLETED"}


def test_a_machine_reports_with_the_token_of_its_spec(api: Front, nextflow: Callable[..., Client]) -> None:
    run = api.launch(api.environment())
    token = api.run_token(run)
    assert authorization(token).startswith("Bearer ")
    client = nextflow(token, run)
    whole_run(client)
    assert client.id == run
    # It is the machine's runner that says when a run begins and ends.
    assert api.get(f"/workflow/{run}")["workflow"]["status"] == "SUBMITTED"
    assert api.get(f"/workflow/{run}")["workflow"]["nextflow"]["version"] == "26.08.0"


def test_a_token_of_another_form_is_sent_as_basic_and_works(
    api: Front, nextflow: Callable[..., Client]
) -> None:
    from shared.model.access import Token, token_id

    text = "a-plain-password"
    assert authorization(text).startswith("Basic ")
    api.world.store.put_many([Token(id=token_id(text), name="given")])
    whole_run(nextflow(text))


def test_a_cancelled_run_is_killed_by_the_next_report(api: Front, nextflow: Callable[..., Client]) -> None:
    client = nextflow(api.token)
    client.create()
    client.begin()
    api.post(f"/workflow/{client.id}/cancel", {}, status=204)
    client.progress(task(1, "RUNNING"))
    assert client.killed


def test_with_a_wrong_token_or_run_nothing_begins(api: Front, nextflow: Callable[..., Client]) -> None:
    for token, run in (("wrong", None), (api.token, "doesNotExist")):
        client = nextflow(token, run)
        client.create()
        assert client.killed
