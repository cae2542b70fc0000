"""Holds answers against the public API's OpenAPI description, where that lies beside the repository.

OpenAPI 3.0 is turned into JSON Schema: `nullable` becomes a second type, a `discriminator` picks one of
its schemas, an `object` without properties is anything. A field that the description does not know is a
complaint too (a typing error of ours, most likely), but for configs, which are kept as they were sent.
"""

import functools
import re
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

SPEC = Path(__file__).parents[2] / "shared/reference/platform-api-1.187.0.yml"
"""Not part of the repository: without it these checks are left out, and the own tests pin the shapes."""
ALWAYS_ALLOWED = {206, 400, 401, 403, 404, 405, 413, 415, 416, 501, 503}
"""Statuses that any operation may answer with, declared or not."""
OF_EVERY_ERROR = ("message", "errors")
"""What each of our errors says, also where something else is described."""
NOT_DESCRIBED = ("/headnode/", "/healthz", "/openapi.json", "/docs", "/oauth/")
"""Ours alone, and what clients call although the description has no word of it."""
MAY_BE_NULL = {("GET", "/workflow/{workflowId}/launch"), ("GET", "/user/{userId}/workspaces")}
"""Where the public platform says null for "none", whatever its description says."""

checker = FormatChecker(formats=())


@checker.checks("date-time")
def _is_time(value: object) -> bool:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or re.fullmatch(form, value) is not None


@functools.cache
def document() -> dict[str, Any] | None:
    """The description, or None where it is not at hand."""
    if not SPEC.exists():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(SPEC.read_text(), loader)
    schemas = found["components"]["schemas"]
    configs = schemas["ComputeConfig"]["discriminator"]["mapping"].values()
    kept = {target.rpartition("/")[2] for target in configs} | {"ConfigEnvVariable"}
    # What others are made of must not refuse the others' own fields.
    parts = [part for schema in schemas.values() for part in schema.get("allOf", ())]
    kept |= {part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part}
    found["components"]["schemas"] = {
        name: translated(schema, strict=name not in kept) for name, schema in schemas.items()
    }
    return found


def translated(schema: Any, strict: bool = True) -> Any:
    """An OpenAPI schema as JSON Schema."""
    if not isinstance(schema, dict):
        return schema
    found = {
        key: value
        for key, value in schema.items()
        if key in ("$ref", "type", "enum", "format", "required", "maxLength")
    }
    if "discriminator" in schema:
        return picked(schema)
    if schema.get("type") == "object" and not schema.keys() & {"properties", "allOf", "additionalProperties"}:
        found = {}
    if "properties" in schema:
        found["properties"] = {name: translated(each) for name, each in schema["properties"].items()}
    for word in ("items", "additionalProperties"):
        if word in schema:
            found[word] = translated(schema[word])
    if "allOf" in schema:
        found["allOf"] = [loosened(translated(each)) for each in schema["allOf"]]
    if strict and found.keys() & {"properties", "allOf"} and "additionalProperties" not in found:
        found["unevaluatedProperties"] = False
    if found.get("format") in ("int32", "int64"):
        bits = int(found["format"][3:])
        found |= {"minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") else found


def loosened(schema: Any) -> Any:
    """A part of an `allOf` must not refuse what the other parts know."""
    if isinstance(schema, dict):
        schema.pop("unevaluatedProperties", None)
    return schema


def picked(schema: dict[str, Any]) -> dict[str, Any]:
    """The one schema that the discriminator names; a value without it is a complaint."""
    name = schema["discriminator"]["propertyName"]
    mapping = schema["discriminator"]["mapping"]
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {"enum": sorted(mapping)}},
        "allOf": [
            {"if": {"properties": {name: {"const": value}}}, "then": {"$ref": target}}
            for value, target in mapping.items()
        ],
    }


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The described operation that a request is, with the path as it is described."""
    found = document()
    assert found is not None
    path = path.partition("?")[0].removeprefix("/api")
    exact = sorted(found["paths"], key=lambda each: each.count("{"))
    for form in exact:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(form))
        if re.fullmatch(pattern, path) and method.lower() in found["paths"][form]:
            return form, found["paths"][form][method.lower()]
    return None


def complaints(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer; empty when it is as described, or nothing is described."""
    ours = path.removeprefix("/api").startswith(NOT_DESCRIBED)
    if document() is None or ours or method in ("HEAD", "OPTIONS"):
        return []
    found = operation(method, path)
    if found is None:
        return [] if status in (404, 405) else [f"{method} {path} is not described"]
    form, described = found
    answers = {int(code): answer for code, answer in described["responses"].items() if code.isdigit()}
    if status not in answers and status not in ALWAYS_ALLOWED:
        return [f"{method} {form} answers {status}, described are {sorted(answers)}"]
    content = answers.get(status, {}).get("content", {}).get("application/json")
    if content is None:
        return []
    if (method, form) in MAY_BE_NULL:
        body = without_nulls(body)
    if status >= 400:
        if not isinstance(body, dict) or not isinstance(body.get("message"), str):
            return [f"{method} {form} {status}: an error without a message"]
        body = {name: value for name, value in body.items() if name not in OF_EVERY_ERROR}
        if content["schema"].get("$ref", "").endswith("/ErrorResponse"):
            return []
    return [f"{method} {form} {status}: {each}" for each in faults(content["schema"], body)]


def without_nulls(value: Any) -> Any:
    """The value with null fields left out."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What JSON Schema has against a value."""
    root = {**translated(schema), "components": (document() or {})["components"]}
    validator = Draft202012Validator(root, format_checker=checker)
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
