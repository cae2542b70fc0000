"""A small language for the shape of JSON: Python's types, names of components, and what is made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
Kind = Any
"""A type (`str`), several (`(str, int)`), the name of a component (`"Label"`), or a schema."""
Fields = Mapping[str, Kind]

TYPES: Mapping[type, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array", "items": {}},
}
COMPONENTS = "#/components/schemas/"


def schema(kind: Kind) -> Schema:
    """The JSON Schema of a kind."""
    match kind:
        case dict():
            return kind
        case str():
            return {"$ref": COMPONENTS + kind}
        case tuple():
            return {"anyOf": [schema(each) for each in kind]}
        case _:
            return TYPES[kind]


def record(required: Fields, optional: Fields | None = None) -> Schema:
    """An object with these fields. Others may come with a later version: clients ignore them."""
    fields = {**required, **(optional or {})}
    found: Schema = {"type": "object", "properties": {name: schema(kind) for name, kind in fields.items()}}
    return {**found, "required": list(required)} if required else found


def opened(found: Schema) -> Schema:
    """An object that holds more than is said here."""
    return {**found, "additionalProperties": True}


def listed(kind: Kind) -> Schema:
    """A list of them."""
    return {"type": "array", "items": schema(kind)}


def nullable(kind: Kind) -> Schema:
    """One of them, or null."""
    return {"anyOf": [schema(kind), {"type": "null"}]}


def one_of(values: Sequence[str]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def example(value: Any) -> Schema:
    """The shape of a value that is always the same but for the members of its lists."""
    match value:
        case dict():
            return record({name: example(inner) for name, inner in value.items()})
        case list():
            return listed({})
        case _:
            return TYPES[type(value)]


TIME: Schema = {"type": "string", "format": "date-time"}
