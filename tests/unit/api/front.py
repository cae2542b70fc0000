"""The front door: requests to the real app, each answer held against the public description."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from shared import wiring
from shared.api.app import build
from shared.api.auth import issue_token
from shared.errors import Fault, Refused
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order
from shared.model.message import STEPS
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import LogPage, World
from shared.steps.deliver import handle
from tests import described, spec
from tests.clock import FakeClock
from tests.scenarios.rig import SeededIds


@dataclass
class Cloud:
    """A platform that has whatever is asked for, and log lines and files that tests put there."""

    lines: dict[int, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    machines_made: dict[str, Machine] = field(default_factory=dict)
    error: Exception | None = None
    gaps: int = 0
    """Empty answers that come before each page of lines, as a real log service gives them."""
    asked: int = 0
    confirm_after: float = 0.0
    leaves_tasks = False

    def check(self) -> list[Fault]:
        if self.error:
            raise self.error
        return self.faults

    def details(self) -> dict[str, Any]:
        return {"image": "ami-1"}

    def resources(self) -> list[Resource]:
        return [
            Resource(key="profile", type="IamInstanceProfile", name="p-1", needs=("role",)),
            Resource(key="role", type="IamRole", name="r-1"),
        ]

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
        return Made(cloud_id=f"arn:{row.name}")

    def remove(self, row: ResourceRow) -> bool:
        return True

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        return []

    def offers(self, run: Run) -> list[Offer]:
        return [Offer(machine_type="m5.large", place="subnet-1"), Offer(machine_type="m5.xlarge")]

    def check_run(self, run: Run) -> list[Fault]:
        return []

    def start(self, order: Order) -> str:
        id = f"i-{len(self.machines_made)}"
        self.machines_made[id] = Machine(
            id=id, state="running", run_id=order.run_id, attempt=order.attempt, deadline=order.deadline
        )
        return id

    def find(self, run_id: str, attempt: int) -> Machine | None:
        here = self.machines_made.values()
        return next((each for each in here if (each.run_id, each.attempt) == (run_id, attempt)), None)

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        return {id: self.machines_made[id] for id in ids if id in self.machines_made}

    def machines(self) -> Iterator[list[Machine]]:
        yield list(self.machines_made.values())

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        for id in ids:
            self.machines_made.pop(id, None)
        return {}

    def end_tasks(self, jobs: Sequence[str], since: float) -> None:
        raise AssertionError("not asked: tasks end with their machine")

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        return None

    def scope(self) -> str:
        return "here"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        return {
            "logs": {"kind": "file", "path": "/x"},
            "region": "here",
            "environment": {"GREETING": "hello"},
        }

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        self.asked += 1
        at, _, gap = cursor.partition("+")
        start, passed = int(at or 0), int(gap or 0)
        lines = self.lines.get(attempt.number, [])
        if start < len(lines) and passed < self.gaps:
            return LogPage(cursor=f"{start}+{passed + 1}")
        page = lines[start : start + limit]
        until = start + len(page)
        return LogPage(lines=tuple(page), cursor=str(until), end=until >= len(lines))

    def size(self, run: Run, name: str) -> int | None:
        if self.error:
            raise self.error
        return len(self.files[name]) if name in self.files else None

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        if name not in self.files:
            raise Refused(f"{name} not found")
        return self.files[name][start : None if length is None else start + length]


def own_faults(platform: str, config: dict[str, Any]) -> list[Fault]:
    """Only the platforms that there are."""
    return [] if platform in ("aws-cloud", "local-platform") else [Fault("platform", "is not supported")]


@dataclass
class Front:
    """A control plane and its user."""

    world: World
    cloud: Cloud
    clock: FakeClock
    token: str

    def __post_init__(self) -> None:
        self.app = build(self.world)

    @classmethod
    def fresh(cls, data: Path, seed: str) -> "Front":
        clock, cloud = FakeClock(), Cloud()
        settings = Settings(installation="test", api_url="http://control.test")
        world = wiring.local_world(data, settings, clock, SeededIds(seed))
        world = replace(
            world,
            provider=lambda _environment: cloud,
            logs=lambda _environment: cloud,
            faults=own_faults,
            boot=lambda run, attempt, token: f"{run.id} {attempt.number}",
        )
        return cls(world, cloud, clock, issue_token(world, "test"))

    def call(self, method: str, path: str, token: str | None = None, **given: Any) -> httpx.Response:
        """One request, as the user unless a token is given ("" is none)."""
        token = self.token if token is None else token
        headers = {**({"authorization": f"Bearer {token}"} if token else {}), **given.pop("headers", {})}

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://control.test") as client:
                return await client.request(method, path, headers=headers, **given)

        answer = asyncio.run(go())
        media = answer.headers.get("content-type", "")
        body = answer.json() if media.startswith("application/json") and answer.content else None
        wrong = spec.complaints(method, path, answer.status_code, body)
        wrong += described.complaints(method, path, answer.status_code, media, body)
        assert not wrong, "\n".join(wrong)
        if answer.status_code >= 400 and method != "HEAD":
            assert isinstance(answer.json()["message"], str), answer.text
        return answer

    def get(self, path: str, **given: Any) -> Any:
        """The JSON of an answer that must be 200."""
        answer = self.call("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int = 200, **given: Any) -> Any:
        """The JSON of an answer that must have this status; None where it has no body."""
        return self._send("POST", path, body, status, **given)

    def put(self, path: str, body: Any = None, status: int = 200, **given: Any) -> Any:
        """As `post`."""
        return self._send("PUT", path, body, status, **given)

    def delete(self, path: str, status: int = 204, **given: Any) -> Any:
        """As `post`."""
        return self._send("DELETE", path, None, status, **given)

    def _send(self, method: str, path: str, body: Any, status: int, **given: Any) -> Any:
        if body is not None:
            given["json"] = body
        answer = self.call(method, path, **given)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def work(self, seconds: float = 0.0) -> None:
        """Delivers what is due, now and for so many seconds."""
        end = self.clock.now() + seconds
        while True:
            while deliveries := self.world.queue.receive(STEPS, 10):
                for delivery in deliveries:
                    handle(delivery.text, self.world)
                    self.world.queue.done(delivery)
            if self.clock.now() >= end:
                return
            self.clock.advance(5)

    def environment(self, name: str = "ready", workspace: str = "", **config: Any) -> str:
        """The id of a new environment that is AVAILABLE."""
        id = self.post(f"/compute-envs{workspace}", env_body(name, **config))["computeEnvId"]
        self.work()
        assert self.get(f"/compute-envs/{id}")["computeEnv"]["status"] == "AVAILABLE"
        return str(id)

    def launch(self, environment: str = "", **launch: Any) -> str:
        """The id of a new run that has been given its machine."""
        body = {"launch": {"pipeline": "https://github.com/nextflow-io/hello", **launch}}
        if environment:
            body["launch"]["computeEnvId"] = environment
        id = self.post("/workflow/launch", body)["workflowId"]
        self.work()
        return str(id)

    def run(self, id: str) -> Run:
        found = self.world.store.get(Run, id)
        assert found is not None
        return found

    def stored(self, kind: type[Environment], id: str) -> Environment:
        found = self.world.store.get(kind, id)
        assert found is not None
        return found

    def boot_token(self, id: str) -> str:
        """What the run's newest machine finds in its user data."""
        last = self.run(id).last
        assert last is not None
        return self.world.vault.open(last.boot_secret, f"boot/{id}/{last.number}")

    def run_token(self, id: str) -> str:
        """What the runner gets with its spec."""
        attempt = len(self.run(id).attempts)
        path = f"/headnode/machine/{id}/{attempt}/spec"
        return str(self.post(path, {}, token=self.boot_token(id))["token"])

    def finish(self, id: str, exit_status: int = 0) -> None:
        """The run's machine works and ends; the reaper and the rest follow."""
        token, attempt = self.run_token(id), len(self.run(id).attempts)
        path = f"/headnode/machine/{id}/{attempt}/report"
        self.post(path, {"event": "start"}, token=token)
        self.post(path, {"event": "end", "exit_status": exit_status}, token=token)
        self.work(120)


def env_body(name: str = "ready", platform: str = "aws-cloud", **config: Any) -> dict[str, Any]:
    """A request for an environment."""
    config = {"region": "eu-west-1", "workDir": "s3://bucket/work", **config}
    return {"computeEnv": {"name": name, "platform": platform, "config": config}}


def text_of(value: Any) -> str:
    """Anything as text to be searched."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
