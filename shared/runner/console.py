"""What the engine and the runner say, kept on disk: the log file, and the buffer for shipping it.

Memory is bounded whatever the engine writes and however long the log service is away.
"""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import IO

from shared.runner.lines import Mask

SPARE = 1024 * 1024
"""Characters kept in memory while the disk is full; what comes after them is lost, and counted."""
TAIL = 20


class Console:
    """Many write, one reads (the shipper). Writing never raises and never waits for the reader."""

    def __init__(self, path: Path, mask: Mask) -> None:
        self.path = path
        self.mask = mask
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._written = 0
        self._read = 0
        self._spare: deque[str] = deque()
        self._spare_size = 0
        self._lost = 0
        self._tail: deque[str] = deque(maxlen=TAIL)
        self.grown = threading.Event()

    def say(self, text: str) -> None:
        """A line of the runner's own."""
        for line in self.mask(text).splitlines() or [""]:
            self.write(f"headnode: {line}")

    def write(self, line: str) -> None:
        """Keeps a line that was masked already."""
        with self._lock:
            self._tail.append(line[:500])
            if self._spare or not self._to_disk(line):
                self._to_spare(line)
        self.grown.set()

    def take(self, limit: int) -> list[str]:
        """The next lines that were not taken yet, up to about `limit` bytes."""
        with self._lock:
            lines = self._from_disk(limit)
            while self._spare and not lines_left(self._read, self._written) and limit > 0:
                line = self._spare.popleft()
                self._spare_size -= len(line)
                limit -= len(line)
                lines.append(line)
            if not self._spare and self._lost:
                lines.append(f"headnode: {self._lost} lines were lost: the disk is full")
                self._lost = 0
            if not self._spare and not lines_left(self._read, self._written):
                self.grown.clear()
            return lines

    def close(self) -> None:
        """Closes the file; what was written stays readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def tail(self) -> str:
        """The last few lines, for the reason of a failure."""
        with self._lock:
            return "\n".join(line for line in self._tail if line.strip())

    def _to_disk(self, line: str) -> bool:
        data = line.encode(errors="replace") + b"\n"
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("ab", buffering=0)
                self._written = self._read = 0
            done = self._file.write(data)
        except OSError:
            return False
        self._written += done
        if done < len(data):  # the disk became full within the line: it is written again when it is not
            self._cut(done)
            return False
        return True

    def _cut(self, count: int) -> None:
        try:
            assert self._file is not None
            self._file.truncate(self._written - count)
            self._written -= count
        except OSError:
            return

    def _to_spare(self, line: str) -> None:
        if self._spare_size + len(line) > SPARE:
            self._lost += 1
            return
        self._spare.append(line)
        self._spare_size += len(line)

    def _from_disk(self, limit: int) -> list[str]:
        if self._read >= self._written:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read)
            data = file.read(min(self._written - self._read, max(limit, 1)))
            if not data.endswith(b"\n"):
                cut = data.rfind(b"\n") + 1
                data = data[:cut] if cut else data + file.readline()
        self._read += len(data)
        return data.decode(errors="replace").split("\n")[:-1]


def lines_left(read: int, written: int) -> bool:
    """Whether the file holds lines that were not read."""
    return read < written
