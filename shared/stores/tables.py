"""The Store on Azure: one table of a storage account.

    r!<kind>!<id>                                        the record: body, generation, the keys of its rows
    i!<kind>!<index>!<partition>!f!<sort>!<id>!          one row for each listing it is in,
    i!<kind>!<index>!<partition>!b!<the same, mirrored>    and one that stands the other way round
    n!<kind>!<name>                                      one row for each unique name it holds
    t!<kind>!<scope>!<posting>!<place, mirrored>!        one row for each posting that finds it (`postings`)
    x!<second>!<kind>!<id>                               when it may be forgotten

Azure changes several entities atomically only within one partition, at most 100 at once, and lists only
upwards. So all records stand in ONE partition, and a record with its rows changes in one transaction: a
listing is never wrong and nothing is ever half done, in exchange for a partition's ceiling. Azure's target is
2,000 entities a second; over a run's life a save changes 2.6 (measured: about ten saves, half of them of
the body alone) besides the postings, about 35 at its submission and 2 for each status, so a thousand runs
that are submitted at once take 35 seconds of it. Records of many that
only their owner lists have a partition for each owner (`tableitems.OWNED`). The alternative, a partition
for each record with intents that readers complete, needs four calls for what is one call here.

A version (ETag) that this process saw is remembered, so that the save that follows a read is one call.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Refused, Stale
from shared.model.records import R, Record, decode
from shared.model.search import Query
from shared.ports import Found, Hits
from shared.stores import cursor, postings, tableitems
from shared.stores.storageaccount import StorageAccount
from shared.stores.tablechanges import (
    Key,
    Seen,
    Versions,
    change,
    fitting,
    forced,
    key_of,
    reason,
    removal,
    reposted,
    seen_as,
    seen_in,
    together,
)
from shared.stores.tableclient import TOGETHER, Operation, Rejected, Table, batches

LONGEST_PAGE = 999
"""Postings that are asked for at once: with the one that tells whether there are more, what Azure returns."""
FORGOTTEN_AT_ONCE = 2000
"""Expired records that are looked at in one go."""


class TablesStore:
    """Implements `ports.Store`. Safe for threads."""

    def __init__(self, account: StorageAccount, table: str) -> None:
        self._table = Table(account, table)
        self._versions = Versions()

    def get(self, kind: type[R], id: str) -> R | None:
        """See `ports.Store.get`. One read."""
        return self.get_many(kind, [id]).get(id)

    def get_many(self, kind: type[R], ids: Iterable[str]) -> dict[str, R]:
        """See `ports.Store.get_many`. One read for each, ten at a time."""
        wanted = list(dict.fromkeys(ids))
        found = self._fetched([key_of(kind.kind, id) for id in wanted])
        return {id: decode(body, kind) for id, body in zip(wanted, found, strict=True) if body is not None}

    def get_each(self, *wanted: tuple[type[Record], str]) -> list[Record | None]:
        """See `ports.Store.get_each`. One read for each, ten at a time."""
        found = self._fetched([key_of(kind.kind, id) for kind, id in wanted])
        bodies = zip(wanted, found, strict=True)
        return [None if body is None else decode(body, kind) for (kind, _), body in bodies]

    def save(self, record: R) -> R:
        """See `ports.Store.save`. One call; two when this process has not read the record before."""
        self.save_all(record)
        return record.but(generation=record.generation + 1)

    def save_all(self, *records: Record) -> None:
        """See `ports.Store.save_all`. One transaction, after a read of what was not read before. Raises
        Refused for records of different owners."""
        if len({tableitems.home(each.kind, each.id) for each in records}) > 1:
            raise Refused("records of different owners cannot be saved at once")
        by = secrets.token_hex(8)
        bases = [self._base(record) for record in records]
        pairs = list(zip(records, bases, strict=True))
        first, rest = together([change(record, base, by) for record, base in pairs])
        entered: list[Operation] = []
        left: list[Operation] = []
        for record, base in pairs:
            more, fewer = reposted(key_of(record.kind, record.id), record, base)
            entered += more
            left += fewer
        operations, before = fitting([*first, *rest], entered, left)
        try:
            self._put(before)
            etags = self._table.write(operations)
        except Rejected as rejected:
            seen = self._read([key_of(each.kind, each.id) for each in records])
            if any(each is not None and each.by == by for each in seen.values()):
                return  # an earlier try of this very write took effect unheard
            raise reason(rejected.index, records, first, operations[len(first) :]) from None
        self._learn(first, etags)

    def put_many(self, records: Iterable[Record]) -> None:
        """See `ports.Store.put_many`. A read of what was not read before; 100 entities a transaction."""
        self._force({key_of(record.kind, record.id): record for record in records})

    def remove(self, kind: type[Record], ids: Iterable[str]) -> None:
        """See `ports.Store.remove`. A record goes with all its rows, or not at all."""
        self._force({key_of(kind.kind, id): None for id in ids})

    def find(
        self,
        kind: type[R],
        index: str,
        partition: str,
        *,
        after: str = "",
        limit: int = 100,
        newest_first: bool = False,
        upto: str = "",
    ) -> Found:
        """See `ports.Store.find`. One query for each 1,000 rows, and one read for each record."""
        start = tableitems.listing(kind.kind, index, partition, newest_first)
        begin = cursor.from_text(after) if after else None
        range = tableitems.between(start, newest_first, begin, upto)
        place = tableitems.home(kind.kind, partition)
        rows, more = self._table.query(place, range, ["of", "sort"], limit)
        found = self.get_many(kind, [row["of"] for row in rows])
        items = tuple(found[row["of"]] for row in rows if row["of"] in found)
        return Found(items=items, after=cursor.to_text(rows[-1]["sort"], rows[-1]["of"]) if more else "")

    def search(self, kind: type[R], query: Query, *, offset: int, limit: int, count: bool = True) -> Hits:
        """See `ports.Store.search`. One query for each page of a posting, and one read for each record that
        is shown. Counts on for 20 queries: 20,000 postings."""
        home = tableitems.home(kind.kind, query.scope)

        def read(key: str, place: postings.Place | None, itself: bool, size: int) -> postings.Page:
            range = tableitems.below(tableitems.posting(kind.kind, query.scope, key), place, itself)
            rows, more = self._table.query(home, range, ["of", "sort", "text"], size)
            return [postings.posting(row["sort"], row["of"], row["text"]) for row in rows], more

        answer = postings.search(read, query, offset, limit, count, LONGEST_PAGE)
        return postings.hits(answer, self.get_many(kind, answer.ids), query)

    def expire(self, now: float) -> int:
        """Forgets records that expired before `now` (epoch seconds), some at a time; how many. Azure has
        no expiry of its own, so a timer of the host does it."""
        range = ("ge", tableitems.due(0), "lt", tableitems.due(now - 1))
        rows, _ = self._table.query(tableitems.HOME, range, ["RowKey", "of", "kind"], FORGOTTEN_AT_ONCE)
        return sum(self._table.each(self._expired, rows))

    def _expired(self, row: Mapping[str, Any]) -> bool:
        """Removes one record, unless it was given more time meanwhile."""
        key = key_of(row["kind"], row["of"])
        seen = self._read([key])[key]
        if seen is None or row["RowKey"] not in seen.rows:
            return False
        operations = self._prepared(removal(key, seen), reposted(key, None, seen))
        try:
            self._table.write(operations)
        except Rejected:
            return False
        return True

    def _base(self, record: Record) -> Seen | None:
        """The stored version that the writer builds on; None for a new record. Raises Stale."""
        if record.generation == 0:
            return None
        key = key_of(record.kind, record.id)
        seen = self._versions.get(key)
        if seen is None or seen.generation != record.generation:
            seen = self._read([key])[key]
        if seen is None or seen.generation != record.generation:
            raise Stale(f"{record.kind} {record.id} was changed meanwhile")
        return seen

    def _force(self, wanted: dict[Key, Record | None]) -> None:
        """Writes, or for None removes, records whatever is stored: each with its rows or not at all."""
        for place in dict.fromkeys(place for place, _ in wanted):
            left = {key: record for key, record in wanted.items() if key[0] == place}
            for _ in self._table.rounds():
                left = self._forced(left)
                if not left:
                    break

    def _forced(self, wanted: dict[Key, Record | None]) -> dict[Key, Record | None]:
        """One round over records of one partition; those that somebody else was writing too."""
        by = secrets.token_hex(8)
        known = {key: self._versions.get(key) for key in wanted}
        known |= self._read([key for key, seen in known.items() if seen is None])
        changes = {
            key: self._prepared(forced(key, record, known[key], by), reposted(key, record, known[key]))
            for key, record in wanted.items()
        }
        changes = {key: operations for key, operations in changes.items() if operations}
        lost: dict[Key, Record | None] = {}
        keys = iter(changes)
        for batch in batches(changes.values()):
            these = [next(keys) for _ in batch]
            for key in these:
                self._versions.learn(key, None)
            operations = [operation for each in batch for operation in each]
            try:
                self._learn(operations, self._table.write(operations))
            except Rejected:
                lost |= {key: wanted[key] for key in these}
        return lost

    def _fetched(self, keys: list[Key]) -> list[bytes | None]:
        """The JSON of these records; their versions are kept in mind."""
        stored = self._table.get_each(keys)
        for key, each in zip(keys, stored, strict=True):
            self._versions.learn(key, seen_in(each))
        return [None if each is None else tableitems.body_of(each) for each in stored]

    def _prepared(
        self, operations: list[Operation], moved: tuple[list[Operation], list[Operation]]
    ) -> list[Operation]:
        """A forced change as it fits into one transaction: other postings are written before it, and those
        of a record that is removed go before it."""
        entered, left = moved
        if len(operations) + len(entered) + len(left) <= TOGETHER:
            return [*operations, *entered, *left]
        self._put(entered)
        for _, posting, *_ in left:
            self._table.drop(posting)
        return operations

    def _put(self, entered: list[Operation]) -> None:
        """Puts postings, as many at once as one transaction takes."""
        for start in range(0, len(entered), TOGETHER):
            self._table.write(entered[start : start + TOGETHER])

    def _read(self, keys: list[Key]) -> dict[Key, Seen | None]:
        """What a writer must know of these records, as last committed."""
        found = [seen_in(stored) for stored in self._table.get_each(keys, tableitems.SEEN)]
        for key, seen in zip(keys, found, strict=True):
            self._versions.learn(key, seen)
        return dict(zip(keys, found, strict=True))

    def _learn(self, written: list[Operation], etags: list[str]) -> None:
        """Keeps the versions of records just written in mind."""
        for (verb, stored, *_), etag in zip(written, etags, strict=False):
            if verb != "delete" and "gen" in stored:
                key = (stored["PartitionKey"], stored["RowKey"])
                self._versions.learn(key, seen_as(stored, etag))
