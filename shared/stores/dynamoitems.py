"""Records as DynamoDB items, and the transaction actions on them. Pure; see `dynamodb` for the keys."""

from typing import Any

from shared.model.records import Record, Sought, decode, encode
from shared.stores import body, postings

UNIT = "\x1f"
"""Between sort key and id. Lower than any printable character, so rows order by sort key, then id."""
ROW = "\x1e"
"""Between `pk` and `sk` of a row, and LIST between rows, where a record keeps the keys of its rows."""
LIST = "\x1d"
HIGHEST = "\U0010ffff"


def record_key(kind: str, id: str) -> dict[str, Any]:
    """The key of a record."""
    return {"pk": {"S": f"r#{kind}#{id}"}, "sk": {"S": "r"}}


def index_pk(kind: str, index: str, partition: str) -> str:
    """The partition that holds the rows of one listing."""
    return f"i#{kind}#{index}#{partition}"


def sort_key(sort: str, id: str) -> str:
    """Where a record stands in a listing."""
    return f"{sort}{UNIT}{id}"


def upper(sort: str) -> str:
    """Not below any row with this sort key, and below all with a greater one."""
    return f"{sort}{UNIT}{HIGHEST}"


def sort_and_id(key: str) -> tuple[str, str]:
    """The inverse of `sort_key`."""
    sort, _, id = key.rpartition(UNIT)
    return sort, id


def rows(record: Record) -> dict[str, dict[str, Any]]:
    """A record's rows (listings and names) by their key as text."""
    listed = [
        (index_pk(record.kind, index, partition), sort_key(sort, record.id))
        for index, (partition, sort) in record.indexes().items()
    ]
    named = [(f"n#{record.kind}#{name}", "n") for name in record.names()]
    expires = ttl(record)
    return {
        f"{pk}{ROW}{sk}": {"pk": {"S": pk}, "sk": {"S": sk}, "of": {"S": record.id}, **expires}
        for pk, sk in (*listed, *named)
    }


def has_rows(kind: type[Record]) -> bool:
    """Whether records of this kind may be in a listing, hold a name, or be searched for."""
    return (kind.indexes, kind.names, kind.sought) != (Record.indexes, Record.names, Record.sought)


def found_by(record: Record) -> str:
    """What a record's item keeps of what it is found by; empty where nothing finds it."""
    sought = record.sought()
    return encode(sought).decode() if sought else ""


def posting_pk(kind: str, scope: str, key: str) -> str:
    """The partition that holds one posting's list."""
    return f"t#{kind}#{scope}#{key}"


def posting_items(kind: str, id: str, kept: str) -> dict[str, dict[str, Any]]:
    """A record's postings by their key as text, from what its item keeps."""
    if not kept:
        return {}
    sought = decode(kept, Sought)
    sk = sort_key(sought.sort, id)
    return {
        f"{pk}{ROW}{sk}": {"pk": {"S": pk}, "sk": {"S": sk}, "text": {"S": text}}
        for key, text in postings.of(sought).items()
        if (pk := posting_pk(kind, sought.scope, key))
    }


def stored_postings(item: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The postings of a stored record; none where there is no record."""
    kept = item.get("sought", {}).get("S", "")
    _, kind, id = item["pk"]["S"].split("#", 2) if kept else ("", "", "")
    return posting_items(kind, id, kept)


def ttl(record: Record) -> dict[str, Any]:
    """When DynamoDB may forget it (epoch seconds)."""
    at = record.expires()
    return {} if at is None else {"ttl": {"N": str(int(at) + 1)}}


def record_item(record: Record, packed: bytes, by: str) -> dict[str, Any]:
    """A record's item. `rows` lets a later save know which rows to drop; `by` names this very write, so
    that a writer whose answer was lost knows its own."""
    return {
        **record_key(record.kind, record.id),
        "gen": {"N": str(record.generation)},
        "body": {"B": packed},
        "by": {"S": by},
        "rows": {"S": LIST.join(sorted(rows(record)))},
        **({"sought": {"S": kept}} if (kept := found_by(record)) else {}),
        **ttl(record),
    }


def unpacked(item: dict[str, Any]) -> bytes:
    """The body of a stored item."""
    return body.unpacked(bytes(item["body"]["B"]))


def row_keys(item: dict[str, Any]) -> set[str]:
    """The keys, as text, of the rows that a stored record has."""
    return set(filter(None, item.get("rows", {}).get("S", "").split(LIST)))


def key_of(row: str) -> dict[str, Any]:
    """The key of a row from its text."""
    pk, _, sk = row.partition(ROW)
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def name_in(row: str) -> str:
    """The unique name of a name's row."""
    return row.partition(ROW)[0].split("#", 2)[2]


def put_absent(item: dict[str, Any]) -> dict[str, Any]:
    """Creates the record."""
    return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def put_at(item: dict[str, Any], generation: int) -> dict[str, Any]:
    """Replaces the record of that generation."""
    return {
        "Put": {
            "Item": item,
            "ConditionExpression": "gen = :generation",
            "ExpressionAttributeValues": {":generation": {"N": str(generation)}},
        }
    }


def put_row(row: dict[str, Any]) -> dict[str, Any]:
    """Adds a row; refused when another record has it, which only happens to names."""
    return {
        "Put": {
            "Item": row,
            "ConditionExpression": "attribute_not_exists(pk) or #of = :of",
            "ExpressionAttributeNames": {"#of": "of"},
            "ExpressionAttributeValues": {":of": row["of"]},
        }
    }


def delete(row: str) -> dict[str, Any]:
    """Drops a row."""
    return {"Delete": {"Key": key_of(row)}}
