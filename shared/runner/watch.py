"""What ends the work from outside: a signal, the cloud, the deadline, the control plane."""

from __future__ import annotations

import threading
import time
from typing import Callable

from shared.runner.cloud import Cloud, Notice

TERMINATED, INTERRUPTED, DEADLINE = "terminated", "interrupted", "deadline reached"
CANCELLED, DISMISSED = "cancelled", "dismissed"

CHECK_EVERY = 5.0
MARGIN = 120.0
"""Seconds before the deadline at which the work is stopped, so that its log can still be saved; at most a
tenth of the time that there was."""


class Stop:
    """Why the work has to stop. The first reason counts, but a dismissal always does: then nothing is to
    be saved or said any more."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.reason = ""
        self._noted = ""

    def ask(self, reason: str) -> None:
        """Thread-safe, but not for signal handlers."""
        if not self.reason or reason == DISMISSED:
            self.reason = reason
        self.asked.set()

    def note(self, reason: str) -> None:
        """For signal handlers: a handler that takes a lock can wait for the very code it interrupted."""
        self._noted = self._noted or reason

    @property
    def pending(self) -> bool:
        """Whether the work has to stop; takes up what a signal handler noted."""
        if self._noted and not self.asked.is_set():
            self.ask(self._noted)
        return self.asked.is_set()


class Deadline:
    """When all of it has to be over, in epoch seconds (UTC). The control plane may move it."""

    def __init__(self, at: float) -> None:
        self._began = time.time()
        self._at = at

    def move(self, at: float) -> None:
        """0.0 is no news."""
        if at > 0:
            self._at = at

    @property
    def stops_at(self) -> float:
        """When the work is stopped."""
        return self._at - min(MARGIN, max(0.0, self._at - self._began) / 10)

    @property
    def reached(self) -> bool:
        """Whether the work has to stop now."""
        return time.time() >= self.stops_at


def watch_deadline(stop: Stop, deadline: Deadline, pace: float) -> None:
    """Stops the work in time for its deadline. Blocks until it is to stop; a thread's body."""
    while not stop.asked.is_set():
        if deadline.reached:
            stop.ask(DEADLINE)
        left = max(0.05, deadline.stops_at - time.time())
        stop.asked.wait(min(CHECK_EVERY * pace, left))


def watch_cloud(stop: Stop, cloud: Cloud, noticed: Callable[[Notice], None], pace: float) -> None:
    """Stops the work when the cloud takes the machine back. Blocks until it is to stop; a thread's body
    of its own, since a metadata service may take its time."""
    while not stop.asked.is_set():
        notice = cloud.notice()
        if notice:
            noticed(notice)
            stop.ask(INTERRUPTED)
        stop.asked.wait(cloud.notice_every * pace)
