"""The token with which somebody can begin."""

from pathlib import Path

from shared.api.auth import issue_token
from shared.model.access import Token, token_id
from shared.ports import World


def ensure(world: World, data: Path, given: str) -> str:
    """Makes `given` a valid token; without one, makes the first token of a data directory that has
    none. Returns the token when it was made here (to be shown once), else an empty string.

    Idempotent. Only the token's hash is stored; the file `first-token` remembers which it was."""
    note = data / "first-token"
    if given:
        keep(world, given)
        note.write_text(token_id(given) + "\n")
        return ""
    if note.exists() and world.store.get(Token, note.read_text().strip()) is not None:
        return ""
    made = issue_token(world, "first")
    note.write_text(token_id(made) + "\n")
    return made


def keep(world: World, token: str) -> None:
    """Stores a token's hash, unless it is there already."""
    if world.store.get(Token, token_id(token)) is None:
        now = world.clock.now()
        world.store.put_many([Token(id=token_id(token), name="first", created_at=now)])
