"""/workflow: runs, their tasks and their counters."""

import re
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from shared.api import records, tasks
from shared.api.answers import runs as answers
from shared.api.answers import tasks as task_answers
from shared.api.answers.progress import progress
from shared.api.auth import ByUser, ByUserOrRun
from shared.api.bodies import RUN_NAME, DeleteRuns
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.api.searching import LONGEST_SEARCH, query
from shared.errors import Conflict, Fault
from shared.model.metrics import Metrics
from shared.model.run import Run
from shared.steps import runs as steps

router = Routes(prefix="/workflow", tags=["workflows"])

Most = Annotated[int, Query(alias="max", ge=0, le=1000)]
LONGEST_NAME = 80
Offset = Annotated[int, Query(ge=0)]
Search = Annotated[str, Query(max_length=LONGEST_SEARCH)]


@router.get("")
def list_runs(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    most: Most = 100,
    offset: Offset = 0,
    search: Search = "",
    includeTotalSize: bool = True,  # noqa: N803
) -> dict[str, Any]:
    """The newest first. `search` takes parts of a run's name, of its project's and manifest's, and of the
    first group of its session's id, and whole values: `status:`, `label:`, `workflowId:`, `runName:`,
    `username:`, `projectName:`, `sessionId:`, `after:` and `before:` (dates, UTC), `is:starred`. All of it
    must fit. Without `includeTotalSize` no more is read than is shown. `totalSize` is exact up to 100,000
    runs behind the page on one machine and on AWS, 20,000 on Azure; of more, it is what was counted."""
    wanted = query(world, workspace, token.user_id, search)
    found = world.store.search(Run, wanted, offset=offset, limit=most, count=includeTotalSize)
    labels = records.labels_of(world, found.items)
    traces = records.traces_of(world, found.items)
    shown = [answers.entry(run, traces.get(run.id), labels, token.user_id) for run in found.items]
    answer: dict[str, Any] = {"workflows": shown, "hasMore": found.more}
    return {**answer, "totalSize": found.total} if includeTotalSize else answer


@router.get("/random-name")
def random_name(world: Here, _token: ByUser) -> dict[str, Any]:
    """A name for a run that no other run has."""
    return {"name": f"run_{world.ids.new(12).lower()}"}


@router.get("/validate", status_code=204, responses={409: {"description": "Conflict"}})
def validate_name(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    runName: str = "",  # noqa: N803
    sessionId: str = "",  # noqa: N803
) -> Response:
    """204 when a run may be called so; with a session 409 when one of that session is called so already in
    the workspace: nobody learns of another one's runs."""
    if len(runName) > LONGEST_NAME or not re.fullmatch(RUN_NAME, runName):
        raise bad(Fault("runName", f"at most {LONGEST_NAME} letters, digits, and single - or _ between"))
    same = world.store.find(Run, "session", sessionId, limit=200).items if sessionId else ()
    if any(run.name == runName and run.workspace_id == workspace for run in same):
        raise Problem(409, f"run {runName} of this session already exists")
    return Response(status_code=204)


@router.get("/{workflow_id}")
def describe_run(
    world: Here, _token: ByUserOrRun, workspace: MaybeWorkspace, workflow_id: str
) -> dict[str, Any]:
    """A run with its progress, its newest machine and why it waits."""
    run = records.run(world, workflow_id, workspace)
    environment, labels = records.environment_of(world, run), records.labels_of(world, [run])
    return answers.described(run, records.trace_of(world, run), environment, labels)


@router.delete("/{workflow_id}", status_code=204)
def delete_run(world: Here, _token: ByUser, workspace: MaybeWorkspace, workflow_id: str) -> Response:
    """Forgets a run that is over."""
    steps.delete_run(world, records.run(world, workflow_id, workspace))
    return Response(status_code=204)


@router.post("/delete")
def delete_runs(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    request: Annotated[DeleteRuns, Depends(body(DeleteRuns))],
) -> dict[str, Any]:
    """Forgets those that are over, and names those that it did not forget."""
    failed = []
    for id in request.workflow_ids:
        try:
            steps.delete_run(world, records.run(world, id, workspace))
        except (Conflict, Problem):
            failed.append(id)
    return {"failedWorkflowIds": failed}


@router.post("/{workflow_id}/cancel", status_code=204)
def cancel_run(world: Here, _token: ByUser, workspace: MaybeWorkspace, workflow_id: str) -> Response:
    """Answers at once; the run is CANCELLED once its machine is gone. Again: no fault."""
    decided(lambda: steps.cancel_run(world, records.run(world, workflow_id, workspace)))
    return Response(status_code=204)


@router.get("/{workflow_id}/launch")
def describe_launch(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, workflow_id: str
) -> dict[str, Any]:
    """What it was launched with; null for a run that was started elsewhere."""
    run = records.run(world, workflow_id, workspace)
    if not run.launch:
        return {"launch": None}
    return {"launch": answers.launch(run, records.environment_of(world, run))}


@router.get("/{workflow_id}/progress")
def describe_progress(
    world: Here, _token: ByUserOrRun, workspace: MaybeWorkspace, workflow_id: str
) -> dict[str, Any]:
    """Its counters."""
    run = records.run(world, workflow_id, workspace)
    return {"progress": progress(run, records.trace_of(world, run))}


@router.get("/{workflow_id}/metrics")
def describe_metrics(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, workflow_id: str
) -> dict[str, Any]:
    """What its processes used; nothing before its end."""
    run = records.run(world, workflow_id, workspace)
    found = world.store.get(Metrics, run.id)
    return {"metrics": list(found.rows) if found else []}


@router.get("/{workflow_id}/tasks")
def list_tasks(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    workflow_id: str,
    most: Most = 100,
    offset: Offset = 0,
    search: str = "",
    sortBy: str = "taskId",  # noqa: N803
    sortDir: str = "asc",  # noqa: N803
) -> dict[str, Any]:
    """Its tasks. `search` takes words of a task's name, tag or hash, or a status. In the order of their ids
    no more is read than is shown; a search, or another order, reads them all."""
    trace = records.trace_of(world, records.run(world, workflow_id, workspace))
    backward = sortDir.lower() == "desc"
    if not search.strip() and sortBy == "taskId":
        shown = tasks.page(world, trace, offset, most, backward)
        return {"tasks": [{"task": task_answers.task(each)} for each in shown], "total": tasks.total(trace)}
    found = [
        task_answers.task(each)
        for each in tasks.all_of(world, trace)
        if tasks.matches(each, search.lower().split())
    ]
    found.sort(key=lambda task: tasks.sort_key(task.get(sortBy)), reverse=backward)
    return {"tasks": [{"task": task} for task in found[offset : offset + most]], "total": len(found)}


@router.get("/{workflow_id}/task/{task_id}")
def describe_task(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, workflow_id: str, task_id: int
) -> dict[str, Any]:
    """One task."""
    run = records.run(world, workflow_id, workspace)
    return {"task": task_answers.task(records.task(world, run, task_id))}
