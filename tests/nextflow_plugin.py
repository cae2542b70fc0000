"""Nextflow's reporting client (plugin nf-tower 1.29), played request by request over a real socket: what it
sends, when it tries again, and what makes it end the run. Waiting is left to who plays it."""

import base64
import binascii
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

RETRIED = frozenset({429, 500, 502, 503, 504})
ATTEMPTS, FIRST_WAIT, LONGEST_WAIT, JITTER = 10, 0.35, 90.0, 0.25
"""The client's retries: the wait doubles each time. Other statuses from 400 on are final."""
TOGETHER = 100
"""Tasks that wait before they are sent without waiting for the second to end."""
LIMITS = {
    "script": 10_240,
    "env": 2_048,
    "workdir": 512,
    "name": 255,
    "process": 255,
    "tag": 255,
    "queue": 255,
}
"""Characters that the client sends of a text (tower-schema.properties)."""
NO_EXIT = 2**31 - 1
SESSION = "40f3f3fb-db1e-4736-a606-8beb680628b1"
COUNTERS = (
    "pending", "submitted", "running", "succeeded", "failed", "cached", "ignored", "retries", "aborted",
    "loadCpus", "loadMemory", "peakRunning", "peakCpus", "peakMemory",
)  # fmt: skip


class Aborted(Exception):
    """Nextflow ends the run: a report was refused for good."""


def no_wait(seconds: float) -> None:
    """Time is not what is tested."""


@dataclass
class Plugin:
    """The client of one run. Raises Aborted where Nextflow would end it."""

    url: str
    token: str
    workflow_id: str | None = None
    workspace_id: int | None = None
    run_name: str = "happy_euler"
    session: str = SESSION
    refresh_token: str = ""
    wait: Callable[[float], None] = no_wait
    id: str = ""
    waits: list[float] = field(default_factory=list)
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Each answer other than success: the word, and its status (0: no answer at all)."""
    warnings: list[str] = field(default_factory=list)
    now: int = 1_790_000_000_000

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.url.rstrip("/"), timeout=60, follow_redirects=True)
        self._queue: dict[int, dict[str, Any]] = {}
        self._states: dict[int, str] = {}
        self._chance = random.Random(self.run_name)

    def close(self) -> None:
        self._http.close()

    # What Nextflow's session tells the client

    def create(self) -> dict[str, Any]:
        """The session is made."""
        body = {
            "sessionId": self.session,
            "runName": self.run_name,
            "projectName": "x/hello",
            "repository": None,
            "workflowId": self.workflow_id,
        }
        found = self._send("POST", "/trace/create", body)
        self.id = found.get("workflowId") or ""
        if not self.id or len(self.id) > 16:
            raise Aborted(f"no workflow id: {found}")
        return found

    def begin(self) -> dict[str, Any]:
        """The script begins."""
        dag = {"vertices": [{"id": 0, "type": "process", "label": "A", "scope": None}], "edges": []}
        body = {
            "workflow": self._flow(),
            "processNames": ["A"],
            "towerLaunch": bool(self.workflow_id),
            "dag": dag,
        }
        return self._send("PUT", f"/trace/{self.id}/begin", body)

    def event(self, id: int, status: str, **more: Any) -> None:
        """A task changed: sent at once with the hundredth that waits, else by `flush`."""
        self._queue[id] = self._states_of(task(id, status, **more))
        if len(self._queue) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """A second is over: what changed is sent, the last word about each task."""
        while self._queue:
            ids = list(self._queue)[:TOGETHER]
            tasks = [self._queue[id] for id in ids]
            body = {"tasks": tasks, "progress": self.counters(), "containers": []}
            self._send("PUT", f"/trace/{self.id}/progress", body)
            for id in ids:
                del self._queue[id]

    def heartbeat(self) -> None:
        """Nothing changed for a minute."""
        self._send("PUT", f"/trace/{self.id}/heartbeat", {"progress": self.counters()}, fatal=False)

    def complete(self, success: bool = True) -> None:
        """The script ended."""
        self.flush()
        ended = {
            **self._flow(),
            "stats": {"succeedCount": 1, "computeTimeFmt": "(a few seconds)"},
            "success": success,
            "exitStatus": 0 if success else 1,
            "errorMessage": None if success else "it broke",
            "errorReport": None if success else "it broke here",
            "complete": "2026-09-21T10:01:00Z",
            "duration": 60_000,
        }
        metrics = [{"process": "A", "cpu": None, "cpuUsage": None, "mem": {"mean": 1, "warnings": []}}]
        body = {"workflow": ended, "metrics": metrics, "progress": self.counters()}
        self._send("PUT", f"/trace/{self.id}/complete", body, fatal=False)

    def counters(self) -> dict[str, Any]:
        """The counters as the client keeps them."""
        states = list(self._states.values())
        counts: dict[str, Any] = dict.fromkeys(COUNTERS, 0)
        counts |= {
            "submitted": states.count("SUBMITTED"),
            "running": states.count("RUNNING"),
            "succeeded": states.count("COMPLETED"),
            "failed": states.count("FAILED"),
            "cached": states.count("CACHED"),
        }
        return {
            **counts,
            "processes": [{"index": 1, "name": "A", "terminated": False, "stored": 0, **counts}],
        }

    def _states_of(self, told: dict[str, Any]) -> dict[str, Any]:
        self._states[told["taskId"]] = told["status"]
        return told

    def _flow(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "runName": self.run_name,
            "sessionId": self.session,
            "start": "2026-09-21T10:00:00Z",
            "projectName": "x/hello",
            "container": None,
            "params": {},
            "operationId": None,
            "resume": False,
            "nextflow": {"version": "26.08.0", "build": 5900, "timestamp": "2026-08-01T00:00:00Z"},
            "manifest": {"gitmodules": None},
        }

    # How the client speaks

    def _send(self, method: str, path: str, body: Mapping[str, Any], fatal: bool = True) -> dict[str, Any]:
        """One report, sent again as the client does. A refusal of a heartbeat or of the end is a warning."""
        self.now += 1000
        data = json.dumps({**body, "instant": self.now}).encode()
        answer = self._retried(method, path, data)
        if answer is not None and answer.is_success:
            found = answer.json() if answer.content else {}
            assert isinstance(found, dict), "the client reads an object"
            return found
        why = f"{path}: {answer.status_code} {answer.text}" if answer is not None else f"{path}: no answer"
        if fatal:
            raise Aborted(why)
        self.warnings.append(why)
        return {}

    def _retried(self, method: str, path: str, data: bytes) -> httpx.Response | None:
        wait = FIRST_WAIT
        refreshed = False
        answer = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self.waits.append(wait * self._chance.uniform(1 - JITTER, 1 + JITTER))
                self.wait(self.waits[-1])
                wait = min(wait * 2, LONGEST_WAIT)
            answer = self._once(method, path, data)
            if answer is not None and answer.status_code == 401 and self.refresh_token and not refreshed:
                refreshed = self._refresh()
                answer = self._once(method, path, data)
            if answer is not None and answer.is_success:
                return answer
            self.refused.append((path.rpartition("/")[2], answer.status_code if answer is not None else 0))
            if answer is not None and answer.status_code not in RETRIED:
                return answer
        return answer

    def _once(self, method: str, path: str, data: bytes) -> httpx.Response | None:
        headers = {
            "authorization": authorization(self.token),
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Nextflow/26.08.0",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        query = {} if self.workspace_id is None else {"workspaceId": str(self.workspace_id)}
        try:
            return self._http.request(method, path, content=data, headers=headers, params=query)
        except httpx.TransportError:
            return None

    def _refresh(self) -> bool:
        """New tokens, from the answer's cookies or else its JSON; only a Bearer token is renewed."""
        if not authorization(self.token).startswith("Bearer"):
            return False
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        answer = self._http.post("/oauth/access_token", data=form)
        if not answer.is_success:
            return False
        told = answer.json()
        self.token = answer.cookies.get("JWT") or told["access_token"]
        self.refresh_token = answer.cookies.get("JWT_REFRESH_TOKEN") or told["refresh_token"]
        self._http.cookies.clear()
        return True


def authorization(token: str) -> str:
    """Bearer for what looks like a token of the platform or a JWT, else Basic."""
    if token.count(".") == 2:
        return f"Bearer {token}"
    try:
        head = base64.b64decode(token + "=" * (-len(token) % 4)).partition(b".")[0]
        json.loads(head)
    except (binascii.Error, ValueError):
        return "Basic " + base64.b64encode(f"@token:{token}".encode()).decode()
    return f"Bearer {token}"


def task(id: int, status: str, **more: Any) -> dict[str, Any]:
    """A task as its trace record is sent, with texts cut as the client cuts them."""
    found = {
        "taskId": id,
        "status": status,
        "hash": f"ab/{id:06x}",
        "nativeId": 1000 + id,  # the local executor's is a process id, a number
        "process": "A",
        "module": [],
        "container": None,
        "tag": None,
        "name": f"A ({id})",
        "exit": 0 if status in ("COMPLETED", "CACHED") else NO_EXIT,
        "submit": "2026-09-21T10:00:02+02:00",
        "attempt": 1,
        "cpus": 1,
        "memory": None,
        "realtime": 10 if status == "COMPLETED" else None,
        "workdir": f"s3://bucket/work/ab/{id:032x}",
        "script": "echo hello",
        "env": None,
        "executor": "local",
        "priceModel": "spot",
        "numSpotInterruptions": 0,
        **more,
    }
    cut = {key: value[: LIMITS.get(key, 10_000)] for key, value in found.items() if isinstance(value, str)}
    return {**found, **cut}
