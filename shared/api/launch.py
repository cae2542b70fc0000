"""/workflow/launch and /launch"""

from typing import Annotated, Any

from fastapi import Depends

from shared.api import records
from shared.api.answers import launches as answers
from shared.api.answers import runs as run_answers
from shared.api.auth import ByUser
from shared.api.bodies import SubmitLaunch
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body
from shared.api.problem import Problem, bad, not_found
from shared.api.routes import Routes
from shared.api.tenancy import USER_NAME
from shared.errors import Fault
from shared.model.action import LAUNCH as OF_ACTION
from shared.model.environment import Environment
from shared.model.pipeline import pipeline_of_launch
from shared.model.run import Run
from shared.ports import World
from shared.steps import labels, launching, pipelines, runs
from shared.steps.environment_changes import used

router = Routes(tags=["launch"])


@router.post("/workflow/launch")
def launch(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[SubmitLaunch, Depends(body(SubmitLaunch))],
) -> dict[str, Any]:
    """Answers at once; the run gets its machine later. Not idempotent: each call is a run. A launch that
    says no more than the `id` of one that there is takes everything else from that. A Nextflow config of its
    own that will surely fail is refused."""
    asked = filled(world, workspace, request.launch.whole())
    environment = launching.environment_for(world, workspace, str(asked.get("computeEnvId") or ""))
    whole = launching.whole(asked, environment)
    if faults := launching.faults(world, environment, whole):
        raise bad(*(Fault(f"launch.{each.field}", each.message) for each in faults))
    run = runs.submit_run(
        world,
        workspace_id=workspace,
        user_id=token.user_id,
        owner=USER_NAME,
        environment=environment,
        launch=whole,
        label_ids=labels.known(world, workspace, request.launch.label_ids or (), "launch.labelIds"),
    )
    used(world, environment)
    return {"workflowId": run.id}


def filled(world: World, workspace: int, asked: dict[str, Any]) -> dict[str, Any]:
    """The launch with what it leaves to the one that it names. Raises Problem 400."""
    if asked.get("pipeline"):
        return asked
    if not asked.get("id"):
        raise bad(Fault("launch.pipeline", "is required"))
    try:
        found = known(world, str(asked["id"]), workspace)
    except Problem as problem:
        raise bad(Fault("launch.id", problem.message)) from None
    base = {name: value for name, value in found.items() if name not in answers.OWN}
    if "computeEnv" in found:
        base["computeEnvId"] = found["computeEnv"]["id"]
    return {**base, **asked}


@router.get("/launch/{id}")
def describe_launch(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> dict[str, Any]:
    """What a run was launched with, or what a pipeline or an action launches, by the launch's id."""
    return {"launch": known(world, id, workspace)}


def known(world: World, id: str, workspace: int | None) -> dict[str, Any]:
    """A launch. Raises Problem 404."""
    if id.endswith(run_answers.LAUNCH_ID):
        return of_run(world, id, workspace)
    if pipeline_id := pipeline_of_launch(id):
        pipeline = records.pipeline(world, pipeline_id, workspace)
        version = pipelines.default_of(world, pipeline)
        return answers.of_pipeline(pipeline, version, environment_in(world, version.launch))
    if id.endswith(OF_ACTION):
        action = records.action(world, id.removesuffix(OF_ACTION), workspace)
        return answers.of_action(action, environment_in(world, action.launch))
    raise not_found("launch", id)


def of_run(world: World, id: str, workspace: int | None) -> dict[str, Any]:
    """What a run was launched with."""
    run = records.kept(world, Run, id.removesuffix(run_answers.LAUNCH_ID))
    if run is None or not run.launch or workspace not in (None, run.workspace_id):
        raise not_found("launch", id)
    found = run_answers.launch(run, records.environment_of(world, run))
    return {**found, "runName": run.name}


def environment_in(world: World, launch: dict[str, Any]) -> Environment | None:
    """The environment that a stored launch names, while it is there."""
    id = launch.get("computeEnvId")
    found = world.store.get(Environment, str(id)) if id else None
    return found if found is not None and found.status != "DELETED" else None
