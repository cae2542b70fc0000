"""Holds answers against our own description, so that the two cannot drift apart. Objects are closed here:
a field that is answered and not described is a complaint too."""

import functools
from typing import Any

from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from starlette.routing import Route

from shared.api.app import ROUTERS
from shared.api.description.document import document as described
from tests.spec import checker

OF_ANY = {405, 500}
"""Statuses that come from no operation of its own."""


@functools.cache
def document() -> dict[str, Any]:
    """The description, with closed objects."""
    found: dict[str, Any] = closed(described(ROUTERS, "0"))
    return found


def closed(value: Any) -> Any:
    """Schemas that refuse what they do not mention, but for those that say that more may come."""
    if isinstance(value, list):
        return [closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: closed(inner) for name, inner in value.items()}
    if isinstance(value.get("properties"), dict) and value.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


@functools.cache
def routes() -> tuple[Route, ...]:
    """Every route of the API, in the order in which they are tried."""
    return tuple(route for router in ROUTERS for route in router.routes if isinstance(route, Route))


def route_of(method: str, path: str) -> Route | None:
    """The route that answers."""
    path = path.partition("?")[0].removeprefix("/api")
    fits = (each for each in routes() if method in (each.methods or ()) and each.path_regex.match(path))
    return next(fits, None)


def operations() -> list[tuple[str, str]]:
    """Method and path of every operation that is served: all but those that only say that they are not."""
    return [
        (method, route.path_format)
        for route in routes()
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


@functools.cache
def validator(method: str, form: str, status: int) -> Draft202012Validator | None:
    """What the JSON of an answer is held against; None where no JSON is described. Raises KeyError for a
    status that is not described at all."""
    answer = document()["paths"][form][method.lower()]["responses"][str(status)]
    content = answer.get("content", {}).get("application/json")
    if content is None:
        return None
    root = {**content["schema"], "components": document()["components"]}
    return Draft202012Validator(root, format_checker=checker)


def complaints(method: str, path: str, status: int, media: str, body: Any) -> list[str]:
    """What is wrong with an answer; empty when it is as described. `body` is None where it is no JSON."""
    route = route_of(method, path)
    if route is None or status in OF_ANY:
        return []
    where = f"{method} {route.path_format} {status}"
    try:
        found = validator(method, route.path_format, status)
    except KeyError:
        return [f"{where}: is not described"]
    if found is None:
        return [f"{where}: JSON is not described"] if body is not None else []
    if not media.startswith("application/json"):
        return [f"{where}: JSON is described, not {media or 'nothing'}"]
    return [f"{where}: {error.json_path}: {error.message[:300]}" for error in found.iter_errors(body)]
