"""What was asked of the cloud, by whom, and what it said."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Call(Protocol):
    """What a journal notes of a call. `caller` is a principal's name, or an access key."""

    service: str
    action: str
    params: dict[str, Any]

    @property
    def caller(self) -> str: ...

    @property
    def writes(self) -> bool: ...


@dataclass(frozen=True)
class Entry:
    """One call. `status` is 0 when the connection was cut and nobody heard the answer."""

    number: int
    at: float
    service: str
    action: str
    params: dict[str, Any]
    principal: str
    status: int
    code: str
    writes: bool

    def __str__(self) -> str:
        return f"{self.service}:{self.action} {self.status} {self.code}".rstrip()


class Journal:
    """All calls in the order they were answered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, call: Call, status: int, code: str = "") -> None:
        """Notes a call that is over."""
        with self._lock:
            number = len(self._entries) + 1
            self._entries.append(
                Entry(
                    number,
                    self._clock(),
                    call.service,
                    call.action,
                    call.params,
                    call.caller,
                    status,
                    code,
                    call.writes,
                )
            )

    def entries(self, service: str = "*", action: str = "*", since: int = 0) -> list[Entry]:
        """The calls after number `since`, of one service and action where given."""
        with self._lock:
            found = self._entries[since:]
        return [e for e in found if service in ("*", e.service) and action in ("*", e.action)]

    @property
    def count(self) -> int:
        """How many calls there were: a mark to give to `entries(since=...)`."""
        return len(self._entries)

    @property
    def writes(self) -> int:
        """How many calls could change something, refused ones included."""
        with self._lock:
            return sum(entry.writes for entry in self._entries)

    def totals(self, since: int = 0) -> dict[str, int]:
        """Number of calls by `service:action`."""
        return dict(Counter(f"{e.service}:{e.action}" for e in self.entries(since=since)))

    def clear(self) -> None:
        """Starts an empty page."""
        with self._lock:
            self._entries.clear()
