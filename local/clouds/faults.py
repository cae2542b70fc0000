"""Bad days, scripted: which call goes wrong, how, and how often."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.clouds.answer import Answer, Dropped
from local.clouds.journal import Call

When = int | Mapping[str, Any] | Callable[[Any], bool] | None
FRONT = {"throttle", "5xx", "503", "reset-before", "delay", "denied"}
"""Kinds that strike before the service looks at the request. `reset-after` strikes when the work is
done; everything else is the service's own refusal, after it has checked the request."""


@dataclass
class Fault:
    """One scripted fault. `left` counts down (None: for ever)."""

    service: str
    action: str
    when: When
    kind: str
    left: int | None
    seconds: float = 0.0
    message: str = ""
    status: int = 400
    seen: int = 0
    struck: int = 0

    def matches(self, call: Call) -> bool:
        """Whether it is this call's turn; counts the calls it saw."""
        if self.service not in ("*", call.service) or self.action not in ("*", call.action) or self.left == 0:
            return False
        self.seen += 1
        if self.when is None:
            return True
        if isinstance(self.when, int):
            return self.seen >= self.when
        if callable(self.when):
            return self.when(call)
        return all(_same(call.params.get(key), value) for key, value in self.when.items())


def _same(found: Any, wanted: Any) -> bool:
    if wanted is None:
        return found is None
    return found in wanted if isinstance(wanted, (list, tuple, set)) else found == wanted


class Script:
    """The scripted faults, struck in the order they were added. Safe to change while calls come in.
    Each cloud says in its own words what goes wrong: `at_the_front` and `refused`."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._sleep = sleep

    def add(
        self,
        service: str,
        action: str,
        when: When = None,
        kind: str = "5xx",
        times: int | None = 1,
        *,
        seconds: float = 0.0,
        message: str = "",
        status: int = 400,
    ) -> Fault:
        """Scripts a fault for `service`/`action` ("*": any).

        `when`: None, the n-th matching call on (1 is the first), parameter values that must be equal
        (a list: one of; None: absent), or a function of the call. `kind`: throttle, 5xx, 503,
        reset-before, reset-after, delay (`seconds`), denied, what a cloud adds to these (capacity),
        or any error code of the service with `message` and `status`. `times`: how often
        it strikes; None is for ever.
        """
        fault = Fault(service, action, when, kind, times, seconds, message, status)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Good weather again."""
        with self._lock:
            self._faults.clear()

    def before(self, call: Call) -> Answer | None:
        """Faults of the front door: an answer instead of the service's, or a cut connection."""
        for fault in self._due(call, lambda kind: kind in FRONT):
            if fault.kind == "delay":
                self._sleep(fault.seconds)
                continue
            if fault.kind == "reset-before":
                raise Dropped
            return self.at_the_front(call, fault)
        return None

    def within(self, call: Call) -> Answer | None:
        """The service's own refusals, once the request has been found in order."""
        for fault in self._due(call, lambda kind: kind not in FRONT and kind != "reset-after"):
            return self.refused(call, fault)
        return None

    def after(self, call: Call) -> None:
        """The work is done; the answer may still get lost."""
        for _ in self._due(call, lambda kind: kind == "reset-after"):
            raise Dropped

    def at_the_front(self, call: Any, fault: Fault) -> Answer:
        """The words for throttle, 5xx, 503 and denied."""
        raise NotImplementedError

    def refused(self, call: Any, fault: Fault) -> Answer:
        """The words for everything else."""
        raise NotImplementedError

    def _due(self, call: Call, wanted: Callable[[str], bool]) -> Iterator[Fault]:
        with self._lock:
            faults = [fault for fault in self._faults if wanted(fault.kind)]
        for fault in faults:
            with self._lock:
                if not fault.matches(call):
                    continue
                fault.struck += 1
                fault.left = None if fault.left is None else fault.left - 1
            yield fault
