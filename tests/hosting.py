"""What the hosts of tests share: messages are delivered and the timer ticks until something holds."""

import time
from collections.abc import Callable
from typing import Any


class Ticking:
    """A host that a test keeps going."""

    _next_tick = 0.0

    def tick(self) -> None:
        """What the timer does."""
        raise NotImplementedError

    def pump(self) -> int:
        """Delivers what is due, once; how much that was."""
        raise NotImplementedError

    def trouble(self) -> str:
        """What went wrong so far, for the text of a failure."""
        raise NotImplementedError

    def wait(self, what: Callable[[], Any], within: float = 60.0, tick_every: float = 2.0) -> Any:
        """Delivers messages, events and ticks until `what` holds; its value."""
        end = time.monotonic() + within
        while not (found := what()):
            assert time.monotonic() < end, f"did not happen within {within} s: {self.trouble()}"
            if time.monotonic() >= self._next_tick:
                self._next_tick = time.monotonic() + tick_every
                self.tick()
            if not self.pump():
                time.sleep(0.05)
        return found
