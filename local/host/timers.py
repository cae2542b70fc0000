"""What happens on this machine because time went by."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("headnode.host")


class Timer:
    """Calls `action` now and then every `every` seconds, from a thread of its own. An action that
    raises is logged and called again at its next time."""

    def __init__(self, every: float, action: Callable[[], None], name: str) -> None:
        self._every = every
        self._action = action
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"headnode-{name}", daemon=True)

    def start(self) -> None:
        """Starts the thread; returns at once."""
        self._thread.start()

    def stop(self, within: float) -> None:
        """No more calls; waits at most `within` seconds for one under way."""
        self._stopping.set()
        if self._thread.ident:
            self._thread.join(within)

    def _loop(self) -> None:
        while True:
            try:
                self._action()
            except Exception:
                log.exception("a timer's action failed; it is tried again at its next time")
            if self._stopping.wait(self._every):
                return
