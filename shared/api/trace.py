"""/trace: what Nextflow itself reports. Idempotent throughout; what may work later is a 503."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from shared.api import records
from shared.api.auth import ByUserOrAnyRun, sent, speaking_for, user_or_run, valid
from shared.api.intake import Here, JsonBody, M, MaybeWorkspace, asked_workspace, body, decided
from shared.api.problem import Problem, not_found
from shared.api.routes import Routes
from shared.api.tenancy import ORG_NAME, PERSONAL, USER_NAME, WORKSPACE_NAME, shown_workspace, watch_url
from shared.api.trace_bodies import TraceBegin, TraceComplete, TraceCreate, TraceHeartbeat, TraceProgress
from shared.model.access import Token
from shared.model.records import Record
from shared.model.run import Run
from shared.ports import World
from shared.steps import tracing

router = Routes(prefix="/trace", tags=["trace"])


@router.post("/create")
def create(
    world: Here,
    token: ByUserOrAnyRun,
    workspace: MaybeWorkspace,
    request: Annotated[TraceCreate, Depends(body(TraceCreate))],
) -> dict[str, Any]:
    """Announces a run: the one that `workflowId` names, or one that was started elsewhere."""
    if token.use == "run" and request.workflow_id != token.run_id:
        raise Problem(403, "this token is not for this run")
    if request.workflow_id:
        records.run(world, request.workflow_id, workspace)
    run = decided(
        lambda: tracing.create(
            world,
            run_id=request.workflow_id or "",
            workspace_id=workspace or PERSONAL,
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


class Told(JsonBody[M]):
    """Reads a report's body. The body says what the store is asked for, the caller's token among it, so it
    is read first: a caller without a token is refused before that, and one whose token does not fit learns
    nothing about the body."""

    checks_caller = True

    async def __call__(self, request: Request) -> M:
        """The report."""
        sent(request)
        try:
            return await super().__call__(request)
        except Problem:
            await run_in_threadpool(user_or_run, request)
            raise


def told(kind: type[M]) -> Told[M]:
    """Makes a Told, which mends halves of characters: a refusal would end somebody's run."""
    return Told(kind, mend=True)


def seen(
    request: Request, wanted: Sequence[tuple[type[Record], str]], run_id: str
) -> tuple[World, tracing.View, int]:
    """The world, what a report is decided on, and which machine speaks: one round of the store. Raises
    Problem 401, 403 or 404, and Unknown."""
    world: World = request.app.state.world
    bearer, *found = world.store.get_each((Token, sent(request)), *wanted)
    token = speaking_for(valid(world, bearer if isinstance(bearer, Token) else None), run_id)
    view = tracing.viewed(run_id, found)
    if asked_workspace(request) not in (None, view.run.workspace_id):
        raise not_found("workflow", run_id)
    return world, view, token.attempt


@router.put("/{workflow_id}/begin")
def begin(
    request: Request, workflow_id: str, report: Annotated[TraceBegin, Depends(told(TraceBegin))]
) -> dict[str, Any]:
    """The run begins to work."""

    def decide() -> Run:
        world, view, attempt = seen(request, tracing.wanted(workflow_id), workflow_id)
        return tracing.begin(world, view, report.workflow, report.process_names or (), attempt)

    run = decided(decide)
    url = watch_url(request.app.state.world, run.workspace_id, run.id)
    return {"status": "OK", "workflowId": run.id, "watchUrl": url}


@router.put("/{workflow_id}/progress")
def progress(
    request: Request, workflow_id: str, report: Annotated[TraceProgress, Depends(told(TraceProgress))]
) -> dict[str, Any]:
    """Tasks that changed, and counters."""
    tasks = [task.whole() for task in report.tasks or ()]
    wanted = tracing.wanted(workflow_id, (task["taskId"] for task in tasks))

    def decide() -> Run:
        world, view, attempt = seen(request, wanted, workflow_id)
        return tracing.progress(world, view, report.progress, tasks, report.instant or 0, attempt)

    decided(decide)
    return {"status": "OK", "workflowId": workflow_id}


@router.put("/{workflow_id}/heartbeat")
def heartbeat(
    request: Request, workflow_id: str, report: Annotated[TraceHeartbeat, Depends(told(TraceHeartbeat))]
) -> dict[str, Any]:
    """Nothing changed."""

    def decide() -> Run:
        world, view, attempt = seen(request, tracing.wanted(workflow_id), workflow_id)
        return tracing.heartbeat(world, view, report.progress, report.instant or 0, attempt)

    decided(decide)
    return {"message": "OK"}


@router.put("/{workflow_id}/complete")
def complete(
    request: Request, workflow_id: str, report: Annotated[TraceComplete, Depends(told(TraceComplete))]
) -> dict[str, Any]:
    """The run's end, as Nextflow sees it."""

    def decide() -> Run:
        world, view, attempt = seen(request, tracing.wanted_at_end(workflow_id), workflow_id)
        flow, metrics, counts = report.workflow, report.metrics, report.progress
        return tracing.complete(world, view, flow, metrics, counts, report.instant or 0, attempt)

    decided(decide)
    return {"status": "OK", "workflowId": workflow_id}
