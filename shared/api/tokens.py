"""/tokens: a user's own"""

from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import StringConstraints

from shared.api import records
from shared.api.answers.shape import iso, present
from shared.api.auth import ByUser, issue_token
from shared.api.bodies import Body, Line
from shared.api.intake import Here, body
from shared.api.problem import Problem, not_found
from shared.api.routes import Routes
from shared.model.access import Token, token_id
from shared.ports import World

router = Routes(prefix="/tokens", tags=["tokens"])

LONGEST_LIFE = 100 * 366 * 86400


class CreateToken(Body):
    """POST /tokens. `expiresIn` (seconds) is ours."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=50)]
    expires_in: float | None = None


@router.get("")
def list_tokens(world: Here, token: ByUser) -> dict[str, Any]:
    """Those that have not expired, without what they open with."""
    return {"tokens": [shown(each) for each in standing(world, token.user_id)]}


@router.post("", responses={409: {"description": "Conflict"}})
def create_token(
    world: Here, token: ByUser, request: Annotated[CreateToken, Depends(body(CreateToken))]
) -> dict[str, Any]:
    """A fresh one. `accessKey` is shown now and never again: only its hash is kept."""
    if any(each.name == request.name for each in standing(world, token.user_id)):
        raise Problem(409, f"token {request.name} already exists")
    life = request.expires_in
    if life is not None and not 0 < life < LONGEST_LIFE:
        raise Problem(400, "expiresIn: must be a number of seconds above 0")
    expires = world.clock.now() + life if life else 0.0
    text = issue_token(world, request.name, expires, token.user_id)
    made = world.store.get(Token, token_id(text))
    return {"accessKey": text, "token": shown(made) if made else {"name": request.name}}


@router.delete("/delete-all", status_code=204)
def delete_all_tokens(world: Here, token: ByUser) -> Response:
    """All of the user's but the one that this is asked with: it would end what is being done."""
    others = [each.id for each in own(world, token.user_id) if each.id != token.id]
    world.store.remove(Token, others)
    return Response(status_code=204)


@router.delete("/{id}", status_code=204)
def delete_token(world: Here, token: ByUser, id: int) -> Response:
    """It opens nothing from now on."""
    found = [each.id for each in own(world, token.user_id) if each.number == id]
    if not found:
        raise not_found("token", id)
    world.store.remove(Token, found)
    return Response(status_code=204)


def own(world: World, user_id: int) -> list[Token]:
    """The tokens that a user made for themself, the oldest first."""
    return list(records.listed(world, Token, "user", str(user_id)))


def standing(world: World, user_id: int) -> list[Token]:
    """Those that have not expired."""
    now = world.clock.now()
    return [each for each in own(world, user_id) if not each.expires_at or each.expires_at > now]


def shown(token: Token) -> dict[str, Any]:
    """A token as people see it."""
    return present(
        id=token.number,
        name=token.name or "unnamed",
        dateCreated=iso(token.created_at),
        lastUsed=iso(token.used_at),
    )
