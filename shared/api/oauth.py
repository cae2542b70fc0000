"""/oauth/access_token: an hour's access token for a token that lasts longer (RFC 6749, section 6).

A refresh token is a user's or a run's own token. It stays what it is: an answer that was lost, or asked for
twice, locks nobody out, and no new secret has to be stored before the old one is void. What it gives opens
no more than it does itself, and for no longer. A run's machine needs none of this: the token of its spec
lasts as long as the run may, and whoever could read one of two secrets in Nextflow's environment could read
both. It is for clients that are given an expiring token and TOWER_REFRESH_TOKEN.
"""

from typing import Any
from urllib.parse import parse_qs

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from shared.api.auth import LONGEST, minted
from shared.api.intake import Here
from shared.api.problem import Problem
from shared.api.routes import Routes
from shared.model.access import Token, token_id
from shared.model.records import encode
from shared.ports import World

router = Routes(prefix="/oauth", tags=["tokens"])

LIFE = 3600.0
"""Seconds; also how long a token that was deleted lives on in those that it gave."""
LARGEST_FORM = 3 * LONGEST
FORM = "application/x-www-form-urlencoded"
FIELDS = {"grant_type": {"const": "refresh_token"}, "refresh_token": {"type": "string"}}
SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {FORM: {"schema": {"type": "object", "properties": FIELDS, "required": list(FIELDS)}}},
    }
}
"""What is read by hand, as it is described."""
REFUSED: dict[int | str, dict[str, Any]] = {400: {}, 413: {}, 415: {}}


@router.post("/access_token", openapi_extra=SENT, responses=REFUSED)
async def access_token(world: Here, request: Request) -> Response:
    """Takes a form with `grant_type=refresh_token` and `refresh_token`; answers with JSON, and with the
    cookies that Nextflow's client reads."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(415, f"body: must be {FORM}")
    data = await request.body()
    if len(data) > LARGEST_FORM:
        raise Problem(413, "body: too large for a token request")
    try:
        form = parse_qs(data.decode("ascii", "replace"), max_num_fields=16)
    except ValueError:
        raise Problem(400, "body: has too many fields") from None
    if form.get("grant_type") != ["refresh_token"]:
        return refused("unsupported_grant_type", "grant_type: must be refresh_token")
    return await run_in_threadpool(exchanged, world, form.get("refresh_token", [""])[0])


def exchanged(world: World, refresh: str) -> Response:
    """The answer for a refresh token."""
    now = world.clock.now()
    found = world.store.get(Token, token_id(refresh)) if 0 < len(refresh) <= LONGEST else None
    if found is None or found.use not in ("api", "run") or found.given or 0 < found.expires_at <= now:
        return refused("invalid_grant", "refresh_token: is not valid or has expired")
    until = min(now + LIFE, found.expires_at or now + LIFE)
    text = minted(world)
    given = found.but(
        id=token_id(text), generation=0, given=True, created_at=now, used_at=now, expires_at=until
    )
    world.store.put_many([given])
    return answered(text, refresh, int(until - now), world.settings.api_url.startswith("https:"))


def answered(access: str, refresh: str, seconds: int, secure: bool) -> Response:
    """Both tokens, as JSON and as cookies."""
    told: dict[str, Any] = {"access_token": access, "refresh_token": refresh}
    told |= {"token_type": "bearer", "expires_in": seconds}
    answer = Response(encode(told), media_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    for name, value in (("JWT", access), ("JWT_REFRESH_TOKEN", refresh)):
        answer.set_cookie(name, value, max_age=seconds, secure=secure, httponly=True, samesite="strict")
    return answer


def refused(error: str, message: str) -> Response:
    """400 in the words of RFC 6749, section 5.2, and in ours."""
    told = {"error": error, "error_description": message, "message": message}
    return Response(encode(told), 400, {"Cache-Control": "no-store"}, "application/json")
