"""Ships log lines while they are written, at most once a second."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Protocol

from shared.runner.console import Console
from shared.runner.errors import Failed, RunnerError
from shared.runner.lines import Stamps

EVERY = 1.0
BATCH_BYTES = 900_000
"""CloudWatch takes 1,048,576 bytes with 26 more for each event (PutLogEvents, service quotas)."""
BATCH_LINES = 10_000
AHEAD_MS = 100 * 60 * 1000
"""Stamps may run ahead of the clock when lines come faster than one in a millisecond; CloudWatch
refuses those that are more than two hours ahead."""

Line = tuple[int, str]


class Numbers(Protocol):
    """Gives lines their numbers, strictly growing."""

    def next(self, now: float) -> int: ...


class Target(Protocol):
    """Where lines go. `send` blocks for seconds at most; raises Failed, and may then be repeated with
    the same lines."""

    def send(self, lines: list[Line]) -> None: ...


class FileTarget:
    """Appends to a file. Only whole batches count: a part that was written is taken back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, lines: list[Line]) -> None:
        data = "".join(f"{text}\n" for _, text in lines).encode(errors="replace")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                size = file.seek(0, 2)
                if file.write(data) < len(data):
                    file.truncate(size)
                    raise Failed("the log file's disk is full")
        except OSError as error:
            raise Failed(f"{self._path.name}: {error.strerror}") from None


class Shipper:
    """A thread that sends what the console gets. While the target is away it waits, and the console
    keeps the lines on disk."""

    def __init__(
        self, console: Console, where: Target, every: float = EVERY, numbers: Numbers | None = None
    ) -> None:
        self._console = console
        self._target = where
        self._every = every
        self._numbers = numbers or Stamps()
        self._batch: list[Line] = []
        self._closing = threading.Event()
        self._give_up = 0.0
        self.trouble = ""
        """Why the last try failed; empty when it did not."""
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def drain(self, patience: float) -> bool:
        """Sends what is left, for at most `patience` seconds. Whether all of it went."""
        self._give_up = time.monotonic() + patience
        self._closing.set()
        self._console.grown.set()
        self._thread.join(patience + 5.0)
        return not self._batch and not self._thread.is_alive() and not self._console.take(1)

    def _run(self) -> None:
        pause = self._every
        while True:
            # Looked at before the lines are taken: what is written after that has another round.
            closing = self._closing.is_set()
            if not closing:
                self._console.grown.wait(self._every)
            try:
                sent = self._ship()
                # A full batch means that more is waiting; a slow trickle is sent once in a while.
                pause, self.trouble = 0.0 if sent > BATCH_BYTES / 4 else self._every, ""
            except (RunnerError, OSError) as error:
                sent, self.trouble = 0, str(error)
                pause = min(max(pause, self._every) * 2, 30.0)
            if closing:
                if (not sent and not self._batch) or time.monotonic() > self._give_up:
                    return
                pause = 0.0 if sent else min(pause, 1.0)
            time.sleep(pause) if closing else self._closing.wait(pause)

    def _ahead(self) -> bool:
        return bool(self._batch) and self._batch[-1][0] > time.time() * 1000 + AHEAD_MS

    def _ship(self) -> int:
        """Sends a batch: the one that failed, else the next lines. How many characters that was."""
        if not self._batch:
            room = BATCH_BYTES - 26 * BATCH_LINES
            lines = self._console.take(room)
            self._batch = [(self._numbers.next(time.time()), line) for line in lines]
        size = sum(len(text) + 1 for _, text in self._batch)
        while self._ahead() and not self._closing.is_set():
            time.sleep(1.0)
        while self._batch:
            part = first_part(self._batch)
            self._target.send(part)
            del self._batch[: len(part)]
        return size


def first_part(lines: list[Line]) -> list[Line]:
    """As many of the lines as one call takes."""
    size = 0
    for number, (_, text) in enumerate(lines[:BATCH_LINES]):
        size += len(text.encode(errors="replace")) + 26
        if number and size > BATCH_BYTES:
            return lines[:number]
    return lines[:BATCH_LINES]
