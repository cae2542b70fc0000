"""Cuts a program's output into lines that a log service takes, with every secret masked."""

from __future__ import annotations

import threading
from collections.abc import Iterator

LONGEST = 200_000
"""Characters of a line; a longer one goes on in the next."""
SHORTEST_SECRET = 4
"""A shorter secret cannot be masked without making the log unreadable."""
MASK = "***"


class Mask:
    """Replaces secrets. One that has several lines is masked line by line. Grows as secrets get known."""

    def __init__(self) -> None:
        self._secrets: list[str] = []
        self._lock = threading.Lock()

    def add(self, secret: str) -> None:
        """From now on this is masked. Any thread may say so."""
        pieces = {secret, *secret.splitlines()}
        with self._lock:
            known = {*self._secrets, *(each for each in pieces if len(each.strip()) >= SHORTEST_SECRET)}
            # Longest first: a secret may hold another one.
            self._secrets = sorted(known, key=lambda each: (-len(each), each))

    @property
    def longest(self) -> int:
        """Characters of the longest secret."""
        return len(self._secrets[0]) if self._secrets else 0

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


class Splitter:
    """Takes bytes as they come and gives whole, masked lines. Memory: one line of LONGEST."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._rest = b""
        self._long = ""

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that are complete now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for raw in whole:
            yield from self._line(raw.decode(errors="replace").rstrip("\r"))
        if len(self._rest) > LONGEST:
            yield from self._piece()

    def end(self) -> Iterator[str]:
        """The last line, which had no end."""
        rest, self._rest = self._rest, b""
        if rest or self._long:
            yield from self._line(rest.decode(errors="replace").rstrip("\r"))

    def _line(self, text: str) -> Iterator[str]:
        masked, self._long = self._mask(self._long + text), ""
        while len(masked) > LONGEST:
            yield masked[:LONGEST]
            masked = masked[LONGEST:]
        yield masked

    def _piece(self) -> Iterator[str]:
        """Gives out the beginning of an endless line. What could be the beginning of a secret stays, and
        so do the bytes of a character that is not complete."""
        cut = len(self._rest)
        while cut and cut > len(self._rest) - 4 and self._rest[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        if cut and self._rest[cut - 1] >= 0xC0:
            cut -= 1
        text, self._rest = self._rest[:cut].decode(errors="replace"), self._rest[cut:]
        masked = self._mask(self._long + text)
        while len(masked) >= LONGEST + self._mask.longest:
            yield masked[:LONGEST]
            masked = masked[LONGEST:]
        self._long = masked


class Stamps:
    """Milliseconds since the epoch, strictly increasing: a stamp is a line's number in its stream."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float) -> int:
        """A stamp for a line at `now` (epoch seconds)."""
        self._last = max(self._last + 1, int(now * 1000))
        return self._last
