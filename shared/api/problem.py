"""Errors as clients read them: a status and `{"message": ...}`, never a secret, never a traceback."""

from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.errors import Conflict, Fault, Forbidden, HeadnodeError, Invalid, Refused, Retry, Stale
from shared.steps.tracing import Unknown

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


class Problem(Exception):
    """An answer other than success. `faults` name the fields that are wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *faults: Fault,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.faults = faults
        self.headers = dict(headers or {})


def not_found(what: str, id: str | int) -> Problem:
    """404, in the words that tools look for."""
    return Problem(404, f"{what} {shown(id)} not found")


def bad(*faults: Fault) -> Problem:
    """400 with every fault."""
    return Problem(400, "; ".join(map(str, faults)), *faults)


def shown(text: str | int) -> str:
    """Somebody's text, fit for a message: short and printable."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:60])


def answer(problem: Problem) -> JSONResponse:
    """The response for a problem."""
    body: dict[str, Any] = {"message": problem.message}
    if problem.faults:
        body["errors"] = [
            {"code": f"invalid:{fault.field}", "field": fault.field, "message": fault.message}
            for fault in problem.faults
        ]
    return JSONResponse(body, problem.status, headers=problem.headers)


def of_error(error: HeadnodeError, declared: Mapping[int | str, Any]) -> Problem:
    """The problem that an error of ours is to a client. A conflict is a 409 where the operation
    declares one, else a 400. What may work later is a 503: clients try again."""
    match error:
        case Invalid(faults=faults):
            return bad(*faults)
        case Unknown():
            return Problem(404, str(error))
        case Stale():
            return busy("the record is being changed by others", 1.0)
        case Conflict():
            return Problem(409 if 409 in declared else 400, str(error))
        case Retry(after=after):
            return busy(str(error), after)
        case Forbidden():
            return Problem(400, f"the cloud refused: {error}")
        case Refused():
            return Problem(400, str(error))
        case _:
            return Problem(500, "internal error")


def busy(reason: str, after: float) -> Problem:
    """503: the same request may be sent again."""
    return Problem(503, f"try again: {reason}", headers={"Retry-After": str(max(1, ceil(after)))})


def faults_of(errors: list[Any]) -> list[Fault]:
    """Pydantic's errors as ours. Their input is left out: it may be a secret."""
    return [Fault(field_of(error["loc"]), words_of(error)) for error in errors]


def field_of(location: tuple[int | str, ...]) -> str:
    """A path such as `computeEnv.config.environment.0.name`."""
    path = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    return ".".join(shown(part) for part in path) or "body"


def words_of(error: Mapping[str, Any]) -> str:
    """What is wrong, in one phrase."""
    text = str(error["msg"]).removeprefix("Value error, ")
    return "is required" if error["type"] == "missing" else text[:1].lower() + text[1:]


def install(app: FastAPI) -> None:
    """Makes every error of the app come out in the API's one shape."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        Problem: on_problem,
        HeadnodeError: on_headnode_error,
        RequestValidationError: on_invalid_parameters,
        HTTPException: on_http_exception,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def on_problem(_request: Request, error: Problem) -> JSONResponse:
    """Our own answers."""
    return answer(error)


async def on_headnode_error(request: Request, error: HeadnodeError) -> JSONResponse:
    """Errors of steps, stores and providers."""
    return answer(of_error(error, getattr(request.scope.get("route"), "responses", {})))


async def on_invalid_parameters(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Path and query parameters of a wrong type."""
    return answer(bad(*faults_of(list(error.errors()))))


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Unknown paths (404) and methods (405, with those that there are). A browser of another origin asks by
    OPTIONS: it learns the methods, and no header lets its page in."""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(allowed(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    words = {404: "no such path", 405: "no such method here"}
    message = words.get(error.status_code, str(error.detail))
    what = f"{shown(request.method)} {shown(request.url.path)}"
    return answer(Problem(error.status_code, f"{message}: {what}", headers=headers))


def allowed(request: Request) -> list[str]:
    """The methods of a path, all routes that it fits taken together."""
    found = {
        method
        for method in METHODS
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set()))
