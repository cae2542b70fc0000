"""What Nextflow tells about a run while it works: created, begun, progress, still there, complete.

    a run with a machine     Nextflow only adds to the record; the machine's runner and the reaper end it
    a run started elsewhere  Nextflow's word is all there is: it begins and ends the record

Every call may come twice, or late. Nextflow kills a run whose report is refused, so nothing is refused
that can be borne; only a run that somebody cancelled is, where that is the way to stop it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Refused
from shared.model.metrics import Metrics
from shared.model.run import Run, Task
from shared.model.timeline import Event
from shared.ports import World
from shared.steps import spending
from shared.steps.runs import concluded

FINISHED = ("COMPLETED", "CACHED", "FAILED", "ABORTED")
LONGEST_TEXT = 50_000
"""Characters of one text that Nextflow reports (a config, an error report), so that a record fits
into one item of the smallest store (400 KB)."""
MOST_REPORTED = 100_000
"""Characters of all that is kept of a workflow's own description."""


class Unknown(Refused):
    """There is no such run."""


class Stopped(Refused):
    """Somebody cancelled the run: its Nextflow is told by being refused."""


def find(world: World, run_id: str) -> Run:
    """The run. Raises Unknown."""
    run = world.store.get(Run, run_id)
    if run is None:
        raise Unknown(f"workflow {run_id[:40]} not found")
    return run


def create(
    world: World,
    *,
    run_id: str,
    workspace_id: int,
    user_id: int,
    owner: str,
    session_id: str,
    name: str,
    project: str,
    repository: str,
) -> Run:
    """The run that a Nextflow is about to begin: the one it was launched as (`run_id`), or a new record
    for one that was started elsewhere. The same announcement twice is one run; a resumed session is a
    run of its own. Raises Unknown or Stopped."""
    if run_id:
        run = unstopped(find(world, run_id))
        if run.is_over or run.session_id == session_id:
            return run
        return world.store.save(run.but(session_id=session_id, updated_at=world.clock.now()))
    announced = same_announcement(world, workspace_id, session_id, name)
    if announced is not None:
        return announced
    now = world.clock.now()
    return world.store.save(
        Run(
            id=world.ids.new(16),
            workspace_id=workspace_id,
            user_id=user_id,
            owner=owner,
            name=name,
            session_id=session_id,
            workflow={
                key: value for key, value in (("projectName", project), ("repository", repository)) if value
            },
            timeline=(Event(at=now, what="SUBMITTED", detail="started elsewhere"),),
            submitted_at=now,
            traced_at=now,
            updated_at=now,
        )
    )


def same_announcement(world: World, workspace_id: int, session_id: str, name: str) -> Run | None:
    """The run of an announcement whose answer was lost: same session and name, and not begun yet."""
    newest: list[Run] = list(world.store.find(Run, "session", session_id, limit=1, newest_first=True).items)
    for run in newest:
        same = (run.workspace_id, run.name, run.environment_id) == (workspace_id, name, "")
        if same and run.status == "SUBMITTED":
            return run
    return None


def unstopped(run: Run) -> Run:
    """Raises Stopped for a run that was cancelled and has no machine that would be told."""
    if run.status == "CANCELLED" or (run.cancel_at and not run.environment_id):
        raise Stopped(f"run {run.name} was cancelled")
    return run


def is_late(run: Run, attempt: int) -> bool:
    """Whether the word is that of an earlier machine than the run's newest one (0: of none of ours)."""
    return bool(attempt) and run.last is not None and run.last.number > attempt


def begin(
    world: World, run_id: str, workflow: Mapping[str, Any], process_names: Iterable[str], attempt: int = 0
) -> Run:
    """Nextflow begins to work: its description of the run replaces that of an earlier attempt."""
    run = unstopped(find(world, run_id))
    if run.is_over or is_late(run, attempt):
        return run
    now = world.clock.now()
    run = run.but(
        workflow=bounded(workflow),
        process_names=tuple(process_names),
        progress={},
        error_message="",
        error_report="",
        traced_at=now,
    )
    return world.store.save(awake(run, now))


def awake(run: Run, now: float) -> Run:
    """The run as RUNNING, where Nextflow's word is all there is. Of a run with a machine that is the
    runner's to say: a late word of Nextflow may come when the machine is gone."""
    if run.environment_id or run.status == "RUNNING":
        return run.but(updated_at=now)
    return run.to("RUNNING", now, started_at=run.started_at or now)


def progress(
    world: World,
    run_id: str,
    counts: Mapping[str, Any] | None,
    tasks: Iterable[Mapping[str, Any]],
    instant: int = 0,
    attempt: int = 0,
) -> Run:
    """New counters, and tasks that changed. `instant` is the client's own time: what is older than what
    we have is left out, as is a step back from a finished task. Raises Stale before anything is written.
    The run is written before the tasks: a report that was cut short in between comes again."""
    run = unstopped(find(world, run_id))
    newer = instant >= last_instant(run) and not is_late(run, attempt)
    changed, finished = sorted_out(world, run.id, tasks, newer)
    if newer and not run.is_over:
        now = world.clock.now()
        counters = {**counted(run, counts, instant), **spending.added(run.progress, finished)}
        run = world.store.save(awake(run.but(progress=counters, traced_at=now), now))
    if changed:
        world.store.put_many(changed)
    return run


def counted(run: Run, counts: Mapping[str, Any] | None, instant: int) -> dict[str, Any]:
    """The run's counters with those of a report. What we add up ourselves is not for a client to say."""
    told = {key: value for key, value in bounded(counts or {}).items() if key not in spending.OURS}
    return {**run.progress, **told, "instant": instant or last_instant(run)}


def last_instant(run: Run) -> int:
    """The client's time of the newest progress that is kept."""
    found = run.progress.get("instant")
    return found if isinstance(found, int) else 0


def sorted_out(
    world: World, run_id: str, tasks: Iterable[Mapping[str, Any]], newer: bool
) -> tuple[list[Task], list[dict[str, Any]]]:
    """The tasks to keep, and those of them that finished with this report and had not before."""
    given = {f"{run_id}/{task['taskId']}": dict(task) for task in tasks}
    known = world.store.get_many(Task, given) if given else {}
    kept: list[Task] = []
    over: list[dict[str, Any]] = []
    for id, task in given.items():
        before = known[id].data if id in known else {}
        was_over, is_over = before.get("status") in FINISHED, task.get("status") in FINISHED
        if before and (not newer or (was_over and not is_over)):
            continue
        kept.append(Task(id=id, run_id=run_id, task_id=task["taskId"], data=bounded(task)))
        if is_over and not was_over:
            over.append(task)
    return kept, over


def heartbeat(
    world: World, run_id: str, counts: Mapping[str, Any] | None, instant: int = 0, attempt: int = 0
) -> Run:
    """Nothing changed, and Nextflow is still there."""
    return progress(world, run_id, counts, (), instant, attempt)


def complete(
    world: World,
    run_id: str,
    workflow: Mapping[str, Any],
    metrics: Iterable[Mapping[str, Any]] | None,
    counts: Mapping[str, Any] | None,
    instant: int = 0,
    attempt: int = 0,
) -> Run:
    """Nextflow is done. Its word ends a run that was started elsewhere; one with a machine ends when the
    machine is gone, and only what Nextflow says about it is added here."""
    run = find(world, run_id)
    if is_late(run, attempt):
        return run
    if metrics is not None:
        rows = tuple(bounded(row) for row in metrics)
        world.store.put_many([Metrics(id=run.id, rows=rows)])
    if run.is_over and run.workflow.get("complete"):
        return run
    now = world.clock.now()
    told = bounded(workflow)
    failed = told.get("success") is not True
    run = run.but(
        workflow={**run.workflow, **told},
        progress=counted(run, counts, instant),
        traced_at=now,
        updated_at=now,
    )
    if failed:
        run = run.but(
            error_message=run.error_message or str(told.get("errorMessage") or ""),
            error_report=run.error_report or str(told.get("errorReport") or ""),
        )
    if not run.environment_id and not run.is_over:
        run = finished(run, failed, told.get("exitStatus"), now)
    return world.store.save(run)


def finished(run: Run, failed: bool, exit_status: Any, now: float) -> Run:
    """A run that was started elsewhere, at its end."""
    verdict = "CANCELLED" if run.cancel_at else "FAILED" if failed else "SUCCEEDED"
    status = exit_status if isinstance(exit_status, int) else None
    return concluded(run.but(verdict=verdict, exit_status=status, started_at=run.started_at or now), now)


def bounded(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a report: long texts are cut, and large parts are left out, the largest first,
    until the rest fits."""
    kept = {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for key, value in told.items()
        if value is not None
    }
    sizes = {key: len(str(value)) for key, value in kept.items()}
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if sum(sizes[each] for each in kept) <= MOST_REPORTED:
            break
        del kept[key]
    return kept
