"""/workflow/launch and /launch"""

from typing import Annotated, Any

from fastapi import Depends

from shared.api import records
from shared.api.answers import runs as answers
from shared.api.auth import ByUser
from shared.api.bodies import LaunchFields, SubmitLaunch
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body
from shared.api.problem import bad, not_found
from shared.api.routes import Routes
from shared.api.tenancy import USER_NAME
from shared.errors import Fault
from shared.model.environment import Environment
from shared.model.run import Run
from shared.ports import World
from shared.steps import runs
from shared.steps.environment_changes import primary_of, used

router = Routes(tags=["launch"])

DEFAULTS = ("preRunScript", "postRunScript")
"""What an environment's config says for launches that say nothing."""


@router.post("/workflow/launch")
def launch(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[SubmitLaunch, Depends(body(SubmitLaunch))],
) -> dict[str, Any]:
    """Answers at once; the run gets its machine later. Not idempotent: each call is a run."""
    asked = request.launch
    environment = chosen(world, workspace, asked.compute_env_id or "")
    run = runs.submit_run(
        world,
        workspace_id=workspace,
        user_id=token.user_id,
        owner=USER_NAME,
        environment=environment,
        launch=whole(asked, environment),
        label_ids=tuple(asked.label_ids or ()),
    )
    used(world, environment)
    return {"workflowId": run.id}


def chosen(world: World, workspace: int, id: str) -> Environment:
    """The environment that is asked for, or the primary one. Raises Problem 400."""
    field = "launch.computeEnvId"
    if not id:
        found = primary_of(world, workspace)
        if found is None:
            raise bad(Fault(field, "is required: there is no primary compute environment"))
        return found
    found = world.store.get(Environment, id)
    if found is None or found.workspace_id != workspace or found.status == "DELETED":
        raise bad(Fault(field, f"compute environment {id} not found"))
    return found


def whole(asked: LaunchFields, environment: Environment) -> dict[str, Any]:
    """The launch as it is kept: what was sent over what the environment says."""
    config = environment.config
    given = {name: config[name] for name in DEFAULTS if config.get(name)}
    return {**given, **asked.whole(), "computeEnvId": environment.id}


@router.get("/launch/{id}")
def describe_launch(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> dict[str, Any]:
    """What a run was launched with, by the launch's id."""
    run_id = id.removesuffix(answers.LAUNCH_ID)
    run = world.store.get(Run, run_id) if run_id != id else None
    if run is None or not run.launch or workspace not in (None, run.workspace_id):
        raise not_found("launch", id)
    found = answers.launch(run, records.environment_of(world, run))
    return {"launch": {**found, "runName": run.name}}
