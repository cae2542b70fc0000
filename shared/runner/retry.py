"""Repeats what may work later, with growing pauses, until a time is over."""

from __future__ import annotations

import random
import threading
import time
from typing import Callable, TypeVar

from shared.runner.errors import Denied, Failed

T = TypeVar("T")

LONGEST = 30.0
"""Seconds between two tries, at most."""

_never = threading.Event()


def repeated(
    call: Callable[[], T],
    patience: float,
    *,
    first: float = 0.5,
    denied_too: bool = False,
    stop: threading.Event = _never,
) -> T:
    """The call's result. Blocks for at most about `patience` seconds, then raises the last failure; at
    once for `Denied` unless `denied_too`. `stop` ends the waiting."""
    end, pause = time.monotonic() + patience, first
    while True:
        try:
            return call()
        except Failed as error:  # noqa: PERF203 (a loop of tries is what this is)
            if isinstance(error, Denied) and not denied_too:
                raise
            left = end - time.monotonic()
            if left <= 0 or stop.is_set():
                raise
            spread = random.uniform(0.7, 1.3)  # noqa: S311 (spreads load, protects nothing)
            stop.wait(min(max(error.after, pause * spread), left))
            pause = min(pause * 2, LONGEST)
