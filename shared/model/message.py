"""Messages: what one step tells the next. Small, versioned, and safe to deliver any number of times.

A message names a subject and never carries its state: a step reads the record and decides from that,
so a late or repeated message is harmless.
"""

from typing import Any, ClassVar

import msgspec

from shared.errors import Poison
from shared.model.records import Model, Record, encode

VERSION = 1
STEPS = ("create", "launch", "logs", "reap", "dispose")
HISTORY = 20
"""Notes kept on a message that comes again and again: the first and the newest ones."""
LONGEST_NOTE = 500
"""Characters of a note: a cloud's error may fill a page, and Azure's queue takes 48 KiB a message."""


class Note(Model, frozen=True, kw_only=True):
    """Why a delivery did not finish the work (`at`: epoch seconds, UTC)."""

    at: float
    reason: str


class Message(Model, frozen=True, kw_only=True):
    """`step` on `subject`: an environment id (create, dispose), a run id (launch, logs, reap), for launch
    also `tend:<environment id>` (the machines that tasks are on), or for reap also `tick` (the timer),
    `scope:<environment id>` (one account and region), `empty:<environment id>` (before it is disposed of)
    and `machine:<id>` (a cloud event)."""

    step: str
    subject: str
    version: int = VERSION
    tries: int = 0
    """Deliveries so far that ended in an error (a planned wait is not one)."""
    facts: dict[str, Any] = {}
    history: tuple[Note, ...] = ()

    def again(self, at: float, reason: str, failed: bool) -> "Message":
        """The message to deliver later, with the reason added to its history."""
        notes = (*self.history, Note(at=at, reason=reason[:LONGEST_NOTE]))
        if len(notes) > HISTORY:
            notes = (notes[0], *notes[2:])
        return self.but(history=notes, tries=self.tries + 1 if failed else 0)


class Parked(Record, frozen=True, kw_only=True):
    """A message that a person must look at: kept with its history until it is replayed or dropped."""

    kind: ClassVar[str] = "parked"

    step: str
    subject: str
    body: str
    reason: str
    at: float
    history: tuple[Note, ...] = ()

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`all` lists them by the time they were parked."""
        return {"all": ("all", f"{self.at:017.3f}")}


def to_text(message: Message) -> str:
    """The message as queue text (JSON, well under 64 KiB)."""
    return encode(message).decode()


def from_text(text: str | bytes) -> Message:
    """The inverse of `to_text`. Raises Poison, saying why, for anything that we did not write."""
    try:
        message = msgspec.json.decode(text, type=Message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Poison(f"not a headnode message: {error}") from error
    if message.version != VERSION:
        raise Poison(f"message version {message.version}, this program reads {VERSION}")
    if message.step not in STEPS:
        raise Poison(f"no such step: {message.step[:40]!r}")
    return message
