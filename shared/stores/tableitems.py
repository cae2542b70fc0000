"""Records as entities of an Azure table, and the keys they stand under. Pure; see `tables` for the layout.

Keys are ASCII, since Azure forbids some characters and promises no order for others: UTF-8, with all but
letters, digits and the hyphen escaped so that the order of code points stays.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import Refused
from shared.model.records import Record, Sought, decode, encode
from shared.stores import body, postings

HOME = "headnode"
OWNED = {"metrics": "trace", "tasks": "trace", "trace": "trace"}
"""Kinds whose ids are `<owner>` or `<owner>/<rest>` and that no listing knows, with the family that they
belong to: one owner's records of a family have a partition of their own, so that the reports of one run
slow down nobody else, and change at once. They do not expire."""
END = "!"
"""After each part of a key. Lower than any character of a part, so that keys order part by part."""
ABOVE = "$"
"""The lowest character of a part: not below any key that ends where it stands."""
LONGEST = 150
"""Characters of one part of a key; a key may have 512."""
LARGEST = 900_000
"""Bytes of a record's body, deflated; Azure takes entities of 1 MiB, names and keys included."""
PIECE = 65_536
"""Bytes of one property, at most."""
SEEN = ["RowKey", "gen", "by", "rows", "sought"]
"""The properties of a record that a writer must know."""

_ESCAPES = ((0x2D, "$"), (0x30, "."), (0x41, ":"), (0x61, "_"), (0x100, "~"))
"""Bytes below each bound are escaped with this character, which stands in their place in the order."""
_LITERAL = frozenset(b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_CODE = {
    byte: next(sign for bound, sign in _ESCAPES if byte < bound) + f"{byte:02x}"
    for byte in range(256)
    if byte not in _LITERAL
}
_SIGNS = "".join(sorted({END, *(sign for _, sign in _ESCAPES), *map(chr, _LITERAL)}))
_MIRROR = str.maketrans(_SIGNS, _SIGNS[::-1])


def coded(text: str) -> str:
    """The text as part of a key, in the same order. Cut after LONGEST characters: sort keys that differ
    only behind that come in the order of their ids."""
    return text.encode().decode("latin-1").translate(_CODE)[:LONGEST]


def named(text: str) -> str:
    """The text as part of a key that needs no order: a long one becomes its digest."""
    code = text.encode().decode("latin-1").translate(_CODE)
    return code if len(code) <= LONGEST else f"~{hashlib.sha256(text.encode()).hexdigest()}"


def home(kind: str, owner: str) -> str:
    """The partition of a record (by its id) or of a listing (by its partition)."""
    return f"{OWNED[kind]}{END}{named(owner.partition('/')[0])}" if kind in OWNED else HOME


def record_key(kind: str, id: str) -> str:
    """Where a record stands."""
    return f"r{END}{kind}{END}{named(id)}"


def listing(kind: str, index: str, partition: str, backward: bool) -> str:
    """What the keys of one listing, in one direction, begin with."""
    return f"i{END}{kind}{END}{index}{END}{named(partition)}{END}{'b' if backward else 'f'}{END}"


def place(sort: str, id: str, backward: bool) -> str:
    """Where a record stands in a listing; backward, what comes later is lower."""
    key = f"{coded(sort)}{END}{named(id)}{END}"
    return key.translate(_MIRROR) if backward else key


def between(
    start: str, backward: bool, after: tuple[str, str] | None, upto: str
) -> tuple[str, str, str, str]:
    """The range of a listing's keys as two comparisons: operator and key, operator and key."""
    low, high = ("ge", start), ("lt", start[:-1] + ABOVE)
    if upto and backward:
        low = ("ge", start + (coded(upto) + END).translate(_MIRROR))
    elif upto:
        high = ("lt", start + coded(upto) + ABOVE)
    if after:
        low = ("gt", start + place(*after, backward))
    return (*low, *high)


def rows(record: Record) -> dict[str, dict[str, Any]]:
    """A record's rows (listings in both directions, names, expiry) by key."""
    found: dict[str, dict[str, Any]] = {}
    for index, (partition, sort) in record.indexes().items():
        for backward in (False, True):
            key = listing(record.kind, index, partition, backward) + place(sort, record.id, backward)
            found[key] = {"of": record.id, "sort": sort}
    for name in record.names():
        found[f"n{END}{record.kind}{END}{named(name)}"] = {"of": record.id, "name": name}
    at = record.expires()
    if at is not None:
        found[f"{due(at)}{record.kind}{END}{named(record.id)}"] = {"of": record.id, "kind": record.kind}
    partition_key = home(record.kind, record.id)
    return {key: {"PartitionKey": partition_key, "RowKey": key, **row} for key, row in found.items()}


def posting(kind: str, scope: str, key: str) -> str:
    """What the keys of one posting's list begin with. It stands backward only: the highest first."""
    return f"t{END}{kind}{END}{named(scope)}{END}{named(key)}{END}"


def below(list: str, top: tuple[str, str] | None, itself: bool) -> tuple[str, str, str, str]:
    """The range of a list's keys from a place down (None: all), as `between` gives it."""
    low = ("ge", list) if top is None else ("ge" if itself else "gt", list + place(*top, True))
    return (*low, "lt", list[:-1] + ABOVE)


def posted(key: str, kept: str) -> dict[str, str]:
    """The keys of a record's postings, each with its texts, from the record's own key and what its entity
    keeps."""
    if not kept:
        return {}
    _, kind, id = key.split(END)
    sought = decode(kept, Sought)
    where = f"{coded(sought.sort)}{END}{id}{END}".translate(_MIRROR)
    return {posting(kind, sought.scope, each) + where: text for each, text in postings.of(sought).items()}


def found_by(record: Record) -> str:
    """What a record's entity keeps of what it is found by; empty where nothing finds it."""
    sought = record.sought()
    return encode(sought).decode() if sought else ""


def due(at: float) -> str:
    """What the keys of records that expire at that second begin with."""
    return f"x{END}{int(at) + 1:012d}{END}"


def entity(record: Record, generation: int, by: str) -> dict[str, Any]:
    """A record's entity. `rows` lets a later write know which rows to drop; `by` names this very write,
    so that a writer whose answer was lost knows its own. Raises Refused when it is too large."""
    packed = body.packed(encode(record.but(generation=generation)))
    if len(packed) > LARGEST:
        raise Refused(f"{record.kind} {record.id} is too large: {len(packed)} bytes, the limit is {LARGEST}")
    pieces = (packed[start : start + PIECE] for start in range(0, len(packed), PIECE))
    return {
        "PartitionKey": home(record.kind, record.id),
        "RowKey": record_key(record.kind, record.id),
        "gen": generation,
        "by": by,
        "rows": " ".join(sorted(rows(record))),
        **({"sought": kept} if (kept := found_by(record)) else {}),
        **{f"body{number}": piece for number, piece in enumerate(pieces)},
    }


def body_of(found: Mapping[str, Any]) -> bytes:
    """The JSON of a stored record."""
    return body.unpacked(b"".join(pieces(found)))


def pieces(found: Mapping[str, Any]) -> Iterator[bytes]:
    """A stored record's body, property by property."""
    number = 0
    while (piece := found.get(f"body{number}")) is not None:
        yield piece
        number += 1
