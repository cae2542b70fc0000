"""Function `api`: the HTTP API. It has its own tokens, so the host asks for no key."""

import functools
import os

from azure.functions import AsgiMiddleware, AuthLevel, Blueprint, Context, HttpRequest, HttpResponse

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
blueprint = Blueprint()


@functools.cache
def serve() -> AsgiMiddleware:
    """The API's app, made at the first request and kept."""
    from shared.api.app import build
    from shared.api.auth import keep_first_token
    from shared.wiring import functions_world

    world = functions_world()
    keep_first_token(world, os.environ.get("HEADNODE_FIRST_TOKEN_HASH", ""))
    return AsgiMiddleware(build(world))


@blueprint.function_name("api")
@blueprint.route("{*path}", "request", methods=METHODS, auth_level=AuthLevel.ANONYMOUS)
async def api(request: HttpRequest, context: Context) -> HttpResponse:
    """The answer to one request."""
    return await serve().handle_async(request, context)
