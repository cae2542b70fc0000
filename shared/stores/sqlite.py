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
from shared.model.search import Query
from shared.ports import Found, Hits
from shared.stores import cursor, sqlitesearch

FIELDS = "json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')"
"""Name, partition and sort key of one of a record's index entries."""
ADD = "insert or ignore into entry select new.kind, @, new.id from json_each(new.entries);"
DROP = """delete from entry where (kind, name, partition, sort, id) in
    (select old.kind, @, old.id from json_each(old.entries));"""

SCHEMA = (
    """
create table if not exists record (
    kind text not null, id text not null, generation integer not null, body blob not null, expires real,
    entries text not null, sought text not null default '[]', terms text not null default '[]',
    primary key (kind, id)
) without rowid""",
    "create index if not exists record_expires on record (expires) where expires is not null",
    """
create table if not exists entry (
    kind text not null, name text not null, partition text not null, sort text not null, id text not null,
    primary key (kind, name, partition, sort, id)
) without rowid""",
    """
create table if not exists name (
    kind text not null, name text not null, id text not null,
    primary key (kind, name)
) without rowid""",
    "create index if not exists name_of on name (kind, id)",
    f"create trigger if not exists record_in after insert on record begin {ADD} end",
    f"""create trigger if not exists record_moved after update of entries on record
when old.entries != new.entries begin {DROP} {ADD} end""",
    f"create trigger if not exists record_out after delete on record begin {DROP} end",
)
"""A record knows its index entries (a list of name, partition and sort key), and triggers keep `entry` in
step: a save is one statement, which is one hand-over of the interpreter's lock between threads."""

INSERT = "insert or ignore into record values (?, ?, 1, ?, ?, ?, ?, ?)"
SWAP = (
    "update record set body = ?, expires = ?, entries = ?, sought = ?, terms = ?, "
    "generation = generation + 1 where kind = ? and id = ? and generation = ?"
)
OVERWRITE = (
    "insert into record values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set body = excluded.body, "
    "expires = excluded.expires, entries = excluded.entries, sought = excluded.sought, "
    "terms = excluded.terms, generation = excluded.generation"
)

BATCH = 500
"""Ids in one query; SQLite's own limit of parameters is far higher."""

BUSY_MS = 20_000
"""How long a writer waits for another one before it gives up with Throttled."""


class SqliteStore:
    """Implements `ports.Store`. Safe for threads and for several processes on the same file."""

    def __init__(self, path: Path) -> None:
        # Writers of one process take turns here: SQLite itself would have them sleep and poll.
        self._turn = threading.Lock()
        self.db = connect(path)
        self._path = path
        self._local = threading.local()
        with self._writing() as db:
            for statement in SCHEMA:
                db.execute(statement.replace("@", FIELDS))
            sqlitesearch.added(db)
            for statement in sqlitesearch.SCHEMA:
                db.execute(statement)

    def get(self, kind: type[R], id: str) -> R | None:
        """See `ports.Store.get`."""
        query = "select body from record where kind = ? and id = ?"
        row = self._reader().execute(query, (kind.kind, id)).fetchone()
        return decode(row[0], kind) if row else None

    def get_many(self, kind: type[R], ids: Iterable[str]) -> dict[str, R]:
        """See `ports.Store.get_many`."""
        found: dict[str, R] = {}
        for some in batches(ids):
            marks = ",".join("?" * len(some))
            query = f"select id, body from record where kind = ? and id in ({marks})"  # noqa: S608 (marks)
            rows = self._reader().execute(query, (kind.kind, *some)).fetchall()
            found |= {id: decode(body, kind) for id, body in rows}
        return found

    def get_each(self, *wanted: tuple[type[Record], str]) -> list[Record | None]:
        """See `ports.Store.get_each`. One query for each kind."""
        kinds = dict.fromkeys(kind for kind, _ in wanted)
        found = {kind: self.get_many(kind, [id for each, id in wanted if each is kind]) for kind in kinds}
        return [found[kind].get(id) for kind, id in wanted]

    def save(self, record: R) -> R:
        """See `ports.Store.save`. One statement for a kind of record that has no unique names."""
        if is_nameless(record):
            with self._turn, busy():
                return swap(self.db, record)
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
        rows = self._reader().execute(query, (*values, limit + 1)).fetchall()
        more = len(rows) > limit
        rows = rows[:limit]
        items = tuple(decode(body, kind) for _, _, body in rows)
        return Found(items=items, after=cursor.to_text(rows[-1][0], rows[-1][1]) if more else "")

    def search(self, kind: type[R], query: Query, *, offset: int, limit: int, count: bool = True) -> Hits:
        """See `ports.Store.search`. Counts up to 100,000 records behind the page."""
        db = self._reader()
        rows = sqlitesearch.found(db, kind.kind, query, offset, limit)
        items = tuple(decode(body, kind) for _, body in rows[:limit])
        more = len(rows) > limit
        if not count:
            return Hits(items=items, more=more)
        if not more and (items or not offset):
            return Hits(items=items, total=offset + len(items))
        most = offset + limit + sqlitesearch.COUNTED
        total = sqlitesearch.counted(db, kind.kind, query, most)
        return Hits(items=items, total=total, exact=total < most, more=more)

    def expire(self, now: float) -> int:
        """Forgets records that expired before `now` (epoch seconds); how many. Called by the host."""
        with self._writing() as db:
            query = "select kind, id from record where expires is not null and expires < ?"
            rows = db.execute(query, (now,)).fetchall()
            for kind, id in rows:
                forget(db, kind, id)
        return len(rows)

    def _reader(self) -> sqlite3.Connection:
        """This thread's own connection for reads: it sees what is committed, and waits for nobody."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._path)
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction. Takes the write lock at once, so that what is read inside stays true."""
        with self._turn, transaction(self.db):
            yield self.db


@contextmanager
def busy() -> Iterator[None]:
    """Another process's write that takes too long is Throttled."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Throttled(f"store is busy: {error}", after=1.0) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, begun with the lock taken; rolled back on any exception."""
    with busy():
        db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def connect(path: Path) -> sqlite3.Connection:
    """A connection with autocommit, WAL, and a wait for other writers."""
    db = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_MS / 1000, cached_statements=64, check_same_thread=False
    )
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.execute("pragma wal_autocheckpoint = 4000")
    return db


def swap(db: sqlite3.Connection, record: R) -> R:
    """Writes a record over the generation that it was read at. Raises Exists or Stale."""
    saved = record.but(generation=record.generation + 1)
    facts = (encode(saved), record.expires(), entries_of(record), *sqlitesearch.columns(record))
    key = (record.kind, record.id)
    if record.generation == 0:
        if not db.execute(INSERT, (*key, *facts)).rowcount:
            raise Exists(f"{record.kind} {record.id} already exists")
    elif not db.execute(SWAP, (*facts, *key, record.generation)).rowcount:
        raise Stale(f"{record.kind} {record.id} was changed meanwhile")
    rename(db, record)
    return saved


def overwrite(db: sqlite3.Connection, record: Record) -> None:
    """Writes a record whatever is there."""
    key = (record.kind, record.id)
    row = db.execute("select generation from record where kind = ? and id = ?", key).fetchone()
    saved = record.but(generation=(row[0] if row else 0) + 1)
    found_by = sqlitesearch.columns(record)
    facts = (saved.generation, encode(saved), record.expires(), entries_of(record), *found_by)
    db.execute(OVERWRITE, (*key, *facts))


def entries_of(record: Record) -> str:
    """The index entries that a record declares, as the triggers read them."""
    return encode([[name, *where] for name, where in record.indexes().items()]).decode()


def is_nameless(record: Record) -> bool:
    """Whether its kind of record never has unique names."""
    return type(record).names is Record.names


def rename(db: sqlite3.Connection, record: Record) -> None:
    """Takes and frees a record's unique names. Raises Exists for one that another record holds."""
    if is_nameless(record):
        return
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
