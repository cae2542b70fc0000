"""The Store of one machine: SQLite in one file.

WAL with synchronous=NORMAL: a commit survives SIGKILL of the process at any moment; a power loss may
take the newest commits with it, never tear one.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Exists, Stale, Throttled
from shared.model.records import R, Record, decode, encode
from shared.ports import Found
from shared.stores import cursor

SCHEMA = """
create table if not exists record (
    kind text not null, id text not null, generation integer not null, body blob not null, expires real,
    primary key (kind, id)
) without rowid;
create index if not exists record_expires on record (expires) where expires is not null;
create table if not exists entry (
    kind text not null, name text not null, partition text not null, sort text not null, id text not null,
    primary key (kind, name, partition, sort, id)
) without rowid;
create index if not exists entry_of on entry (kind, id);
create table if not exists name (
    kind text not null, name text not null, id text not null,
    primary key (kind, name)
) without rowid;
create index if not exists name_of on name (kind, id);
"""

BATCH = 500
"""Ids in one query; SQLite's own limit of parameters is far higher."""

BUSY_MS = 20_000
"""How long a writer waits for another one before it gives up with Throttled."""


class SqliteStore:
    """Implements `ports.Store`. Safe for threads and for several processes on the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        # Threads of one process queue here: SQLite itself would have them sleep and poll.
        self._turn = threading.Lock()
        with self._writing() as db:
            for statement in SCHEMA.split(";"):
                db.execute(statement)

    def get(self, kind: type[R], id: str) -> R | None:
        """See `ports.Store.get`."""
        row = (
            self._db()
            .execute("select body from record where kind = ? and id = ?", (kind.kind, id))
            .fetchone()
        )
        return decode(row[0], kind) if row else None

    def get_many(self, kind: type[R], ids: Iterable[str]) -> dict[str, R]:
        """See `ports.Store.get_many`."""
        found: dict[str, R] = {}
        for some in batches(ids):
            marks = ",".join("?" * len(some))
            query = f"select id, body from record where kind = ? and id in ({marks})"  # noqa: S608 (marks)
            for id, body in self._db().execute(query, (kind.kind, *some)):
                found[id] = decode(body, kind)
        return found

    def save(self, record: R) -> R:
        """See `ports.Store.save`."""
        with self._writing() as db:
            return swap(db, record)

    def save_all(self, *records: Record) -> None:
        """See `ports.Store.save_all`."""
        with self._writing() as db:
            for record in records:
                swap(db, record)

    def put_many(self, records: Iterable[Record]) -> None:
        """See `ports.Store.put_many`."""
        with self._writing() as db:
            for record in records:
                overwrite(db, record)

    def remove(self, kind: type[Record], ids: Iterable[str]) -> None:
        """See `ports.Store.remove`."""
        with self._writing() as db:
            for id in ids:
                forget(db, kind.kind, id)

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
        """See `ports.Store.find`. A range of the primary key of `entry`, never a scan."""
        query, values = listing(kind.kind, index, partition, after, upto, newest_first)
        rows = self._db().execute(query, (*values, limit + 1)).fetchall()
        more = len(rows) > limit
        rows = rows[:limit]
        items = tuple(decode(body, kind) for _, _, body in rows)
        return Found(items=items, after=cursor.to_text(rows[-1][0], rows[-1][1]) if more else "")

    def expire(self, now: float) -> int:
        """Forgets records that expired before `now` (epoch seconds); how many. Called by the host."""
        with self._writing() as db:
            query = "select kind, id from record where expires is not null and expires < ?"
            rows = db.execute(query, (now,)).fetchall()
            for kind, id in rows:
                forget(db, kind, id)
        return len(rows)

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._path)
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction. Takes the write lock at once, so that what is read inside stays true."""
        db = self._db()
        with self._turn, transaction(db):
            yield db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, begun with the lock taken; rolled back on any exception."""
    try:
        db.execute("begin immediate")
    except sqlite3.OperationalError as error:
        raise Throttled(f"store is busy: {error}", after=1.0) from error
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def connect(path: Path) -> sqlite3.Connection:
    """A connection with autocommit, WAL, and a wait for other writers."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000, cached_statements=64)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    return db


def swap(db: sqlite3.Connection, record: R) -> R:
    """Writes a record over the generation that it was read at. Raises Exists or Stale."""
    saved = record.but(generation=record.generation + 1)
    body = encode(saved)
    if record.generation == 0:
        statement = "insert or ignore into record values (?, ?, 1, ?, ?)"
        written = db.execute(statement, (record.kind, record.id, body, record.expires())).rowcount
        if not written:
            raise Exists(f"{record.kind} {record.id} already exists")
        old: set[tuple[str, str, str]] = set()
    else:
        old = indexed(db, record.kind, record.id)
        statement = (
            "update record set generation = ?, body = ?, expires = ? "
            "where kind = ? and id = ? and generation = ?"
        )
        values = (saved.generation, body, record.expires(), record.kind, record.id, record.generation)
        if not db.execute(statement, values).rowcount:
            raise Stale(f"{record.kind} {record.id} was changed meanwhile")
    reindex(db, record, old)
    rename(db, record)
    return saved


def overwrite(db: sqlite3.Connection, record: Record) -> None:
    """Writes a record whatever is there."""
    old = indexed(db, record.kind, record.id)
    query = "select generation from record where kind = ? and id = ?"
    row = db.execute(query, (record.kind, record.id)).fetchone()
    saved = record.but(generation=(row[0] if row else 0) + 1)
    values = (record.kind, record.id, saved.generation, encode(saved), record.expires())
    db.execute("insert or replace into record values (?, ?, ?, ?, ?)", values)
    reindex(db, record, old)


def indexed(db: sqlite3.Connection, kind: str, id: str) -> set[tuple[str, str, str]]:
    """The index entries that a record has now."""
    query = "select name, partition, sort from entry where kind = ? and id = ?"
    return set(db.execute(query, (kind, id)).fetchall())


def reindex(db: sqlite3.Connection, record: Record, old: set[tuple[str, str, str]]) -> None:
    """Moves a record's index entries; those that stay are not touched."""
    new = {(name, partition, sort) for name, (partition, sort) in record.indexes().items()}
    for name, partition, sort in old - new:
        statement = "delete from entry where kind = ? and name = ? and partition = ? and sort = ? and id = ?"
        db.execute(statement, (record.kind, name, partition, sort, record.id))
    for name, partition, sort in new - old:
        db.execute(
            "insert into entry values (?, ?, ?, ?, ?)", (record.kind, name, partition, sort, record.id)
        )


def rename(db: sqlite3.Connection, record: Record) -> None:
    """Takes and frees a record's unique names. Raises Exists for one that another record holds."""
    names = set(record.names())
    query = "select name from name where kind = ? and id = ?"
    held = {row[0] for row in db.execute(query, (record.kind, record.id))}
    for name in held - names:
        db.execute("delete from name where kind = ? and name = ?", (record.kind, name))
    for name in names - held:
        statement = "insert or ignore into name values (?, ?, ?)"
        if not db.execute(statement, (record.kind, name, record.id)).rowcount:
            raise Exists(f"{record.kind} named {name.rpartition('/')[2]} already exists")


def forget(db: sqlite3.Connection, kind: str, id: str) -> None:
    """Deletes a record with its index entries and names."""
    db.execute("delete from record where kind = ? and id = ?", (kind, id))
    db.execute("delete from entry where kind = ? and id = ?", (kind, id))
    db.execute("delete from name where kind = ? and id = ?", (kind, id))


def listing(
    kind: str, index: str, partition: str, after: str, upto: str, newest_first: bool
) -> tuple[str, list[str]]:
    """The query of a listing and its values."""
    where = ["e.kind = ?", "e.name = ?", "e.partition = ?"]
    values = [kind, index, partition]
    if upto:
        where.append("e.sort <= ?")
        values.append(upto)
    if after:
        where.append(f"(e.sort, e.id) {'<' if newest_first else '>'} (?, ?)")
        values += cursor.from_text(after)
    order = "desc" if newest_first else "asc"
    query = (
        "select e.sort, e.id, r.body from entry e join record r on r.kind = e.kind and r.id = e.id "  # noqa: S608
        f"where {' and '.join(where)} order by e.sort {order}, e.id {order} limit ?"
    )
    return query, values


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in lists of at most BATCH, each once."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), BATCH):
        yield unique[start : start + BATCH]
