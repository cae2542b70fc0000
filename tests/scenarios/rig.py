"""A whole control plane for scenario tests: real store, queue and provider, a clock that tests own.

The test plays the machine, since it decides when a machine speaks and when it stays silent.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shared import wiring
from shared.model.access import Credentials
from shared.model.environment import Environment
from shared.model.message import STEPS, Message
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import World
from shared.steps import environments, runs
from shared.steps.deliver import handle
from tests.clock import FakeClock
from tests.scenarios.clouds import Cloud


class SeededIds:
    """Ids that repeat for a seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = itertools.count()

    def new(self, length: int = 16) -> str:
        import hashlib

        digest = hashlib.sha256(f"{self._seed}/{next(self._count)}".encode()).hexdigest()
        return (digest * 2)[:length]

    def secret(self) -> str:
        return self.new(64)


def played(run: Run, attempt: Attempt, token: str) -> str:
    """User data of a machine that the test plays: nothing ever executes it."""
    return f"#cloud-config\n# {run.id} {attempt.number} {token}\n"


@dataclass
class Rig:
    """One control plane. `restart()` is what a new process finds after the old one was killed."""

    data: Path
    settings: Settings
    clock: FakeClock
    ids: SeededIds
    cloud: Cloud
    wrap: Callable[[World], World] = field(default=lambda world: world)
    before: Callable[[str], None] = field(default=lambda step: None)
    """Called with the step of each message that is about to be delivered."""

    def __post_init__(self) -> None:
        self.world = self.fresh()

    def fresh(self) -> World:
        world = wiring.local_world(self.data, self.settings, self.clock, self.ids)
        return self.wrap(replace(world, boot=played))

    def restart(self) -> None:
        """A new process on the same data; hidden deliveries come back after a while."""
        self.world = self.fresh()
        self.clock.advance(600)

    def credentials(self) -> str:
        """Stores the cloud's keys as the API does."""
        new = self.world.ids.new(22)
        provider, public, secret = self.cloud.credentials()
        self.world.store.save(
            Credentials(
                id=new,
                name=f"keys-{new[:6]}",
                provider=provider,
                public=public,
                sealed=self.world.vault.seal(json.dumps(secret), f"credentials/{new}"),
            )
        )
        return new

    def environment(self, name: str = "rig", **config: Any) -> Environment:
        """Asks for an environment; nothing is made before `drain`."""
        return environments.create_environment(
            self.world,
            workspace_id=0,
            user_id=1,
            name=name,
            description="",
            platform=self.cloud.platform,
            credentials_id=self.credentials(),
            config={**self.cloud.config(), **config},
        )

    def submit(self, environment: Environment, **launch: Any) -> Run:
        body = {"pipeline": "https://example.org/hello", **launch}
        found = self.get_environment(environment)
        return runs.submit_run(
            self.world, workspace_id=0, user_id=1, owner="rig", environment=found, launch=body
        )

    def get_environment(self, environment: Environment) -> Environment:
        found = self.world.store.get(Environment, environment.id)
        assert found is not None
        return found

    def get_run(self, run: Run) -> Run:
        found = self.world.store.get(Run, run.id)
        assert found is not None
        return found

    def deliver(self, limit: int = 100) -> int:
        """Delivers what is due, once; how many messages there were."""
        deliveries = self.world.queue.receive(STEPS, limit)
        for delivery in deliveries:
            self.before(delivery.step)
            handle(delivery.text, self.world)
            self.world.queue.done(delivery)
        return len(deliveries)

    def drain(self, seconds: float = 120.0, step: float = 5.0) -> None:
        """Delivers until nothing is due, then lets time pass, for so many seconds in all."""
        end = self.clock.now() + seconds
        while True:
            while self.deliver():
                pass
            if self.clock.now() >= end:
                return
            self.clock.advance(step)

    def tick(self) -> None:
        """What the timer does."""
        self.world.queue.send(Message(step="reap", subject="tick"))
        while self.deliver():
            pass

    def say(self, run: Run, event: str, **facts: Any) -> runs.Answer:
        """The machine of the run's newest attempt speaks."""
        attempt = last(self.get_run(run))
        said = runs.Report(event=event, machine_id=attempt.machine_id, **facts)
        return runs.report(self.world, run.id, attempt.number, said)

    def work(self, run: Run, exit_status: int = 0) -> None:
        """The machine boots, works and ends well (or not)."""
        self.say(run, "boot")
        self.say(run, "start")
        self.say(run, "end", exit_status=exit_status)


def last(run: Run) -> Attempt:
    """The newest attempt, which must be there."""
    assert run.last is not None
    return run.last


class Cut(BaseException):
    """The process ends here. Not an Exception: nothing in the product may catch it."""


@dataclass
class Knife:
    """Counts writes to the outside world and ends the process at one of them."""

    at: int
    after: bool
    count: int = 0
    armed: bool = True

    def write(self, act: Callable[[], Any]) -> Any:
        """One outbound write, perhaps the last one of this process."""
        self.count += 1
        if self.armed and self.count == self.at and not self.after:
            raise Cut
        answer = act()
        if self.armed and self.count == self.at:
            raise Cut
        return answer


class Cutting:
    """A port whose writing methods go through a knife."""

    def __init__(self, port: Any, knife: Knife, writes: tuple[str, ...]) -> None:
        self._port = port
        self._knife = knife
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._writes:
            return method
        return lambda *args, **kwargs: self._knife.write(lambda: method(*args, **kwargs))


def cut_ports(world: World, knife: Knife) -> World:
    """The world with every write to store and queue going through the knife."""
    return replace(
        world,
        store=Cutting(world.store, knife, ("save", "save_all", "put_many", "remove")),
        queue=Cutting(world.queue, knife, ("send", "done", "release")),
    )
