"""Records: what the store keeps. Immutable; a change is a new value with the same id.

A record declares the indexes it is found by. The store keeps them in step with the record, in the
same atomic commit, so a listing never scans.
"""

from typing import Any, ClassVar, Self, TypeVar

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A plain immutable value inside a record or a message. Unknown fields are ignored when read,
    missing ones take their default, so rows of older and newer versions stay readable."""

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Sought(Model, frozen=True, kw_only=True):
    """What a record is found by in a search of its scope; see `model.search`. The texts are folded."""

    scope: str
    sort: str
    terms: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class Record(Model, frozen=True, kw_only=True):
    """Something the store keeps under (`kind`, `id`).

    `generation` counts the writes: 0 has never been stored; a writer that holds an old generation
    is refused with `Stale`.
    """

    kind: ClassVar[str]

    id: str
    generation: int = 0

    def indexes(self) -> dict[str, tuple[str, str]]:
        """Where this record is listed: index name -> (partition, sort key). Within a partition
        records come in the order of the sort key, then the id."""
        return {}

    def sought(self) -> Sought | None:
        """What a search finds it by; None where this kind of record is not searched for."""
        return None

    def names(self) -> tuple[str, ...]:
        """Names that no second record of this kind may hold at the same time."""
        return ()

    def expires(self) -> float | None:
        """When the store may forget it (epoch seconds, UTC); None is never."""
        return None


R = TypeVar("R", bound=Record)
M = TypeVar("M", bound=Model)


def encode(value: Any) -> bytes:
    """A record, message or part of one as JSON bytes, fields in a fixed order."""
    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes | str, kind: type[M]) -> M:
    """The inverse of `encode`; raises msgspec.ValidationError naming the field that is wrong."""
    return msgspec.json.decode(data, type=kind)
