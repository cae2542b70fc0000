"""What people change about an environment that exists. What was made for it in the cloud is changed by the
step that looks after it (`tend`)."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shared.errors import Conflict, Fault, Invalid, Refused, Retry
from shared.model.environment import Environment
from shared.model.timeline import Wait
from shared.ports import World
from shared.steps import tend
from shared.steps.environments import credentials_faults
from shared.steps.runs import RESEND_AFTER


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


def reconfigure(world: World, environment: Environment, changes: Mapping[str, Any]) -> Environment:
    """The environment with these fields of its config changed, nested ones within theirs; what was made for
    it is told by a message. The same again changes nothing. Raises Invalid for a field that cannot be
    changed while it stands and for what its account has against it, Conflict unless it is ready for runs."""
    if environment.status not in ("AVAILABLE", "DISABLED", "INVALID"):
        raise Conflict(f"compute environment {environment.name} is {environment.status}")
    config = merged(environment.config, changes)
    different = differing(environment.config, config)
    if not different:
        return environment
    fixed = sorted(set(different) - world.changeable(environment.platform))
    if fixed:
        raise Invalid(
            *(Fault(f"config.{each}", "cannot be changed: make another environment") for each in fixed)
        )
    changed = environment.but(config=config)
    faults = world.faults(environment.platform, config) or world.provider(changed).check()
    if faults:
        raise Invalid(*faults)
    now = world.clock.now()
    wait = Wait(reason="what was made for it is told of its new config", next_at=now + RESEND_AFTER)
    noted = changed.noting(now, "changed", ", ".join(different))
    saved = world.store.save(noted.but(wait=wait, updated_at=now))
    world.queue.send(tend.message(environment.id))
    return saved


def merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A config with changes, object by object. Pure."""
    found = dict(old)
    for name, value in changes.items():
        inner = found.get(name)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            found[name] = merged(inner, value)
        else:
            found[name] = value
    return found


def differing(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> list[str]:
    """The paths (`forge.vmCount`) at which two configs differ. Pure."""
    found: list[str] = []
    for name in sorted({*old, *new}):
        here, one, other = f"{path}{name}", old.get(name), new.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differing(one, other, f"{here}.")
        elif one != other:
            found.append(here)
    return found


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
