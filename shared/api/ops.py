"""/headnode: what the public API has no words for. Dry runs, full records, parked messages, permissions."""

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Response

from shared.api import records
from shared.api.auth import ByUser, ByUserOrRun
from shared.api.bodies import ChangeEnvironment, CreateComputeEnv, PermissionsFor
from shared.api.environments import CONFLICT
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.problem import bad, not_found
from shared.api.routes import Routes
from shared.errors import Fault, Refused
from shared.model.environment import Environment
from shared.model.message import STEPS, Parked
from shared.steps import environment_changes as changes
from shared.steps import labels
from shared.steps import parked as parked_steps
from shared.steps.preview import preview

router = Routes(prefix="/headnode", tags=["headnode"])

SECRET_FIELDS = ("boot_secret", "sealed")
"""Fields of records that are never shown, not even sealed."""


def full(value: Any) -> Any:
    """A record with all its fields, those of their default value too, and without its secrets."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value).items()
        return {name: full(inner) for name, inner in fields if name not in SECRET_FIELDS}
    if isinstance(value, (list, tuple)):
        return [full(inner) for inner in value]
    return value


@router.post("/plan")
@router.post("/environments/plan")
def plan(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateComputeEnv, Depends(body(CreateComputeEnv))],
) -> dict[str, Any]:
    """What creating this environment would make, and what is wrong with it; changes nothing."""
    asked = request.compute_env
    planned = Environment(
        id=world.ids.new(22),
        workspace_id=workspace,
        user_id=token.user_id,
        name=asked.name,
        platform=asked.platform,
        credentials_id=asked.credentials_id or "",
        config=asked.stored_config(),
        tags=labels.tags(world, labels.known(world, workspace, request.label_ids or ())),
    )
    found = preview(world, planned)
    return {
        "faults": [{"field": fault.field, "message": fault.message} for fault in found.faults],
        "resources": full(found.resources),
        "offers": full(found.offers),
        "notes": list(found.notes),
    }


@router.get("/environments/{id}")
def environment(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> dict[str, Any]:
    """An environment's whole record: resources, waits, timeline, receipt."""
    found: dict[str, Any] = full(records.environment(world, id, workspace))
    return found


@router.put("/environments/{id}", responses=CONFLICT)
def change_environment(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: str,
    request: Annotated[ChangeEnvironment, Depends(body(ChangeEnvironment))],
) -> dict[str, Any]:
    """Changes fields of its config, where that can be done while it stands; what is not sent stays. Pools of
    Azure Batch have another maximum, minimum or interval within a minute."""
    found = decided(
        lambda: changes.reconfigure(world, records.environment(world, id, workspace), request.config)
    )
    shown: dict[str, Any] = full(found)
    return shown


@router.get("/runs/{workflow_id}")
def run(world: Here, _token: ByUserOrRun, workspace: MaybeWorkspace, workflow_id: str) -> dict[str, Any]:
    """A run's whole record: attempts with what was refused, waits, timeline."""
    found: dict[str, Any] = full(records.run(world, workflow_id, workspace))
    return found


@router.get("/parked")
def list_parked(world: Here, _token: ByUser) -> dict[str, Any]:
    """Messages that a person must look at, the newest first."""
    found = world.store.find(Parked, "all", "all", limit=1000, newest_first=True)
    return {"parked": [brief(each) for each in found.items], "more": bool(found.after)}


def brief(parked: Parked) -> dict[str, Any]:
    """A parked message without its text."""
    return {name: getattr(parked, name) for name in ("id", "step", "subject", "reason", "at")}


@router.get("/parked/{id}")
def show_parked(world: Here, _token: ByUser, id: str) -> dict[str, Any]:
    """One, with its text and history."""
    found: dict[str, Any] = full(parked_message(world, id))
    return found


@router.post("/parked/{id}/replay")
def replay(world: Here, _token: ByUser, id: str) -> dict[str, Any]:
    """Sends it again."""
    sent = parked_steps.replay(world, parked_message(world, id))
    return {"replayed": id, "step": sent.step, "subject": sent.subject}


@router.delete("/parked/{id}", status_code=204)
def drop(world: Here, _token: ByUser, id: str) -> Response:
    """Forgets it. Again: no fault."""
    world.store.remove(Parked, [id])
    return Response(status_code=204)


def parked_message(world: Here, id: str) -> Parked:
    """The parked message. Raises Problem 404."""
    found = world.store.get(Parked, id)
    if found is None:
        raise not_found("parked message", id)
    return found


@router.get("/permissions/{platform}")
def permissions(world: Here, _token: ByUser, platform: str, step: str | None = None) -> dict[str, Any]:
    """The policy that a platform needs, whole or for one step."""
    return policy_of(world, platform, step, None)


@router.post("/permissions/{platform}")
def permissions_for(
    world: Here,
    _token: ByUser,
    platform: str,
    request: Annotated[PermissionsFor, Depends(body(PermissionsFor))],
) -> dict[str, Any]:
    """As above, the least that an environment with this config needs. Changes nothing."""
    return policy_of(world, platform, request.step, request.config)


def policy_of(world: Here, platform: str, step: str | None, config: dict[str, Any] | None) -> dict[str, Any]:
    """The policy. Raises Problem 404 for a platform that needs none, 400 for an unknown step."""
    if step is not None and step not in STEPS:
        raise bad(Fault("step", f"must be one of {', '.join(STEPS)}"))
    try:
        return world.policy(platform, step, config)
    except Refused:
        raise not_found("permissions of platform", platform) from None
