"""The schemas that the description names: answers, request bodies, and records that are shown whole."""

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.api.description.answers import COMPONENTS
from shared.api.description.shapes import COMPONENTS as PREFIX
from shared.api.description.shapes import Schema
from shared.api.ops import SECRET_FIELDS
from shared.model.environment import Environment
from shared.model.message import Parked
from shared.model.run import Run
from shared.steps.preview import Preview

RECORDS = (Environment, Run, Parked, Preview)
REQUEST = "Request"
"""What the name of a body's schema ends with: an answer may have the same name."""


def components(kinds: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """All of them, by name; `kinds` are the request bodies."""
    found = {**COMPONENTS, **records(), **requests(kinds)}
    return {name: untitled(found[name]) for name in sorted(found)}


def requests(kinds: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """What request bodies must look like, as their own models have it."""
    template = PREFIX + "{model}" + REQUEST
    _, found = models_json_schema([(kind, "validation") for kind in kinds], ref_template=template)
    return {name + REQUEST: schema for name, schema in found["$defs"].items()}


def records() -> dict[str, Schema]:
    """Whole records, without the fields that are never shown."""
    _, found = msgspec.json.schema_components(RECORDS, ref_template=PREFIX + "{name}")
    for schema in found.values():
        for name in SECRET_FIELDS:
            schema.get("properties", {}).pop(name, None)
    return found


def request_name(kind: type[BaseModel]) -> str:
    """The name of a body's schema."""
    return kind.__name__ + REQUEST


def untitled(value: Any) -> Any:
    """A schema without the titles that say a field's name again."""
    if isinstance(value, list):
        return [untitled(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: untitled(inner) for name, inner in value.items() if name != "title" or isinstance(inner, dict)
    }
