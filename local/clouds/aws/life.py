"""The life of instances: pending, running, and every way to the end; with machines where wanted."""

import base64
import contextlib
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.events import Events
from local.clouds.aws.launching import instances_in, with_states
from local.clouds.machines import MachineRoom

_TERMINATED = re.compile(
    r"<item>(?=(?:(?!</item>).)*?<instanceId>(i-[0-9a-f]+)</instanceId>)"
    r"(?:(?!</item>).)*?<previousState>(?:(?!</previousState>).)*?<name>([a-z-]+)</name>",
    re.DOTALL,
)


@dataclass(frozen=True)
class Ending:
    """Why an instance ends, in EC2's words."""

    code: str
    said: str
    transition: str = ""


BY_USER = Ending("Client.UserInitiatedShutdown", "User initiated shutdown", "User initiated")
BY_ITSELF = Ending("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
BY_SPOT = Ending("Server.SpotInstanceTermination", "Spot instance termination", "Service initiated")
BY_FAILURE = Ending("Server.InternalError", "Server error on launch", "Server.InternalError")


@dataclass
class Living:
    """An instance that was started here."""

    id: str
    region: str
    ending: Ending | None = None
    """Set once the end has begun; from then on nothing else can end it."""
    transition: str = ""
    action_at: float | None = None
    """When spot will take it back; shown in its metadata."""
    machine: Any = None


class Life:
    """EC2's part that moves instances on. `pending` and `ending` are seconds spent in those states;
    0 passes through within the call."""

    def __init__(
        self,
        turn: Callable[[str], AbstractContextManager[Any]],
        events: Events,
        room: MachineRoom,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.pending = 0.0
        self.ending = 0.0
        self.unseen = 0.0
        """Seconds until the API shows a new instance, by id and in listings (eventual consistency)."""
        self.machines = False
        self._turn = turn
        self._events = events
        self._room = room
        self._clock = clock
        self._living: dict[str, Living] = {}
        self._timers: set[threading.Timer] = set()

    def before(self, _: Call) -> Answer | None:
        """Nothing to say."""
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Starts the life of new instances, or the end of those that are terminated."""
        if answer.status != 200:
            return answer
        if call.action == "RunInstances":
            return self._born(call, answer)
        if call.action == "TerminateInstances":
            for id, previous in _TERMINATED.findall(answer.body.decode()):
                living = self._known(call.region, id)
                if living.ending:
                    _as_before(living, previous)
                else:
                    self._end(living, BY_USER)
        return answer

    def find(self, id: str) -> Living | None:
        """An instance that was started here."""
        return self._living.get(id)

    def interrupt(self, id: str, notice: float) -> None:
        """Spot wants its machine back in `notice` seconds. Idempotent."""
        living = self._living[id]
        with self._turn("ec2"):
            found = backends.instance(living.region, id)
            if found is None or found.lifecycle != "spot":
                raise ValueError(f"{id} is no spot instance")
            if living.action_at is not None or living.ending:
                return
            living.action_at = self._clock() + notice
            self._events.interruption(living.region, found.availability_zone, id)
        self._later(notice, lambda: self.end(id, BY_SPOT))

    def end(self, id: str, why: Ending) -> None:
        """Ends an instance for another reason than a call or its own shutdown; its machine loses
        power. Idempotent."""
        living = self._living[id]
        with self._turn("ec2"):
            if living.ending is None:
                _terminate(living)
                self._end(living, why)

    def clear(self) -> None:
        """Ends every machine without a word. Blocks until they are gone."""
        for timer in list(self._timers):
            timer.cancel()
        self._timers.clear()
        for living in self._living.values():
            living.ending = living.ending or BY_FAILURE
        self._room.clear()
        self._living.clear()
        self.pending = self.ending = self.unseen = 0.0

    def _known(self, region: str, id: str) -> Living:
        return self._living.setdefault(id, Living(id, region))

    def _born(self, call: Call, answer: Answer) -> Answer:
        ids = instances_in(answer)
        answer.body = with_states(answer.body, iter([(0, "pending")] * len(ids)))
        for id in ids:
            living = self._known(call.region, id)
            born = backends.instance(call.region, id)
            backends.put_state(born, "pending")
            _with_own_interfaces(call, born)
            self._events.state(call.region, id, "pending")
            if self.unseen:
                self._later(self.unseen, backends.hide(call.region, id))
            if self.machines:
                self._room.later(self.pending, partial(self._boot, living))
            else:
                self._later(self.pending, partial(self._running, living))
        return answer

    def _boot(self, living: Living) -> None:
        """Runs on a thread of the machine room."""
        found = backends.instance(living.region, living.id)
        if found is None or living.ending:
            return
        user_data = base64.b64decode(str(found.user_data or ""))
        try:
            living.machine = self._room.start(living.id, user_data, lambda _: self._powered_off(living))
        except OSError:
            self.end(living.id, BY_FAILURE)
            raise
        self._running(living)
        if living.ending:
            living.machine.press_power()

    def _running(self, living: Living) -> None:
        with self._turn("ec2"):
            found = backends.instance(living.region, living.id)
            if found and living.ending is None:
                backends.put_state(found, "running")
                self._events.state(living.region, living.id, "running")

    def _powered_off(self, living: Living) -> None:
        """Its machine is off: as asked for, or because it shut itself down."""
        with self._turn("ec2"):
            if living.ending:
                self._gone(living)
                return
            found = backends.instance(living.region, living.id)
            living.machine = None
            if found is None:
                return
            if found.instance_initiated_shutdown_behavior == "terminate":
                _terminate(living)
                self._end(living, BY_ITSELF)
            else:
                self._stopped(living, found)

    def _stopped(self, living: Living, found: Any) -> None:
        found.stop()
        backends.put_reason(found, BY_ITSELF.code, BY_ITSELF.said, BY_ITSELF.transition)
        for state in ("stopping", "stopped"):
            self._events.state(living.region, living.id, state)

    def _end(self, living: Living, why: Ending) -> None:
        """moto has terminated it; say so at the right time. Holds EC2's turn."""
        living.ending = why
        if why.transition:
            at = datetime.fromtimestamp(self._clock(), UTC)
            living.transition = f"{why.transition} ({at:%Y-%m-%d %H:%M:%S GMT})"
        _as_before(living, "shutting-down")
        self._events.state(living.region, living.id, "shutting-down")
        if living.machine and living.machine.alive:
            self._room.later(
                0, lambda: living.machine.press_power() if why is BY_USER else living.machine.kill()
            )
        else:
            self._later(self.ending, lambda: self._gone(living))

    def _gone(self, living: Living) -> None:
        with self._turn("ec2"):
            found = backends.instance(living.region, living.id)
            if found and found.state != "terminated":
                backends.put_state(found, "terminated")
                self._events.state(living.region, living.id, "terminated")

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds <= 0:
            act()
            return

        def act_once() -> None:
            self._timers.discard(timer)
            act()

        timer = threading.Timer(seconds, act_once)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()


def _terminate(living: Living) -> None:
    """Lets moto give back volumes, addresses and the profile."""
    found: Any = backends.instance(living.region, living.id)
    with contextlib.suppress(Exception):  # a volume that was detached meanwhile is no reason to live
        found.terminate()


def _as_before(living: Living, state: str) -> None:
    """Its state and the reason of its end, which moto writes anew each time it is terminated. Its
    interfaces are gone by now; moto would look for them the next time."""
    found: Any = backends.instance(living.region, living.id)
    if living.ending:
        backends.put_reason(found, living.ending.code, living.ending.said, living.transition)
    backends.put_state(found, state)
    for interface in found.nics.values():
        interface.delete_on_termination = False


def _with_own_interfaces(call: Call, found: Any) -> None:
    """An interface that EC2 makes for an instance goes with it, unless the request says otherwise."""
    if not any(name.startswith("NetworkInterface.") for name in call.params):
        for interface in found.nics.values():
            interface.delete_on_termination = True
