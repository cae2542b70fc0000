"""/compute-envs"""

import re
from typing import Annotated, Any

from fastapi import Depends, Response

from shared.api import records
from shared.api.answers import environments as answers
from shared.api.auth import ByUser
from shared.api.bodies import NAME, CreateComputeEnv, UpdateComputeEnv
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.errors import Exists, Fault
from shared.model.environment import Environment
from shared.model.states import ENVIRONMENT
from shared.steps import environment_changes as changes
from shared.steps import environments as steps
from shared.steps import labels

router = Routes(prefix="/compute-envs", tags=["compute-envs"])

CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "Conflict"}}


@router.get("")
def list_environments(
    world: Here, _token: ByUser, workspace: InWorkspace, status: str | None = None
) -> dict[str, Any]:
    """Those that are not deleted, by name; with `status` only those in that state."""
    if status and status not in ENVIRONMENT:
        raise bad(Fault("status", f"must be one of {', '.join(ENVIRONMENT)}"))
    listed = records.listed(world, Environment, "workspace", str(workspace))
    found = [each for each in listed if not status or each.status == status]
    bearing = records.labels_of(world, found)
    return {"computeEnvs": [answers.entry(each, bearing) for each in found]}


@router.post("")
def create_environment(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateComputeEnv, Depends(body(CreateComputeEnv))],
) -> dict[str, Any]:
    """Answers at once; the environment becomes AVAILABLE or ERRORED later."""
    asked = request.compute_env
    try:
        made = steps.create_environment(
            world,
            workspace_id=workspace,
            user_id=token.user_id,
            name=asked.name,
            description=asked.description or "",
            platform=asked.platform,
            credentials_id=asked.credentials_id or "",
            config=asked.stored_config(),
            label_ids=labels.known(world, workspace, request.label_ids or ()),
        )
    except Exists:
        raise Problem(400, f"compute environment {asked.name} already exists") from None
    return {"computeEnvId": made.id}


@router.get("/validate", status_code=204, responses=CONFLICT)
def validate_name(world: Here, _token: ByUser, workspace: InWorkspace, name: str = "") -> Response:
    """204 when the name can be had."""
    if not re.fullmatch(NAME, name) or len(name) > 100:
        raise bad(Fault("name", "must be 1 to 100 letters, digits, dashes or underscores"))
    if changes.name_taken(world, workspace, name):
        raise Problem(409, f"compute environment {name} already exists")
    return Response(status_code=204)


@router.get("/{id}")
def describe_environment(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> dict[str, Any]:
    """Also one that was deleted, as DELETED."""
    found = records.environment(world, id, workspace)
    return {"computeEnv": answers.described(found, records.labels_of(world, [found]))}


@router.put("/{id}", status_code=204, responses=CONFLICT)
def update_environment(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: str,
    request: Annotated[UpdateComputeEnv, Depends(body(UpdateComputeEnv))],
) -> Response:
    """Changes the name, the description or the credentials; what is not sent stays."""
    given = {name: value for name, value in request.model_dump().items() if value is not None}
    try:
        decided(lambda: changes.update(world, records.environment(world, id, workspace), **given))
    except Exists:
        raise Problem(409, f"compute environment {request.name} already exists") from None
    return Response(status_code=204)


@router.delete("/{id}", status_code=204, responses=CONFLICT)
def delete_environment(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> Response:
    """Removes it with all that was made for it, in the background. Again on one that goes: no fault."""
    decided(lambda: steps.dispose_environment(world, records.environment(world, id, workspace)))
    return Response(status_code=204)


@router.post("/{id}/primary", status_code=204)
def make_primary(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> Response:
    """Launches that name no environment go to it."""
    decided(lambda: changes.make_primary(world, records.environment(world, id, workspace)))
    return Response(status_code=204)


@router.post("/{id}/validate", responses=CONFLICT)
def validate_environment(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str, force: bool = False
) -> dict[str, Any]:
    """Holds the account against it once more. With `force` an INVALID one is taken back unseen."""
    if force:
        if (known := records.environment(world, id, workspace)).status != "INVALID":
            raise Problem(409, f"compute environment {known.name} is {known.status}, not INVALID")
        found = decided(lambda: changes.believed(world, records.environment(world, id, workspace)))
        return {"status": found.status, "message": None, "transientError": False}
    found, why = decided(lambda: changes.revalidated(world, records.environment(world, id, workspace)))
    return {"status": found.status, "message": why or found.message or None, "transientError": bool(why)}


@router.post("/{id}/disable", status_code=204)
def disable(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> Response:
    """It takes no more runs; those under way go on."""
    decided(lambda: changes.switch(world, records.environment(world, id, workspace), "DISABLED"))
    return Response(status_code=204)


@router.post("/{id}/enable", status_code=204)
def enable(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> Response:
    """It takes runs again."""
    decided(lambda: changes.switch(world, records.environment(world, id, workspace), "AVAILABLE"))
    return Response(status_code=204)
