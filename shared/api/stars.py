"""/workflow/{id}/star: the runs that somebody wants to find again (`is:starred` in a search)"""

from typing import Any

from shared.api import records
from shared.api.auth import ByUser
from shared.api.intake import Here, MaybeWorkspace, decided
from shared.api.problem import Problem, not_found
from shared.api.routes import Routes
from shared.model.run import Run
from shared.ports import World
from shared.steps import runs as steps

router = Routes(prefix="/workflow/{workflow_id}/star", tags=["workflows"])


@router.get("")
def describe_star(world: Here, token: ByUser, workspace: MaybeWorkspace, workflow_id: str) -> dict[str, Any]:
    """404 for a run that the user did not star."""
    run = records.run(world, workflow_id, workspace)
    if token.user_id not in run.starred_by:
        raise not_found("star on workflow", workflow_id)
    return {"workflowId": run.id}


@router.post("", responses={409: {"description": "Conflict"}})
def create_star(world: Here, token: ByUser, workspace: MaybeWorkspace, workflow_id: str) -> dict[str, Any]:
    """Stars a run for the user. 409 when it is starred already."""
    if token.user_id in records.run(world, workflow_id, workspace).starred_by:
        raise Problem(409, f"workflow {workflow_id} is starred already")
    return starred(world, token.user_id, workspace, workflow_id, True)


@router.delete("")
def delete_star(world: Here, token: ByUser, workspace: MaybeWorkspace, workflow_id: str) -> dict[str, Any]:
    """Takes the user's star away. Idempotent."""
    return starred(world, token.user_id, workspace, workflow_id, False)


def starred(world: World, user: int, workspace: int | None, id: str, star: bool) -> dict[str, Any]:
    """Reads the run anew for each try: it is being reported on meanwhile."""
    run: Run = decided(lambda: steps.star_run(world, records.run(world, id, workspace), user, star))
    return {"workflowId": run.id}
