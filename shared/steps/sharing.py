"""Joining and leaving what environments have together. Each call is idempotent and one commit at most; a lost
race raises Conflict, and the message comes back."""

from shared.errors import NotYet
from shared.model.environment import Environment
from shared.model.share import Share
from shared.ports import World

CLOSING_LOOK = 15.0
"""Seconds until a new member looks again whether the old things are gone."""


def shares_of(environment: Environment) -> list[str]:
    """The ids of what it has together with others."""
    return list(dict.fromkeys(row.shared for row in environment.resources if row.shared))


def join(world: World, id: str, environment_id: str) -> None:
    """Makes the environment a member. Raises NotYet while the last member of before takes it apart."""
    found = world.store.get(Share, id) or Share(id=id)
    if found.closing:
        raise NotYet("the shared queues are being removed, and made anew after that", after=CLOSING_LOOK)
    if environment_id not in found.members:
        world.store.save(found.but(members=(*found.members, environment_id)))


def leave(world: World, id: str, environment_id: str) -> int | None:
    """Takes the environment out: how many others there are; None for the last one, which has to take it
    all apart, and `close`."""
    found = world.store.get(Share, id) or Share(id=id)
    if found.closing == environment_id:
        return None
    others = tuple(each for each in found.members if each != environment_id)
    if environment_id not in found.members:
        return len(others)
    if others:
        world.store.save(found.but(members=others))
        return len(others)
    world.store.save(found.but(closing=environment_id))
    return None


def close(world: World, id: str, environment_id: str) -> None:
    """Forgets it, once nothing of it is left."""
    found = world.store.get(Share, id)
    if found is not None and found.closing == environment_id:
        world.store.remove(Share, [id])
