"""What all answers share: times as text, nothing null, nothing of a wrong type."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Kinds = Mapping[str, type | tuple[type, ...]]


def iso(at: float) -> str | None:
    """Epoch seconds as ISO-8601 UTC; None for 0.0, which stands for never."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value. Clients take an absent field for null, the other way some fail."""
    return {name: value for name, value in fields.items() if value is not None}


def typed(data: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    """Those fields of `data` that a client can read: known by name and of the right type. A whole
    number stands for a fraction; true and false stand for no number."""
    return {name: data[name] for name, kind in kinds.items() if name in data and fits(data[name], kind)}


def fits(value: Any, kind: type | tuple[type, ...]) -> bool:
    """Whether a value from JSON is of this kind."""
    if kind is float:
        kind = (int, float)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind)
