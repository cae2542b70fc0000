"""What comes in: the world behind the app, the workspace, and JSON bodies with all their faults at once."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from shared.api.problem import Problem, bad, faults_of, not_found
from shared.api.tenancy import PERSONAL, WORKSPACE_ID
from shared.errors import Fault, Stale, Unreachable
from shared.ports import World

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

DEEPEST = 100
"""Levels of nesting in a body: no client needs more, and readers recurse."""
HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
"""What begins a surrogate, whole or half."""
RACES = 5
"""Times that a change is decided again at once because the record changed under it."""


async def world_of(request: Request) -> World:
    """The world that the app was built with."""
    world: World = request.app.state.world
    return world


Here = Annotated[World, Depends(world_of)]


async def named_workspace(request: Request) -> int | None:
    """As `asked_workspace`."""
    return asked_workspace(request)


def asked_workspace(request: Request) -> int | None:
    """The workspace that a request names, or None: an id alone is then enough. Read by hand, since
    nearly every operation has it, and a declared parameter costs time at each start."""
    text = request.query_params.get("workspaceId", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise bad(Fault("workspaceId", "must be a number"))
    if text not in (str(PERSONAL), str(WORKSPACE_ID)):
        raise not_found("workspace", text)
    return int(text)


async def workspace_of(request: Request) -> int:
    """The workspace that a request is about; without one, the user's personal workspace."""
    return await named_workspace(request) or PERSONAL


InWorkspace = Annotated[int, Depends(workspace_of)]
MaybeWorkspace = Annotated[int | None, Depends(named_workspace)]


@dataclass(frozen=True)
class JsonBody(Generic[M]):
    """A dependency that reads a JSON body of this kind. It raises Problem 415 or 400, with every fault and
    its field. Unknown fields are no fault; nor is no body at all, where that is optional, nor half a
    character, where we `mend` it. What describes the API finds the kind here."""

    checks_caller: ClassVar[bool] = False
    """Whether it also refuses callers, where no other dependency does."""
    kind: type[M]
    optional: bool = False
    mend: bool = False

    async def __call__(self, request: Request) -> M:
        """The body, as its kind."""
        data = await request.body()
        if self.optional and not data:
            data = b"{}"
        value = decoded(request.headers.get("content-type", ""), mended(data) if self.mend else data)
        try:
            return self.kind.model_validate(value)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            raise bad(*faults_of(list(found))) from None


def body(kind: type[M], optional: bool = False) -> JsonBody[M]:
    """Makes a JsonBody."""
    return JsonBody(kind, optional)


def decoded(content_type: str, data: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    media = content_type.partition(";")[0].strip().lower()
    if media and media != "application/json" and not media.endswith("+json"):
        raise Problem(415, "body: must be application/json")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(Fault("body", f"not JSON: {error}")) from None
    except RecursionError:
        raise bad(Fault("body", "nested too deeply")) from None
    if not isinstance(value, dict):
        raise bad(Fault("body", "must be a JSON object"))
    if deeper_than(DEEPEST, value):
        raise bad(Fault("body", "nested too deeply"))
    return value


def mended(data: bytes) -> bytes:
    """JSON whose texts are all Unicode: a client that cuts a text after so many characters may leave half
    of a surrogate pair, and to refuse that would end somebody's run."""
    if not HALF_PAIR.search(data):
        return data
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def deeper_than(levels: int, value: Any) -> bool:
    """Whether lists and objects are nested deeper than so many levels."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not layer:
            return False
    return True


def decided(action: Callable[[], T]) -> T:
    """The result of an action that reads, decides and writes; done again when it lost a race. Raises
    Unreachable when it always does."""
    for _ in range(RACES):
        try:
            return action()
        except Stale:
            continue
    raise Unreachable("the record is being changed by others", after=1.0)
