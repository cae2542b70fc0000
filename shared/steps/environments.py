"""What people ask of environments; the create and dispose steps carry it out.

The record is written first and the message sent after it. Should the message be lost, the sweep
finds the record waiting and sends it again.
"""

from typing import Any

from shared.errors import Conflict, Fault, Invalid
from shared.model.access import Credentials, no_registry
from shared.model.environment import Environment, registries
from shared.model.message import Message
from shared.model.run import Run
from shared.model.timeline import Event, Wait
from shared.ports import World
from shared.steps import labels, required_tags
from shared.steps.runs import RESEND_AFTER


class Busy(Conflict):
    """The environment has runs that are not over; the text names them."""


def create_environment(
    world: World,
    *,
    workspace_id: int,
    user_id: int,
    name: str,
    description: str,
    platform: str,
    credentials_id: str,
    config: dict[str, Any],
    label_ids: tuple[int, ...] = (),
) -> Environment:
    """Records an environment as CREATING and sends it to the create step. Does not touch the cloud.

    Raises Invalid with every fault that the config shows by itself, Exists when the name is taken."""
    tags = labels.tags(world, label_ids)
    faults = [
        *world.faults(platform, config),
        *credentials_faults(world, workspace_id, platform, credentials_id),
        *registry_faults(world, workspace_id, config),
        *required_tags.missing(config, tags),
    ]
    if faults:
        raise Invalid(*faults)
    now = world.clock.now()
    environment = world.store.save(
        Environment(
            id=world.ids.new(22),
            workspace_id=workspace_id,
            user_id=user_id,
            name=name,
            description=description,
            platform=platform,
            credentials_id=credentials_id,
            config=config,
            label_ids=label_ids,
            tags=tags,
            primary=not has_any(world, workspace_id),
            wait=Wait(reason="queued", next_at=now + RESEND_AFTER),
            timeline=(Event(at=now, what="CREATING"),),
            created_at=now,
            updated_at=now,
        )
    )
    world.queue.send(Message(step="create", subject=environment.id))
    return environment


def credentials_faults(world: World, workspace_id: int, platform: str, credentials_id: str) -> list[Fault]:
    """Empty when no credentials are named (the host's own identity), or when they exist in the workspace
    and are for the platform's cloud. With others, a cloud would take us for the host itself."""
    if not credentials_id:
        return []
    found = world.store.get(Credentials, credentials_id)
    if found is None or found.deleted or found.workspace_id != workspace_id:
        return [Fault("credentialsId", f"credentials {credentials_id} not found")]
    cloud = platform.partition("-")[0]
    if cloud in ("aws", "azure") and not found.provider.startswith(cloud):
        return [
            Fault("credentialsId", f"credentials {found.name} are for {found.provider}, not for {platform}")
        ]
    return []


def registry_faults(world: World, workspace_id: int, config: dict[str, Any]) -> list[Fault]:
    """Logins to container registries that a config names and that are none of the workspace's."""
    ids = registries(config)
    found = world.store.get_many(Credentials, ids) if ids else {}
    whys = (no_registry(found.get(id), id, workspace_id) for id in ids)
    return [Fault("forge.containerRegIds", why) for why in whys if why]


def has_any(world: World, workspace_id: int) -> bool:
    """Whether the workspace has an environment: its first one becomes the primary."""
    return bool(world.store.find(Environment, "workspace", str(workspace_id), limit=1).items)


def dispose_environment(world: World, environment: Environment) -> Environment:
    """Marks an environment as DELETING, which frees its name. The reap step empties it of machines, then
    the dispose step of everything else.
    Idempotent: one that is being deleted, or is, stays as it is. Raises Busy while runs are active."""
    if environment.status in ("DELETING", "DELETED"):
        return environment
    active = world.store.find(Run, "active", environment.id, limit=5).items
    if active:
        names = ", ".join(run.name for run in active)
        raise Busy(f"compute environment {environment.name} has active runs: {names}")
    now = world.clock.now()
    wait = Wait(reason="queued", next_at=now + RESEND_AFTER)
    environment = world.store.save(environment.to("DELETING", now, wait=wait, primary=False))
    world.queue.send(Message(step="reap", subject=f"empty:{environment.id}"))
    return environment
