"""What a write of a record changes in the table, and which stored version it builds on. Pure, but for the
memory of versions."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shared.errors import Exists, HeadnodeError, Stale
from shared.model.records import Record
from shared.stores.tableclient import TOGETHER, Operation, create, delete, put, replace
from shared.stores.tableitems import END, entity, found_by, home, posted, record_key, rows

REMEMBERED = 4096
"""Records whose versions are kept in mind."""

Key = tuple[str, str]
"""Partition and row key of a record."""


class Seen(NamedTuple):
    """A stored record as a writer must know it."""

    etag: str
    generation: int
    rows: frozenset[str]
    by: str
    found_by: str


class Versions:
    """The versions that this process saw last. Only a hint: a write that builds on an old one is
    rejected by the table. Safe for threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Key, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Seen | None:
        """The version, when it is in mind."""
        return self._seen.get(key)

    def learn(self, key: Key, seen: Seen | None) -> None:
        """Keeps a version in mind; None forgets it."""
        with self._lock:
            self._seen.pop(key, None)
            if seen is not None:
                self._seen[key] = seen
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)


def key_of(kind: str, id: str) -> Key:
    """Where a record stands."""
    return home(kind, id), record_key(kind, id)


def seen_in(stored: Mapping[str, Any] | None) -> Seen | None:
    """A stored entity as a writer must know it."""
    if stored is None:
        return None
    etag = stored.metadata["etag"]  # type: ignore[attr-defined]
    return seen_as(stored, etag)


def seen_as(stored: Mapping[str, Any], etag: str) -> Seen | None:
    """An entity that has this version; None where the table did not tell one."""
    rows = frozenset(stored["rows"].split())
    return Seen(etag, stored["gen"], rows, stored["by"], stored.get("sought") or "") if etag else None


def change(record: Record, seen: Seen | None, by: str) -> list[Operation]:
    """The operations that put a record in the place of the stored one: first the record, then the rows
    that it leaves or enters. A listing's row may be there; a name's may not."""
    stored = entity(record, (seen.generation if seen else 0) + 1, by)
    new, old = rows(record), seen.rows if seen else frozenset()
    operations = [replace(stored, seen.etag) if seen else create(stored)]
    operations += [delete(stored["PartitionKey"], key) for key in sorted(old - set(new))]
    added = [new[key] for key in sorted(set(new) - old)]
    return operations + [create(row) if "name" in row else put(row) for row in added]


def reposted(key: Key, record: Record | None, seen: Seen | None) -> tuple[list[Operation], list[Operation]]:
    """The operations on postings that a change of a record (None: its removal) brings with it: those that
    it enters, and those that it leaves."""
    place, row = key
    kept, before = found_by(record) if record else "", seen.found_by if seen else ""
    if kept == before:
        return [], []
    new, old = posted(row, kept), posted(row, before)
    sought = record.sought() if record else None
    more = {"of": record.id, "sort": sought.sort} if record and sought else {}
    entered = [
        put({"PartitionKey": place, "RowKey": each, "text": text, **more})
        for each, text in new.items()
        if old.get(each) != text
    ]
    return entered, [delete(place, each) for each in sorted(old.keys() - new.keys())]


def fitting(
    operations: list[Operation], entered: list[Operation], left: list[Operation]
) -> tuple[list[Operation], list[Operation]]:
    """What is written in one transaction, and the postings to be put before it. Postings that are left and
    find no room stay: one too many is seen through, since what is shown is held against the record."""
    if len(operations) + len(entered) + len(left) <= TOGETHER:
        return [*operations, *entered, *left], []
    return [*operations, *left[: max(0, TOGETHER - len(operations))]], entered


def removal(key: Key, seen: Seen) -> list[Operation]:
    """The operations that remove a stored record with its rows, its postings aside."""
    place, row = key
    return [delete(place, row, seen.etag), *(delete(place, each) for each in sorted(seen.rows))]


def forced(key: Key, record: Record | None, seen: Seen | None, by: str) -> list[Operation]:
    """The operations that write a record, or for None remove it, whatever is stored."""
    if record is not None:
        return change(record, seen, by)
    return removal(key, seen) if seen else []


def together(changes: Iterable[list[Operation]]) -> tuple[list[Operation], list[Operation]]:
    """Several changes as one transaction: the records, then the rows. An entity may be in it once, so a
    name that one record leaves and another one enters is put."""
    records: list[Operation] = []
    others: dict[str, Operation] = {}
    for first, *rest in changes:
        records.append(first)
        for operation in rest:
            key = operation[1]["RowKey"]
            verbs = {operation[0]: operation}
            if key in others:
                verbs[others[key][0]] = others[key]
            others[key] = put(verbs["create"][1]) if {"create", "delete"} <= verbs.keys() else operation
    return records, list(others.values())


def reason(
    index: int, changed: Sequence[Record], records: Sequence[Operation], others: Sequence[Operation]
) -> HeadnodeError:
    """What the rejection of an operation means."""
    if index >= len(records):
        verb, row, *_ = others[index - len(records)]
        kind = row["RowKey"].split(END)[1]
        if verb == "create":
            return Exists(f"{kind} named {row['name'].rpartition('/')[2]} already exists")
        return Stale(f"a {kind} was changed meanwhile")
    record = changed[index]
    if record.generation == 0:
        return Exists(f"{record.kind} {record.id} already exists")
    return Stale(f"{record.kind} {record.id} was changed meanwhile")
