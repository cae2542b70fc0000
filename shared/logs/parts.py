"""The append blobs of one attempt's log, read from a place on: `<folder>/0001.log`, `0002.log`, ...

Each line is `<number> <text>`. Numbers grow by one, but a line may be there twice, and lines may be missing.
"""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared.errors import Fault, HeadnodeError, Invalid, Refused, Retry
from shared.logs import blob
from shared.logs.wire import Reply, Wire

FULL = 45_000
"""Appends after which the runner begins the next part."""
SMALLEST, LARGEST = 1024 * 1024, 4 * 1024 * 1024
"""Bytes read at once; a line has at most 800,000."""
TYPICAL_LINE = 512
NUMBER = re.compile(rb"[0-9]{1,12}")
CURSOR = re.compile(r"(\d{1,12})\|(\d{1,6})\|(\d{1,15})\|(\d{1,12})")


@dataclass(frozen=True)
class Place:
    """How far a log was read: the last line's number, and where the blob goes on. `since` is when (epoch
    seconds, by the cloud's clock) the next line was first found missing; 0 while it is not."""

    seen: int = 0
    part: int = 1
    offset: int = 0
    since: int = 0

    def __str__(self) -> str:
        return f"{self.seen}|{self.part}|{self.offset}|{self.since}"

    @staticmethod
    def parsed(cursor: str) -> "Place":
        """The place that a cursor stands for. Raises Invalid."""
        if not cursor:
            return Place()
        found = CURSOR.fullmatch(cursor)
        if found is None or not int(found.group(2)):
            raise Invalid(Fault("next", "not a cursor of this log"))
        return Place(*(int(each) for each in found.groups()))


class Line(NamedTuple):
    """One line, and the place right after it. There are many: a tuple is made five times as fast as a
    frozen dataclass."""

    number: int
    text: str
    part: int
    after: int


@dataclass(frozen=True)
class Piece:
    """What was read. `place` is after it; `end`: there was no more; `absent`: there is no log (yet);
    `trouble`: why the blob could not be read."""

    lines: tuple[Line, ...]
    place: Place
    end: bool
    now: int = 0
    absent: bool = False
    trouble: HeadnodeError | None = None


class Parts:
    """Reads the log of one attempt."""

    def __init__(self, wire: Wire, folder: str) -> None:
        self._wire = wire
        self._folder = folder

    def read(self, place: Place, limit: int) -> Piece:
        """Lines from a place on, about `limit`, by one ranged GET; one more where a part ended. Raises
        nothing that the table might make good: that is in the piece."""
        try:
            piece, over = self._read(place, limit)
            if over and not piece.lines:
                piece, _ = self._read(replace(place, part=place.part + 1, offset=0), limit)
        except (Refused, Retry) as error:
            return Piece((), place, end=True, trouble=error)
        return piece

    def _read(self, place: Place, limit: int) -> tuple[Piece, bool]:
        """What a part has from the place on, and whether that is its end for ever."""
        window = min(max(limit * TYPICAL_LINE, SMALLEST), LARGEST)
        # With the byte before it, so that a part without news is no refusal; it must end a line.
        back = 1 if place.offset else 0
        reply = blob.ranged(self._wire, f"{self._folder}/{place.part:04d}.log", place.offset - back, window)
        now = reply.now
        if reply.status == 404:
            before = place.part > 1
            return Piece((), place, end=True, now=now, absent=not before), False
        if back and (reply.status == 416 or not reply.body.startswith(b"\n")):
            return self._read(replace(place, offset=0), limit)  # it was taken away and began anew
        data = reply.body[back:] if reply.status < 300 else b""
        whole = data[: data.rfind(b"\n") + 1]
        after = place.offset + len(whole)
        full = int(reply.headers.get("x-ms-blob-committed-block-count", "0")) >= FULL
        end = after >= total(reply)
        piece = Piece(parsed(whole, place), replace(place, offset=after), end=end and not full, now=now)
        return piece, end and full


def parsed(data: bytes, place: Place) -> tuple[Line, ...]:
    """Whole lines. What has no number, or one that no cursor could hold, was not written by us."""
    found: list[Line] = []
    at = place.offset
    for raw in data.split(b"\n")[:-1]:
        at += len(raw) + 1
        number, _, text = raw.partition(b" ")
        if NUMBER.fullmatch(number):
            found.append(Line(int(number), text.decode(errors="replace"), place.part, at))
    return tuple(found)


def total(reply: Reply) -> int:
    """The whole blob's size, from the answer to a ranged read."""
    shown = reply.headers.get("content-range", "").rpartition("/")[2]
    return int(shown) if shown.isdigit() else 0
