"""The search index of the one-machine store.

    sought        one row for each record that is searched for, with its folded texts; covered by an index
    sought_text   its trigrams (FTS5), which answer any word of three letters or more
    term          one row for each whole value that a record is found by

Triggers keep the three in step with `record`, in its own transaction, and only where something moved: a
save that changes no text and no value costs a comparison. A search is led by whatever is rarest: the words
by their trigrams, a value by its rows, else the listing itself, which is then as dense as the answer.
"""

import sqlite3
from typing import Any, NamedTuple

from shared.model.records import Record, encode
from shared.model.search import GRAM, Query

PUT_IN_ORDER, SPARSE = 1000, 30_000
"""Records up to which words lead to a page, and up to which words or a value lead elsewhere: beyond, the
listing does, since it is dense with them."""
COUNTED = 100_000
"""Records behind a page that are counted, at most."""
MATCH = "select rowid from sought_text where sought_text match ?"

TEXT = """(kind, id, scope, sort, text) select new.kind, new.id, json_extract(new.sought, '$[0]'),
    json_extract(new.sought, '$[1]'), json_extract(new.sought, '$[2]') where new.sought != '[]'"""
OUT = "delete from sought where kind = old.kind and id = old.id;"
IN = f"insert into sought {TEXT};"
FIELDS = "json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')"
GAIN = f"""insert or ignore into term (kind, scope, term, sort, id)
    select new.kind, {FIELDS}, new.id from json_each(new.terms);"""  # noqa: S608 (fixed text)
LOSE = f"""delete from term where (kind, scope, term, sort, id) in
    (select old.kind, {FIELDS}, old.id from json_each(old.terms) where true @);"""  # noqa: S608 (fixed text)
STILL = "and value not in (select value from json_each(new.terms))"

SCHEMA = (
    """
create table if not exists sought (
    number integer primary key, kind text not null, id text not null, scope text not null,
    sort text not null, text text not null,
    unique (kind, id)
)""",
    "create index if not exists sought_in_order on sought (kind, scope, sort, id, text)",
    """
create table if not exists term (
    kind text not null, scope text not null, term text not null, sort text not null, id text not null,
    primary key (kind, scope, term, sort, id)
) without rowid""",
    """
create virtual table if not exists sought_text using fts5(
    text, content = 'sought', content_rowid = 'number', tokenize = 'trigram case_sensitive 1'
)""",
    """create trigger if not exists sought_in after insert on sought begin
insert into sought_text (rowid, text) values (new.number, new.text); end""",
    """create trigger if not exists sought_out after delete on sought begin
insert into sought_text (sought_text, rowid, text) values ('delete', old.number, old.text); end""",
    f"create trigger if not exists record_sought_in after insert on record begin {IN} {GAIN} end",
    f"""create trigger if not exists record_sought_moved after update of sought on record
when old.sought != new.sought begin {OUT} {IN} end""",
    f"""create trigger if not exists record_terms_moved after update of terms on record
when old.terms != new.terms begin {LOSE.replace("@", STILL)} {GAIN} end""",
    f"""create trigger if not exists record_sought_out after delete on record begin
{OUT} {LOSE.replace("@", "")} end""",
)


def columns(record: Record) -> tuple[str, str]:
    """What a record is found by, as the triggers read it: scope, sort key and texts, and its values."""
    sought = record.sought()
    if sought is None:
        return "[]", "[]"
    texts = encode([sought.scope, sought.sort, "\n".join(sought.texts)])
    terms = encode([[sought.scope, each, sought.sort] for each in dict.fromkeys(sought.terms)])
    return texts.decode(), terms.decode()


def added(db: sqlite3.Connection) -> None:
    """Gives an older version's table the columns that it lacks; its records are found once they change."""
    there = {row[1] for row in db.execute("pragma table_info(record)")}
    for column in ("sought", "terms"):
        if column not in there:
            db.execute(f"alter table record add column {column} text not null default '[]'")


class Leader(NamedTuple):
    """What a search reads first, as `d`: tables, condition and its values; where the texts of its records
    are, and the group of values that it has seen to."""

    tables: str
    where: str
    values: list[Any]
    text: str = "d.text"
    seen_to: tuple[str, ...] | None = None


def found(
    db: sqlite3.Connection, kind: str, query: Query, offset: int, limit: int
) -> list[tuple[str, bytes]]:
    """Ids and bodies of a page, and of one more when there is one."""
    if not all(query.terms):
        return []
    rows, values = matching(db, kind, query, PUT_IN_ORDER)
    page = f"select d.id {rows} order by d.sort desc, d.id desc limit ? offset ?"
    statement = f"select r.id, r.body from ({page}) p cross join record r on r.kind = ? and r.id = p.id"  # noqa: S608
    return db.execute(statement, (*values, limit + 1, offset, kind)).fetchall()


def counted(db: sqlite3.Connection, kind: str, query: Query, most: int) -> int:
    """How many match; counts no further than `most`."""
    if not all(query.terms):
        return 0
    rows, values = matching(db, kind, query, SPARSE)
    statement = f"select count(*) from (select 1 {rows} limit ?)"  # noqa: S608
    return int(db.execute(statement, (*values, most)).fetchone()[0])


def matching(db: sqlite3.Connection, kind: str, query: Query, few: int) -> tuple[str, list[Any]]:
    """The query from `from` on, and its values. Words lead it where at most `few` records have them."""
    leader = leading(db, kind, query, few)
    where, values = [leader.where, "d.sort >= ?"], [*leader.values, query.since]
    if query.upto:
        where.append("d.sort <= ?")
        values.append(query.upto)
    for word in query.words:
        where.append(f"instr({leader.text}, ?)")
        values.append(word)
    for group in query.terms:
        if group != leader.seen_to:
            where.append(
                "exists (select 1 from term t where t.kind = d.kind and t.scope = d.scope "  # noqa: S608
                f"and t.term in ({marks(group)}) and t.sort = d.sort and t.id = d.id)"
            )
            values += group
    return f"from {leader.tables} where {' and '.join(where)}", values


def leading(db: sqlite3.Connection, kind: str, query: Query, few: int) -> Leader:
    """The rarest of what is looked for, or the listing. Records that have a value come in order, those
    that have a word do not."""
    here = [kind, query.scope]
    sizes = {group: size(db, f"select 1 {having(group)}", [*here, *group], SPARSE) for group in query.terms}
    group = min(sizes, key=lambda each: sizes[each], default=())
    fewest = min(sizes.get(group, few), few)
    phrases = " AND ".join(quoted(word) for word in query.words if len(word) >= GRAM)
    if phrases and size(db, MATCH, [phrases], fewest) <= fewest:
        tables = f"({MATCH}) m cross join sought d on d.number = m.rowid"
        return Leader(tables, "d.kind = ? and d.scope = ?", [phrases, *here])
    if group and (sizes[group] <= SPARSE or not query.words):
        return of_values(group, here, bool(query.words))
    return Leader("sought d indexed by sought_in_order", "d.kind = ? and d.scope = ?", here)


def of_values(group: tuple[str, ...], here: list[Any], texts: bool) -> Leader:
    """Led by the records that have one of these values."""
    tables = "term d"
    where = f"d.kind = ? and d.scope = ? and d.term in ({marks(group)})"
    values = [*here, *group]
    if len(group) > 1:
        tables = f"(select distinct kind, scope, sort, id {having(group)}) d"
        where = "true"
    if texts:
        tables += " cross join sought s on s.kind = d.kind and s.id = d.id"
    return Leader(tables, where, values, "s.text", group)


def having(group: tuple[str, ...]) -> str:
    """The rows of these values, from `from` on."""
    return f"from term where kind = ? and scope = ? and term in ({marks(group)})"


def size(db: sqlite3.Connection, rows: str, values: list[Any], most: int) -> int:
    """How many rows a query has; counts one more than `most` at most."""
    found = db.execute(f"select count(*) from ({rows} limit ?)", (*values, most + 1)).fetchone()  # noqa: S608
    return int(found[0])


def quoted(word: str) -> str:
    """A word as FTS5 takes it literally, whatever is in it."""
    return '"' + word.replace('"', '""') + '"'


def marks(values: tuple[str, ...]) -> str:
    """A question mark for each value."""
    return ",".join("?" * len(values))
