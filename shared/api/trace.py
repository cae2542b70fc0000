"""/trace: what Nextflow itself reports. Idempotent throughout; what may work later is a 503."""

from typing import Annotated, Any

from fastapi import Depends

from shared.api import records
from shared.api.auth import ByUserOrAnyRun, ByUserOrRun
from shared.api.intake import Here, InWorkspace, body, decided
from shared.api.problem import Problem
from shared.api.routes import Routes
from shared.api.tenancy import ORG_NAME, USER_NAME, WORKSPACE_NAME, shown_workspace, watch_url
from shared.api.trace_bodies import TraceBegin, TraceComplete, TraceCreate, TraceHeartbeat, TraceProgress
from shared.model.run import Run
from shared.ports import World
from shared.steps import tracing

router = Routes(prefix="/trace", tags=["trace"])


@router.post("/create")
def create(
    world: Here,
    token: ByUserOrAnyRun,
    workspace: InWorkspace,
    request: Annotated[TraceCreate, Depends(body(TraceCreate))],
) -> dict[str, Any]:
    """Announces a run: the one that `workflowId` names, or one that was started elsewhere."""
    if token.use == "run" and request.workflow_id != token.run_id:
        raise Problem(403, "this token is not for this run")
    run = decided(
        lambda: tracing.create(
            world,
            run_id=request.workflow_id or "",
            workspace_id=workspace,
            user_id=token.user_id,
            owner=USER_NAME,
            session_id=request.session_id,
            name=request.run_name,
            project=request.project_name or "",
            repository=request.repository or "",
        )
    )
    return {
        "workflowId": run.id,
        "watchUrl": watch_url(world, run.workspace_id, run.id),
        "metadata": metadata(world, run),
    }


def metadata(world: World, run: Run) -> dict[str, Any]:
    """What a pipeline can read about its own run."""
    environment = records.environment_of(world, run)
    pipeline = records.pipeline_of(world, run)
    labels = records.labels_of(world, [run]).values()
    shown = shown_workspace(run.workspace_id)
    return {
        "userId": run.user_id,
        "userName": run.owner,
        "workspaceId": shown.get("workspaceId"),
        "workspaceName": shown.get("workspaceName"),
        "workspaceFullName": f"{ORG_NAME}/{WORKSPACE_NAME}" if shown else None,
        "orgName": shown.get("orgName"),
        "computeEnvId": environment.id if environment else None,
        "computeEnvName": environment.name if environment else None,
        "computeEnvPlatform": environment.platform if environment else None,
        "revision": run.launch.get("revision"),
        "commitId": run.launch.get("commitId"),
        "pipelineId": int(pipeline.id) if pipeline else None,
        "pipelineName": pipeline.name if pipeline else None,
        "labels": sorted(str(label) for label in labels),
    }


@router.put("/{workflow_id}/begin")
def begin(
    world: Here,
    token: ByUserOrRun,
    workflow_id: str,
    request: Annotated[TraceBegin, Depends(body(TraceBegin))],
) -> dict[str, Any]:
    """The run begins to work."""
    names = request.process_names or ()
    run = decided(lambda: tracing.begin(world, workflow_id, request.workflow, names, token.attempt))
    return {"status": "OK", "workflowId": run.id, "watchUrl": watch_url(world, run.workspace_id, run.id)}


@router.put("/{workflow_id}/progress")
def progress(
    world: Here,
    token: ByUserOrRun,
    workflow_id: str,
    request: Annotated[TraceProgress, Depends(body(TraceProgress))],
) -> dict[str, Any]:
    """Tasks that changed, and counters."""
    tasks = [task.whole() for task in request.tasks or ()]
    instant = request.instant or 0
    decided(lambda: tracing.progress(world, workflow_id, request.progress, tasks, instant, token.attempt))
    return {"status": "OK", "workflowId": workflow_id}


@router.put("/{workflow_id}/heartbeat")
def heartbeat(
    world: Here,
    token: ByUserOrRun,
    workflow_id: str,
    request: Annotated[TraceHeartbeat, Depends(body(TraceHeartbeat))],
) -> dict[str, Any]:
    """Nothing changed."""
    instant = request.instant or 0
    decided(lambda: tracing.heartbeat(world, workflow_id, request.progress, instant, token.attempt))
    return {"message": "OK"}


@router.put("/{workflow_id}/complete")
def complete(
    world: Here,
    token: ByUserOrRun,
    workflow_id: str,
    request: Annotated[TraceComplete, Depends(body(TraceComplete))],
) -> dict[str, Any]:
    """The run's end, as Nextflow sees it."""
    instant = request.instant or 0
    decided(
        lambda: tracing.complete(
            world, workflow_id, request.workflow, request.metrics, request.progress, instant, token.attempt
        )
    )
    return {"status": "OK", "workflowId": workflow_id}
