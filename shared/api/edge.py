"""What surrounds every request: the /api prefix, the size of bodies, and errors that nobody expected."""

import logging
import traceback
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problem import Problem, answer
from shared.ports import Ids

log = logging.getLogger("headnode.api")

PREFIX = "/api"
"""Clients' own default base path; everything is served under it and at the root."""
LARGEST_BODY = 2 * 1024 * 1024
LARGEST_TRACE = 8 * 1024 * 1024
MOST_SWALLOWED = 64 * 1024 * 1024
"""Bytes. Nextflow sends up to 100 tasks at once, each with 10 KiB of script and 2 KiB of variables."""


class Ended(BaseException):
    """The answer is complete: whatever still makes its body may stop. No error, so nothing handles it."""


class Edge:
    """ASGI middleware, outermost. Nothing gets past it but an answer."""

    def __init__(self, app: ASGIApp, ids: Ids) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope, path = unprefixed(scope)
        limit = LARGEST_TRACE if path.startswith("/trace/") else LARGEST_BODY
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        if scope["method"] == "HEAD":
            await self._head(scope, receive, send)
            return

        try:
            if declared_length(scope) > limit:
                raise too_large(limit)
            await self._app(scope, limited(receive, limit), sending)
        except Exception as error:
            if began:
                raise
            if isinstance(error, Problem) and error.status == 413:
                await swallow(receive)
            await answer(self._problem(error, scope))(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HEAD: what GET answers, up to its body. A file is not read for it."""
        ended = False

        async def sending(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise Ended

        try:
            await self({**scope, "method": "GET"}, receive, sending)
        except* Ended:
            pass

    def _problem(self, error: Exception, scope: Scope) -> Problem:
        if isinstance(error, Problem):
            return error
        # The error's own text may hold anything, a secret too: the log gets its type and its place.
        number = self._ids.new(8)
        place = "".join(traceback.format_tb(error.__traceback__))
        what = f"{scope['method']} {scope['path']}: {type(error).__name__}"
        log.error("unexpected error %s at %s\n%s", number, what, place)
        return Problem(500, f"internal error {number}: the server's log says more")


def unprefixed(scope: Scope) -> tuple[Scope, str]:
    """The request as the routes see it, and its path there."""
    path, root = scope["path"], scope.get("root_path", "")
    inner = path.removeprefix(root) if root else path
    if inner != PREFIX and not inner.startswith(f"{PREFIX}/"):
        return scope, inner
    return {**scope, "root_path": root + PREFIX}, inner.removeprefix(PREFIX)


def declared_length(scope: Scope) -> int:
    """Content-Length, or 0 where there is none."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    value = next((value for name, value in headers if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0


def limited(receive: Receive, limit: int) -> Receive:
    """The body's chunks, up to `limit` bytes; then Problem 413."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        chunk: Any = message.get("body", b"")
        seen += len(chunk)
        if seen > limit:
            raise too_large(limit)
        return message

    return receiving


async def swallow(receive: Receive) -> None:
    """Reads what is left of a body, up to a limit: a client that is still sending when the connection is
    closed would never see the answer."""
    left = MOST_SWALLOWED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def too_large(limit: int) -> Problem:
    """413, naming the limit."""
    return Problem(413, f"body: larger than {limit // 1024 // 1024} MiB", headers={"Connection": "close"})
