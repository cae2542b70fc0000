"""Records on their way to rows: read, cut to what is declared, and made to fit their columns."""

import datetime
import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.ingestion import errors

LIMIT = 1024 * 1024
"""Bytes of one call, packed and unpacked."""
LONGEST = 64 * 1024
"""Bytes of one value; the rest is cut off."""
OLDEST, NEWEST = datetime.timedelta(days=2), datetime.timedelta(days=1)
"""A record of before or after that is taken for one of now."""


@dataclass(frozen=True)
class Row:
    """A record in its table. `visible_at` is when queries begin to find it."""

    visible_at: float
    values: Mapping[str, Any]


def rows_of(table: Resource) -> list[Row]:
    """A table's rows in the order in which they came."""
    found: list[Row] = table.kept.setdefault("rows", [])
    return found


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was packed. Raises Refused."""
    if len(body) > LIMIT:
        raise errors.too_large(LIMIT, len(body))
    if encoding == "":
        return body
    if encoding != "gzip":
        raise errors.bad_body(f"the encoding '{encoding}' is not supported.")
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = unzip.decompress(body, LIMIT + 1)
    except zlib.error:
        raise errors.bad_body("it is not gzip.") from None
    if len(plain) > LIMIT:
        raise errors.too_large(LIMIT, len(plain))
    if not unzip.eof:
        raise errors.bad_body("it is not the whole of a gzip.")
    return plain


def records(plain: bytes) -> list[dict[str, Any]]:
    """The records in a body. Raises Refused unless it is an array of objects."""
    try:
        found = json.loads(plain)
    except ValueError:
        raise errors.bad_body("it is not JSON.") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise errors.bad_body("it must be an array of objects.")
    return found


def values(
    record: Mapping[str, Any], declared: Mapping[str, str], columns: Mapping[str, str], now: datetime.datetime
) -> dict[str, Any]:
    """A row: by the table's columns, from what the stream declares. What does not fit a column's type is
    null there, and empty in a column of strings. A time that is missing or far away is now."""
    found = {
        name: fitted(record.get(name) if name in declared else None, type) for name, type in columns.items()
    }
    at = found["TimeGenerated"]
    if at is None or not now - OLDEST <= at <= now + NEWEST:
        found["TimeGenerated"] = now
    return found


def fitted(value: Any, type: str) -> Any:
    """A value as its column keeps it; None where it can not."""
    if type == "string":
        return _text(value)
    if value is None or type == "dynamic":
        return value
    try:
        return _FITS[type](value)
    except (ValueError, TypeError, OverflowError):
        return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text.encode()[:LONGEST].decode(errors="ignore")


def _whole(bits: int) -> Callable[[Any], int]:
    def fit(value: Any) -> int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        found = int(value)
        if not -(2 ** (bits - 1)) <= found < 2 ** (bits - 1):
            raise ValueError(value)
        return found

    return fit


def _real(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _truth(value: Any) -> bool:
    said = str(value).lower()
    if said not in ("true", "false"):
        raise ValueError(value)
    return said == "true"


def moment(value: Any) -> datetime.datetime:
    """A time of ISO 8601; without an offset it is UTC. Raises ValueError or TypeError."""
    found = datetime.datetime.fromisoformat(value)
    return found.astimezone(datetime.UTC) if found.tzinfo else found.replace(tzinfo=datetime.UTC)


_FITS: Mapping[str, Callable[[Any], Any]] = {
    "int": _whole(32),
    "long": _whole(64),
    "real": _real,
    "boolean": _truth,
    "datetime": moment,
    "guid": lambda value: str(uuid.UUID(value)),
}
