"""The OpenAPI document, read from the routes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Route

from shared.api import auth, intake, unserved
from shared.api.description.answers import ANSWERS, FILES, REFUSALS
from shared.api.description.components import components, request_name, untitled
from shared.api.description.shapes import Schema, schema
from shared.api.intake import JsonBody
from shared.api.tenancy import PERSONAL, WORKSPACE_ID

Operation = dict[str, Any]

VERSION = "3.1.0"
SECURITY: list[dict[str, list[str]]] = [{"BearerAuth": []}, {"BasicAuth": []}]
SCHEMES = {
    "BearerAuth": {"type": "http", "scheme": "bearer"},
    "BasicAuth": {"type": "http", "scheme": "basic", "description": "User `@token`, the token as password."},
}
WORKSPACE = {
    "name": "workspaceId",
    "in": "query",
    "description": "Absent: the user's personal workspace; where an id is given, any workspace.",
    "schema": {"type": "integer", "enum": [PERSONAL, WORKSPACE_ID]},
}
REASONS = {
    204: "Done; no body",
    206: "A part of the file",
    304: "Not changed",
    400: "Wrong input: `errors` names each wrong field",
    401: "No valid token",
    403: "The token is for something else",
    404: "Not found",
    409: "Conflict",
    410: "Over",
    413: "The body is too large",
    415: "The body is not JSON",
    416: "The range is not in the file",
    501: "Not served by this control plane",
    503: "Try again: `Retry-After` says when",
}


@dataclass(frozen=True)
class Needs:
    """What an operation's dependencies ask of a request."""

    token: bool
    workspace: bool
    body: JsonBody[BaseModel] | None

    @staticmethod
    def of(dependant: Dependant) -> "Needs":
        """Read from what the operation depends on."""
        calls = [each.call for each in dependant.dependencies]
        bodies = [call for call in calls if isinstance(call, JsonBody)]
        checks = bool(bodies) and bodies[0].checks_caller
        workspaces = (intake.workspace_of, intake.named_workspace)
        return Needs(
            token=checks or any(getattr(call, "__module__", "") == auth.__name__ for call in calls),
            workspace=checks or any(call in workspaces for call in calls),
            body=bodies[0] if bodies else None,
        )


def document(routers: Sequence[APIRouter], version: str) -> dict[str, Any]:
    """The whole description. Takes a fraction of a second: keep it."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    declared = get_openapi(
        title="", version="", routes=[each for each in routes if isinstance(each, APIRoute)]
    )
    paths: dict[str, dict[str, Operation]] = {}
    kinds: list[type[BaseModel]] = []
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if isinstance(route, APIRoute):
                needs = Needs.of(route.dependant)
                kinds += [needs.body.kind] if needs.body else []
                known = declared["paths"][route.path_format][method.lower()]
                found = served(route, method, needs, known)
            else:
                found = plain(route, method)
            # The first route that fits is the one that answers.
            paths.setdefault(route.path_format, {}).setdefault(method.lower(), found)
    return {
        "openapi": VERSION,
        "info": {"title": "headnode", "version": version, "description": ABOUT},
        "servers": [{"url": "/"}, {"url": "/api"}],
        "paths": paths,
        "components": {"schemas": components(kinds), "securitySchemes": SCHEMES},
    }


ABOUT = "The public platform API as headnode serves it, and what headnode has beyond it under `/headnode`."


def served(route: APIRoute, method: str, needs: Needs, known: Operation) -> Operation:
    """An operation as it is declared, with what its dependencies read by hand."""
    parameters = [untitled(each) for each in known.get("parameters", [])]
    found: Operation = {
        "tags": known.get("tags", []),
        "summary": known["summary"].capitalize(),
        "description": known.get("description", ""),
        "operationId": operation_id(method, route.path_format),
        "parameters": parameters + ([WORKSPACE] if needs.workspace else []),
        "responses": answers(route, method, needs),
    }
    if needs.token:
        found["security"] = SECURITY
    if needs.body:
        ref = schema(request_name(needs.body.kind))
        found["requestBody"] = {"required": not needs.body.optional, "content": json_content(ref)}
    elif "requestBody" in known:
        found["requestBody"] = known["requestBody"]
    return found


def answers(route: APIRoute, method: str, needs: Needs) -> dict[str, Any]:
    """Every answer that an operation gives."""
    key = f"{method} {route.path_format}"
    success = route.status_code or 200
    found: dict[int, dict[str, Any]] = {success: {"description": REASONS.get(success, "Success")}}
    if key in ANSWERS:
        found[success]["content"] = json_content(schema(ANSWERS[key]))
    elif key in FILES:
        found[success]["content"] = file_content(FILES[key])
    errors = {int(status) for status in route.responses} | {503}
    errors |= {401, 403} if needs.token else set()
    errors |= {404} if "{" in route.path_format or needs.workspace else set()
    errors |= (
        {400} if needs.workspace or route.dependant.query_params or route.dependant.path_params else set()
    )
    errors |= {400, 413, 415} if needs.body else set()
    said = {status: REFUSALS.get(f"{key} {status}", schema("Error")) for status in errors - {success}}
    return written({**{status: refused(status, shape) for status, shape in said.items()}, **found})


def plain(route: Route, method: str) -> Operation:
    """An operation of the plain routes: one that is not served, or one of the documents."""
    key = f"{method} {route.path_format}"
    found: dict[int, Any] = {}
    told, tag = route.endpoint.__doc__ or "", "documents"
    if answer := getattr(route.endpoint, "args", ()):
        call, what = answer[0].func, answer[0].args[0]
        told, tag = str(call.__doc__), "not served"
        if call in (unserved.empty, unserved.nobody):
            found[200] = {"description": "None", "content": json_content(schema(ANSWERS[key]))}
        missing = call in (unserved.unknown, unserved.nobody)
        found |= {status: refused(status) for status in (401, 403, *([404] if missing else []), 503)}
        if call is unserved.unserved:
            found[501] = refused(501)
            told = f"{what}: not served."
    else:
        content = file_content(FILES[key]) if key in FILES else json_content({"type": "object"})
        found[200] = {"description": "Success", "content": content}
    return {
        "tags": [tag],
        "summary": told.partition(".")[0],
        "operationId": operation_id(method, route.path_format),
        "parameters": list(path_parameters(route)),
        "responses": written(found),
        **({"security": SECURITY} if tag == "not served" else {}),
    }


def path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    """Those in the path of a plain route."""
    for name, convertor in route.param_convertors.items():
        kind = {"type": "integer", "minimum": 0} if "[0-9]" in convertor.regex else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": kind}


def refused(status: int, shape: Schema | None = None) -> dict[str, Any]:
    """An error, or an answer without a body."""
    found: dict[str, Any] = {"description": REASONS[status]}
    return found if status < 400 else {**found, "content": json_content(shape or schema("Error"))}


def json_content(of: Schema) -> dict[str, Any]:
    """JSON of a shape."""
    return {"application/json": {"schema": of}}


def file_content(kinds: Sequence[str]) -> dict[str, Any]:
    """Bytes of one of these media types."""
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}


def written(found: Mapping[int, Any]) -> dict[str, Any]:
    """Answers by status, in order."""
    return {str(status): found[status] for status in sorted(found)}


def operation_id(method: str, path: str) -> str:
    """A name that is an operation's alone."""
    words = [word.strip("{}").replace("-", "_").replace(".", "_") for word in path.split("/") if word]
    return "_".join((method.lower(), *words))
