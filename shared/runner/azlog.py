"""Log lines to Azure: an append blob in the work directory, and beside it the Log Analytics table.

The blob is the log: a line that is in it is readable at once. The table is filled as well as it goes.
"""

from __future__ import annotations

import time
from typing import Callable, Protocol

from shared.runner.azblob import VERSION
from shared.runner.azure import STORAGE, Azure
from shared.runner.errors import Denied, Failed, RunnerError
from shared.runner.http import Answer
from shared.runner.shipping import Line

PART_BLOCKS = 45_000
"""Appends to a part. Azure takes 50,000 to an append blob."""
ANSWER_WITHIN = 20.0
GIVE_UP = 1800.0
"""Seconds for which the blob may refuse a line. The log then goes on in the table, if that can be had."""


class Count:
    """A line's number within its attempt: 1, 2, 3, ..."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float) -> int:  # noqa: ARG002 (other places number by the time)
        self._last += 1
        return self._last


class Beside(Protocol):
    """Where lines go besides."""

    @property
    def alive(self) -> bool: ...

    def offer(self, lines: list[Line]) -> None: ...


class AzureLog:
    """`Target`: each line once into the blob, and once offered to the table, however often it is tried."""

    def __init__(self, parts: Parts, table: Beside, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._table = table
        self._clock = clock
        self._offered = 0
        self._refused_since = 0.0

    def send(self, lines: list[Line]) -> None:
        self._table.offer([line for line in lines if line[0] > self._offered])
        self._offered = max(self._offered, lines[-1][0])
        data = "".join(f"{number} {text}\n" for number, text in lines).encode(errors="replace")
        try:
            self._parts.append(data)
        except RunnerError:
            self._refused_since = self._refused_since or self._clock()
            if not self._table.alive or self._clock() - self._refused_since < GIVE_UP:
                raise
            return
        self._refused_since = 0.0


class Parts:
    """The append blobs `<folder>/0001.log`, `0002.log`, ... of one attempt, which only this machine writes.

    An append says where it believes the end to be. When its answer was lost, the same bytes are sent once
    more, and the refusal with the blob's length tells that they are there already."""

    def __init__(self, azure: Azure, folder: str, blocks: int = PART_BLOCKS) -> None:
        self._azure = azure
        self._folder = folder.rstrip("/")
        self._most = blocks
        self._part = 0
        self._end = 0
        self._blocks = 0

    def append(self, data: bytes) -> None:
        """Adds bytes at the end. Raises Failed, and may then be repeated with the same bytes only."""
        if not self._part or self._blocks >= self._most:
            self._begin(self._part + 1)
        position = {"x-ms-blob-condition-appendpos": str(self._end)}
        answer = self._send("PUT", "?comp=appendblock", data, position, (404, 409, 412))
        if answer.status < 300:
            self._end += len(data)
            self._blocks += 1
        elif answer.status == 412:
            self._compare(len(data))
        elif answer.status == 409 and answer.headers.get("x-ms-error-code") == "BlockCountExceedsLimit":
            self._blocks = self._most
            raise Failed("the log's part is full")
        elif answer.status == 404:
            self._part -= 1  # somebody took the part away: it begins anew
            self._blocks = self._most
            raise Failed("the log's part is gone")
        else:
            raise Denied(f"the log cannot be appended to ({answer.status})", status=answer.status)

    def _begin(self, part: int) -> None:
        """Makes a part; one that is there already is ours, and its answer was lost."""
        before, self._part = self._part, part
        try:
            headers = {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"}
            answer = self._send("PUT", "", b"", headers, (409, 412))
            self._end, self._blocks = self._look() if answer.status >= 300 else (0, 0)
        except RunnerError:
            self._part = before
            raise

    def _compare(self, length: int) -> None:
        """The end is not where we left it: there already, when it moved by what we are about to write."""
        expected = self._end + length
        self._end, self._blocks = self._look()
        if self._end != expected:
            # Whatever it is, lines after it are numbered: a reader drops what it has seen.
            raise Failed("the log's end is not where it was left")

    def _look(self) -> tuple[int, int]:
        """Length and number of appends of the part."""
        answer = self._send("HEAD", "", b"", {}, ())
        headers = answer.headers
        return int(headers["Content-Length"]), int(headers.get("x-ms-blob-committed-block-count", "0"))

    def _send(
        self, method: str, query: str, data: bytes, headers: dict[str, str], accept: tuple[int, ...]
    ) -> Answer:
        url = f"{self._folder}/{self._part:04d}.log{query}"
        given = {"x-ms-version": VERSION, **headers}
        return self._azure.send(
            STORAGE, method, url, data, given, patience=0.0, accept=accept, within=ANSWER_WITHIN
        )
