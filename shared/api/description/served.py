"""/openapi.json and /docs"""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from shared.api.service import program_version
from shared.model.records import encode


def openapi(request: Request) -> Response:
    """The API's description in OpenAPI 3.1. Open to everybody, from any page."""
    headers = {"Access-Control-Allow-Origin": "*"}
    return Response(encode(described(request)), media_type="application/json", headers=headers)


def docs(request: Request) -> Response:
    """The description for people to read. Open to everybody."""
    # Imported when somebody asks: no start pays for it.
    from shared.api.description.page import HEADERS, page

    return Response(page(described(request)), media_type="text/html", headers=HEADERS)


def described(request: Request) -> dict[str, Any]:
    """The document, made once for each app."""
    state = request.app.state
    if not hasattr(state, "description"):
        from shared.api.description.document import document

        state.description = document(state.routers, program_version())
    found: dict[str, Any] = state.description
    return found


router = APIRouter(routes=[Route("/openapi.json", openapi), Route("/docs", docs)])
