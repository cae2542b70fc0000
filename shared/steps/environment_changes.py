"""What people change about an environment that exists. None of it touches the cloud."""

from contextlib import suppress
from typing import Any

from shared.errors import Conflict, Invalid, Refused, Retry
from shared.model.environment import Environment
from shared.ports import World
from shared.steps.environments import credentials_faults


def name_taken(world: World, workspace_id: int, name: str) -> bool:
    """Whether an environment of the workspace holds this name (in any case of letters)."""
    key = name.lower()
    page = world.store.find(
        Environment, "workspace", str(workspace_id), upto=key, newest_first=True, limit=10
    )
    return any(f"{workspace_id}/{key}" in each.names() for each in page.items)


def update(world: World, environment: Environment, **changes: Any) -> Environment:
    """The environment with its name, description or credentials changed. Raises Invalid for credentials
    that do not exist, Exists for a name that is taken, Conflict for one that is being deleted."""
    standing(environment)
    if faults := credentials_faults(
        world, environment.workspace_id, environment.platform, changes.get("credentials_id", "")
    ):
        raise Invalid(*faults)
    return world.store.save(environment.but(**changes, updated_at=world.clock.now()))


def make_primary(world: World, environment: Environment) -> None:
    """Makes it its workspace's primary environment instead of another one, at once. Idempotent."""
    standing(environment)
    now = world.clock.now()
    others = [other for other in listed(world, environment.workspace_id) if other.primary]
    demoted = [other.but(primary=False, updated_at=now) for other in others if other.id != environment.id]
    world.store.save_all(environment.but(primary=True, updated_at=now), *demoted)


def primary_of(world: World, workspace_id: int) -> Environment | None:
    """The workspace's primary environment, if it has one."""
    return next((each for each in listed(world, workspace_id) if each.primary), None)


def used(world: World, environment: Environment) -> None:
    """Notes that a run was launched in it. Only for people to see: a lost race is let go."""
    with suppress(Conflict):
        world.store.save(environment.but(used_at=world.clock.now()))


def switch(world: World, environment: Environment, status: str) -> Environment:
    """Disables (DISABLED) or enables (AVAILABLE) it. Idempotent. Raises Conflict in any other state."""
    if environment.status == status:
        return environment
    if {environment.status, status} != {"AVAILABLE", "DISABLED"}:
        raise Conflict(f"compute environment {environment.name} is {environment.status}")
    return world.store.save(environment.to(status, world.clock.now()))


def revalidated(world: World, environment: Environment) -> tuple[Environment, str]:
    """Holds the account against it once more: AVAILABLE without a fault, INVALID with all of them. Second
    is why nothing could be said (the cloud gave no usable answer); then it stays as it was. Raises
    Conflict in any other state than these two."""
    if environment.status not in ("AVAILABLE", "INVALID"):
        raise Conflict(f"compute environment {environment.name} is {environment.status}")
    try:
        faults = "; ".join(map(str, world.provider(environment).check()))
    except Retry as error:
        return environment, str(error)
    except Refused as error:
        faults = str(error)
    now = world.clock.now()
    status = "INVALID" if faults else "AVAILABLE"
    found = environment.but(checked_at=now, message=faults, updated_at=now)
    if status != environment.status:
        found = found.to(status, now, message=faults)
    return world.store.save(found), ""


def believed(world: World, environment: Environment) -> Environment:
    """AVAILABLE on a person's word, unseen. Raises Conflict unless it is INVALID."""
    if environment.status != "INVALID":
        raise Conflict(f"compute environment {environment.name} is {environment.status}")
    return world.store.save(environment.to("AVAILABLE", world.clock.now(), message=""))


def standing(environment: Environment) -> None:
    """Raises Conflict for an environment that is gone or going."""
    if environment.status in ("DELETING", "DELETED"):
        raise Conflict(f"compute environment {environment.name} is {environment.status}")


def listed(world: World, workspace_id: int) -> list[Environment]:
    """All environments of a workspace that are not deleted."""
    found: list[Environment] = []
    after = ""
    while True:
        page = world.store.find(Environment, "workspace", str(workspace_id), after=after, limit=200)
        found.extend(page.items)
        after = page.after
        if not after:
            return found
