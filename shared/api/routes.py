"""A router whose operations return plain values, which are sent as JSON."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from shared.model.records import encode


class Routes(APIRouter):
    """As APIRouter, without a model for each answer: answers are made of our own records, and neither
    copying nor checking them is worth the time at each start and each request."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """See APIRouter."""
        super().add_api_route(path, answering(endpoint), **{**options, "response_model": None})


def answering(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The same operation, with its value as a response."""
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def later(*args: Any, **given: Any) -> Response:
            return as_json(await endpoint(*args, **given))

        return later

    @functools.wraps(endpoint)
    def now(*args: Any, **given: Any) -> Response:
        return as_json(endpoint(*args, **given))

    return now


def as_json(value: Any) -> Response:
    """A value as JSON; a response stays as it is."""
    if isinstance(value, Response):
        return value
    return Response(encode(value), media_type="application/json")
