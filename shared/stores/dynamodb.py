"""The Store on AWS: one DynamoDB table, keys `pk` and `sk`.

    r#<kind>#<id>                  r               the record: body, generation, the keys of its rows
    i#<kind>#<index>#<partition>   <sort>␟<id>     one row for each listing it is in
    n#<kind>#<name>                n               one row for each unique name it holds
    t#<kind>#<scope>#<posting>     <sort>␟<id>     one row for each posting that finds it (`postings`)

A record, its rows and its names change in one transaction, so a listing is strongly consistent and
never scans. A save that moves no row is one conditional PutItem; one that does learns the old rows
from the refusal of that same call, so neither reads first.

Postings change in that transaction too. Where they are more than fit into one (a run has about 35, and 3
of them change when its status does), new ones are put before it, and old ones that find no room stay: a
posting too many is seen through, since what is shown is held against the record.
"""

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from shared.errors import Exists, Refused, Stale, TooLarge
from shared.model.records import R, Record, decode, encode
from shared.model.search import Query
from shared.ports import Found, Hits
from shared.stores import body, cursor, dynamoitems, postings
from shared.stores.dynamoclient import Table

LARGEST = 350_000
"""Bytes of a record's body, deflated; DynamoDB takes items of 400 KB, names and keys included."""
TOGETHER, LARGEST_TOGETHER = 100, 3_800_000
"""Actions, and bytes of bodies, in one transaction; DynamoDB takes 4 MB, names and keys included."""
LONGEST_PAGE = 5000
"""Postings that one query returns, at most: about a megabyte, which is DynamoDB's own limit."""

Action = tuple[dict[str, Any], Exception]
"""What a transaction does to one item, and what it means when its condition does not hold."""
Items = dict[str, dict[str, Any]]
"""Postings by their key as text."""


class DynamoStore:
    """Implements `ports.Store`. Safe for threads."""

    def __init__(self, table: str) -> None:
        self._table = Table(table)

    def get(self, kind: type[R], id: str) -> R | None:
        """See `ports.Store.get`. One read."""
        item = self._table.get(dynamoitems.record_key(kind.kind, id))
        return decode(dynamoitems.unpacked(item), kind) if item else None

    def get_many(self, kind: type[R], ids: Iterable[str]) -> dict[str, R]:
        """See `ports.Store.get_many`. One read for each 100."""
        keys = [dynamoitems.record_key(kind.kind, id) for id in dict.fromkeys(ids)]
        records = (decode(dynamoitems.unpacked(item), kind) for item in self._table.get_batch(keys))
        return {record.id: record for record in records}

    def get_each(self, *wanted: tuple[type[Record], str]) -> list[Record | None]:
        """See `ports.Store.get_each`. One read for each 100."""
        keys = [dynamoitems.record_key(kind.kind, id) for kind, id in dict.fromkeys(wanted)]
        found = {item["pk"]["S"]: dynamoitems.unpacked(item) for item in self._table.get_batch(keys)}
        bodies = [(kind, found.get(dynamoitems.record_key(kind.kind, id)["pk"]["S"])) for kind, id in wanted]
        return [None if body is None else decode(body, kind) for kind, body in bodies]

    def save(self, record: R) -> R:
        """See `ports.Store.save`. One call when the record's listings and names stay, else two."""
        saved = record.but(generation=record.generation + 1)
        item = sized(saved)
        rows = dynamoitems.rows(record)
        if record.generation == 0 and not rows and "sought" not in item:
            self._put_new(record, item)
            return saved
        seen: dict[str, Any] = {}
        if record.generation:
            there = self._table.swap(item, record.generation)
            if there is None or item_is_ours(there, item):
                return saved
            expect_generation(there, record)
            seen = there
        self._commit([(record, item, seen)])
        return saved

    def save_all(self, *records: Record) -> None:
        """See `ports.Store.save_all`. One transaction, after one read of the rows that records have which
        are in listings."""
        keys = [
            dynamoitems.record_key(each.kind, each.id)
            for each in records
            if each.generation and dynamoitems.has_rows(type(each))
        ]
        old = {item["pk"]["S"]: item for item in self._table.get_batch(keys)} if keys else {}
        items = [sized(record.but(generation=record.generation + 1)) for record in records]
        pairs = zip(records, items, strict=True)
        self._commit([(record, item, old.get(item["pk"]["S"], {})) for record, item in pairs])

    def put_many(self, records: Iterable[Record]) -> None:
        """See `ports.Store.put_many`. Old rows are read 100 at a time; 25 items to a write."""
        for some in chunks(records, 100):
            latest = {dynamoitems.record_key(each.kind, each.id)["pk"]["S"]: each for each in some}
            old = {
                item["pk"]["S"]: item
                for item in self._table.get_batch(
                    [dynamoitems.record_key(each.kind, each.id) for each in latest.values()]
                )
            }
            puts, deletes = [], []
            for pk, record in latest.items():
                known = old.get(pk, {})
                generation = int(known["gen"]["N"]) + 1 if known else 1
                rows, item = dynamoitems.rows(record), sized(record.but(generation=generation))
                found_by, no_more = reposted(item, known)
                puts += [item, *rows.values(), *found_by.values()]
                left = [*(dynamoitems.row_keys(known) - set(rows)), *no_more]
                deletes += [dynamoitems.key_of(row) for row in left]
            self._table.write_batch(puts, deletes)

    def remove(self, kind: type[Record], ids: Iterable[str]) -> None:
        """See `ports.Store.remove`. Rows go first, so that a removal cut short can be repeated."""
        for some in chunks(ids, 100):
            found = self._table.get_batch(
                [dynamoitems.record_key(kind.kind, id) for id in dict.fromkeys(some)]
            )
            rows = [
                dynamoitems.key_of(row)
                for item in found
                for row in (*dynamoitems.row_keys(item), *dynamoitems.stored_postings(item))
            ]
            self._table.write_batch([], rows)
            self._table.write_batch([], [{"pk": item["pk"], "sk": item["sk"]} for item in found])

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
        """See `ports.Store.find`. One query of the rows, one read for each 100 records."""
        pk = dynamoitems.index_pk(kind.kind, index, partition)
        start = (
            {"pk": {"S": pk}, "sk": {"S": dynamoitems.sort_key(*cursor.from_text(after))}} if after else None
        )
        keys, more = self._table.query(
            pk, start, limit, newest_first, dynamoitems.upper(upto) if upto else ""
        )
        pairs = [dynamoitems.sort_and_id(key) for key in keys]
        found = self.get_many(kind, [id for _, id in pairs])
        items = tuple(found[id] for _, id in pairs if id in found)
        return Found(items=items, after=cursor.to_text(*pairs[-1]) if more else "")

    def search(self, kind: type[R], query: Query, *, offset: int, limit: int, count: bool = True) -> Hits:
        """See `ports.Store.search`. One query for each page of a posting, and one read for each 100 records
        that are shown. Counts on for 20 queries: 100,000 postings."""

        def read(key: str, place: postings.Place | None, itself: bool, size: int) -> postings.Page:
            pk = dynamoitems.posting_pk(kind.kind, query.scope, key)
            high = dynamoitems.sort_key(*place) if place else ""
            rows, more = self._table.list_down(pk, high, itself, size)
            return [postings.posting(*dynamoitems.sort_and_id(sk), text) for sk, text in rows], more

        answer = postings.search(read, query, offset, limit, count, LONGEST_PAGE)
        return postings.hits(answer, self.get_many(kind, answer.ids), query)

    def _put_new(self, record: Record, item: dict[str, Any]) -> None:
        """A record that no listing and no name knows."""
        seen = self._table.create(item)
        if seen is not None and not item_is_ours(seen, item):
            raise Exists(f"{record.kind} {record.id} already exists")

    def _commit(self, changes: list[tuple[Record, dict[str, Any], dict[str, Any]]]) -> None:
        """Writes records, each with its new item and the one that is there ({} for none): all or none.
        Raises what the first action means whose condition does not hold."""
        actions = [action for record, item, seen in changes for action in moves(record, item, seen)]
        puts: Items = {}
        deletes: list[str] = []
        for _, item, seen in changes:
            found_by, no_more = reposted(item, seen)
            puts |= found_by
            deletes += no_more
        size = sum(len(item["body"]["B"]) for _, item, _ in changes)
        if len(actions) > TOGETHER or size > LARGEST_TOGETHER:
            raise TooLarge(f"{len(actions)} changes of {size} bytes cannot be saved at once")
        if len(actions) + len(puts) + len(deletes) > TOGETHER:
            self._table.write_batch(list(puts.values()), [])
            puts, deletes = {}, deletes[: max(0, TOGETHER - len(actions))]
        busy: Exception = Stale("a record was changed meanwhile")
        actions += [({"Put": {"Item": item}}, busy) for item in puts.values()]
        actions += [(dynamoitems.delete(row), busy) for row in deletes]
        failed = self._table.transact([action for action, _ in actions])
        if failed is not None:
            raise actions[failed][1]


def sized(record: Record) -> dict[str, Any]:
    """The record's item. Raises Refused when it is too large for DynamoDB."""
    packed = body.packed(encode(record))
    if len(packed) > LARGEST:
        raise Refused(f"{record.kind} {record.id} is too large: {len(packed)} bytes, the limit is {LARGEST}")
    return dynamoitems.record_item(record, packed, secrets.token_hex(8))


def item_is_ours(seen: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether what is there is what we wanted to write: an earlier try took effect unheard."""
    return bool(seen.get("by") == item["by"])


def expect_generation(seen: dict[str, Any], record: Record) -> None:
    """Raises Stale when the record is gone or was written by somebody else."""
    if not seen or int(seen["gen"]["N"]) != record.generation:
        raise Stale(f"{record.kind} {record.id} was changed meanwhile")


def reposted(item: dict[str, Any], seen: dict[str, Any]) -> tuple[Items, list[str]]:
    """The postings that a record enters with this item, and the keys of those that it leaves."""
    if item.get("sought") == seen.get("sought"):
        return {}, []
    new, old = dynamoitems.stored_postings(item), dynamoitems.stored_postings(seen)
    return {key: row for key, row in new.items() if old.get(key) != row}, sorted(old.keys() - new.keys())


def moves(record: Record, item: dict[str, Any], seen: dict[str, Any]) -> Iterator[Action]:
    """The actions of one record's save, its postings aside."""
    rows, old = dynamoitems.rows(record), dynamoitems.row_keys(seen)
    changed: Exception = Stale(f"{record.kind} {record.id} was changed meanwhile")
    if record.generation:
        yield dynamoitems.put_at(item, record.generation), changed
    else:
        yield dynamoitems.put_absent(item), Exists(f"{record.kind} {record.id} already exists")
    for row in sorted(old - set(rows)):
        yield dynamoitems.delete(row), changed
    for row in sorted(set(rows) - old):
        name = dynamoitems.name_in(row).rpartition("/")[2]
        yield dynamoitems.put_row(rows[row]), Exists(f"{record.kind} named {name} already exists")


def chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size`."""
    some: list[Any] = []
    for value in values:
        some.append(value)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
