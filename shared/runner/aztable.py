"""Log lines to a Log Analytics table, through Logs Ingestion: beside the run, never in its way."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Callable

from shared.runner.azure import FRESH, MONITOR, Azure
from shared.runner.errors import Denied, Failed
from shared.runner.shipping import Line

VERSION = "2023-01-01"
BODY = 1_000_000
"""Bytes of one call before they are packed; Logs Ingestion takes 1 MB."""
FIELD = 64 * 1024
"""Bytes of one value; what is longer would be cut without a word."""
CUT = " [cut: the whole line is in the log]"
ROOM = 8 * 1024 * 1024
"""Characters that wait in memory at most; lines beyond are left out of the table, and counted."""
ANSWER_WITHIN = 20.0
LONGEST_PAUSE = 30.0

Entry = tuple[int, str, str]
"""Number, time and text of a line."""


class Table:
    """Sends what it is offered in a thread of its own. `say` gets what the user should know."""

    def __init__(
        self,
        azure: Azure,
        url: str,
        run: str,
        attempt: int,
        say: Callable[[str], None] = lambda _: None,
        *,
        every: float = 1.0,
        room: int = ROOM,
    ) -> None:
        self._azure = azure
        self._url = f"{url}?api-version={VERSION}"
        self._of = {"workflowId": run, "attempt": attempt}
        self._say = say
        self._every = every
        self._room = room
        self._waiting: deque[Entry] = deque()
        self._size = 0
        self._left_out = 0
        self._limit = BODY
        self._lock = threading.Lock()
        self._grown, self._closing = threading.Event(), threading.Event()
        self._began = time.monotonic()
        self._there = bool(url)
        self.alive = self._there
        """Whether the table may still be had."""
        self._thread = threading.Thread(target=self._run, name="log table", daemon=True)
        self._thread.start()

    def offer(self, lines: list[Line]) -> None:
        """Takes lines as far as there is room. Never waits, never raises."""
        if not self._there:
            return
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock:
            for number, text in lines:
                if not self.alive or self._size + len(text) > self._room:
                    self._left_out += 1
                    continue
                self._waiting.append((number, now, text))
                self._size += len(text)
        self._grown.set()

    def shortfall(self) -> str:
        """How many lines were left out so far, as a sentence; "" for none."""
        with self._lock:
            return f"{self._left_out} lines were left out of the log table" if self._left_out else ""

    def close(self, patience: float) -> None:
        """Sends what waits, for at most `patience` seconds."""
        self._closing.set()
        self._grown.set()
        self._thread.join(patience)

    def _run(self) -> None:
        pause = self._every
        while self.alive:
            self._grown.wait()
            self._closing.wait(pause)
            self._grown.clear()
            batch, body = self._batch()
            if not batch and self._closing.is_set():
                return
            if batch:
                self._grown.set()
                pause = self._try(len(batch), body, pause)

    def _try(self, count: int, body: bytes, pause: float) -> float:
        """Sends a batch. The seconds until the next one: a full batch means that more is waiting, a slow
        trickle is sent once in a while."""
        try:
            self._post(body)
        except Denied as error:
            self._denied(error, count)
            return self._every
        except Failed as error:
            if self._closing.is_set():
                time.sleep(min(self._every, 1.0))
            return min(max(error.after, pause * 2), LONGEST_PAUSE)
        self._forget(count)
        return 0.0 if len(body) > self._limit / 2 else self._every

    def _batch(self) -> tuple[list[Entry], bytes]:
        """As many of the waiting lines as one call takes, and its body."""
        with self._lock:
            waiting = list(self._waiting)
        return packed(waiting, self._of, self._limit)

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        data = gzip.compress(body, 6)
        self._azure.send(MONITOR, "POST", self._url, data, headers, patience=0.0, within=ANSWER_WITHIN)

    def _denied(self, error: Denied, count: int) -> None:
        """Too much at once, or lines that the table does not take. A rule that is not there (yet), or no
        right to it once a grant had its time: no table at all."""
        if error.status == 413 and count > 1:
            self._limit //= 2
        elif error.status == 404 and time.monotonic() - self._began < FRESH:
            self._closing.wait(LONGEST_PAUSE)
        elif error.status in (400, 413):
            self._forget(count, left_out=True)
        else:
            self.alive = False
            self._forget(len(self._waiting), left_out=True)
            self._say(f"the log table cannot be written, the log goes on without it: {error}")

    def _forget(self, count: int, *, left_out: bool = False) -> None:
        with self._lock:
            for _ in range(count):
                self._size -= len(self._waiting.popleft()[2])
            if left_out:
                self._left_out += count


def packed(waiting: Iterable[Entry], of: dict[str, object], limit: int) -> tuple[list[Entry], bytes]:
    """The first entries that make a body of at most `limit` bytes (one at least), and that body."""
    taken: list[Entry] = []
    parts: list[bytes] = []
    size = 2
    for entry in waiting:
        number, at, text = entry
        record = {"TimeGenerated": at, **of, "seq": number, "message": cut(text)}
        part = json.dumps(record, ensure_ascii=False).encode(errors="replace")
        if taken and size + len(part) + 1 > limit:
            break
        taken.append(entry)
        parts.append(part)
        size += len(part) + 1
    return taken, b"[" + b",".join(parts) + b"]"


def cut(text: str) -> str:
    """A line as the table takes it; what was cut off is marked."""
    data = text.encode(errors="replace")
    if len(data) <= FIELD:
        return text
    return data[: FIELD - len(CUT)].decode(errors="ignore") + CUT
