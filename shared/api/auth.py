"""Who calls, and what that token may do.

    api    a user's own token: everything of that user
    run    a machine's or a Nextflow client's token: that run's trace, reports, record, log and files
    boot   what a machine finds in its user data: that attempt's spec, and its first report
    action what a hook is called with: a launch of that action

Tokens are looked up by their SHA-256 alone, so how long a look takes tells nothing about a token.
"""

import base64
import binascii
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request

from shared.api.problem import Problem
from shared.errors import HeadnodeError
from shared.model.access import Token, token_id
from shared.ports import World

LONGEST = 4096
"""Characters of a token, more than any client's."""
NOTED_EVERY = 600.0
"""Seconds between two notes of a token's last use: not each request is to be a write."""


def minted(world: World) -> str:
    """A fresh token in the form that clients send as Bearer: unpadded base64 of `{"tid":N}.<hex>`."""
    text = '{"tid":1}.' + world.ids.secret()
    return base64.b64encode(text.encode()).decode().rstrip("=")


def issue_token(world: World, name: str, expires_at: float = 0.0, user_id: int = 1) -> str:
    """Records a new token of the user and returns it: the only time that it can be seen."""
    text = minted(world)
    now = world.clock.now()
    token = Token(id=token_id(text), name=name, user_id=user_id, created_at=now, expires_at=expires_at)
    world.store.put_many([token])
    return text


def keep_first_token(world: World, hashed: str) -> None:
    """Makes the token with this hash valid: the deployment's word, given again at each cold start.
    To revoke it, deploy without it, then delete it."""
    if hashed and world.store.get(Token, hashed) is None:
        world.store.put_many([Token(id=hashed, name="first", created_at=world.clock.now())])


def sent_token(header: str) -> str:
    """The token in an Authorization header (Bearer, or Basic with user `@token`), or ""."""
    scheme, _, rest = header.strip().partition(" ")
    rest = rest.strip()
    if len(rest) > LONGEST:
        return ""
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == "@token" else ""


def caller(request: Request) -> Token:
    """The token's record. Raises Problem 401 for one that is missing, unknown or expired. What follows
    asks this by hand: each dependency of a dependency costs time at each start, for each operation."""
    world: World = request.app.state.world
    return valid(world, world.store.get(Token, sent(request)))


def sent(request: Request) -> str:
    """The id of the token that a request bears. Raises Problem 401."""
    text = sent_token(request.headers.get("authorization", ""))
    if not text:
        raise unauthorized("an access token is needed")
    return token_id(text)


def valid(world: World, found: Token | None) -> Token:
    """The token, as it was found. Raises Problem 401 for one that is unknown or expired."""
    if found is None or (found.expires_at and found.expires_at <= world.clock.now()):
        raise unauthorized("the access token is not valid or has expired")
    note_use(world, found)
    return found


def note_use(world: World, token: Token) -> None:
    """Notes once in a while that a user's or a hook's token is in use. Only for people to see: a store
    that is busy, or a token that is being deleted, is let go."""
    now = world.clock.now()
    if token.use in ("api", "action") and not token.given and now - token.used_at >= NOTED_EVERY:
        with suppress(HeadnodeError):
            world.store.save(token.but(used_at=now))


def unauthorized(reason: str) -> Problem:
    """401 with the challenge that RFC 9110 asks for."""
    return Problem(401, reason, headers={"WWW-Authenticate": 'Bearer realm="headnode"'})


def user(request: Request) -> Token:
    """A user's own token. Raises Problem 403 for a run's."""
    token = caller(request)
    if token.use != "api":
        raise Problem(403, "this token is for one run only")
    return token


def user_or_run(request: Request) -> Token:
    """A user's token, or the named run's own. Raises Problem 403."""
    return speaking_for(caller(request), request.path_params["workflow_id"])


def speaking_for(token: Token, run_id: str) -> Token:
    """The token, when it is a user's or this run's own. Raises Problem 403."""
    if token.use == "api" or (token.use == "run" and token.run_id == run_id):
        return token
    raise Problem(403, "this token is not for this run")


def user_or_any_run(request: Request) -> Token:
    """A user's token, or one of a run, which the operation then holds to its run."""
    token = caller(request)
    if token.use not in ("api", "run"):
        raise Problem(403, "this token is not for this operation")
    return token


def user_or_hook(request: Request) -> Token:
    """A user's token, or that of the named action's hook. Raises Problem 403."""
    token, named = caller(request), request.path_params["action_id"]
    if token.use == "api" or (token.use == "action" and token.action_id == named):
        return token
    raise Problem(403, "this token is not for this action")


def machine(*uses: str) -> Callable[[Request], Token]:
    """Makes a check: a token of one of these uses, for this very attempt. Raises Problem 403."""

    def check(request: Request) -> Token:
        token, path = caller(request), request.path_params
        if token.use in uses and (token.run_id, str(token.attempt)) == (path["run_id"], path["attempt"]):
            return token
        raise Problem(403, "this token is not for this machine")

    return check


ByUser = Annotated[Token, Depends(user)]
ByUserOrRun = Annotated[Token, Depends(user_or_run)]
ByUserOrAnyRun = Annotated[Token, Depends(user_or_any_run)]
ByUserOrHook = Annotated[Token, Depends(user_or_hook)]
