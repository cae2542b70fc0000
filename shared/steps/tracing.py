"""What Nextflow tells about a run while it works: created, begun, progress, still there, complete.

    a run with a machine     Nextflow only adds to the record; the machine's runner and the reaper end it
    a run started elsewhere  Nextflow's word is all there is: it begins and ends the record

Every call may come twice, or late. Nextflow kills a run whose report is refused, so nothing is refused
that can be borne; only a run that somebody cancelled is, where that is the way to stop it.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from shared.errors import HeadnodeError, Refused
from shared.model.metrics import Metrics
from shared.model.records import Record
from shared.model.run import Run
from shared.model.timeline import Event
from shared.model.trace import BLOCK, TaskBlock, Trace, block_id
from shared.ports import World
from shared.steps import reported, tend
from shared.steps.reported import bounded
from shared.steps.runs import concluded

LONGEST_ID = 64


class Unknown(Refused):
    """There is no such run."""


class Stopped(Refused):
    """Somebody cancelled the run: its Nextflow is told by being refused."""


class View(NamedTuple):
    """All that a report is decided on, as one round of the store gave it."""

    run: Run
    trace: Trace
    blocks: dict[int, TaskBlock]
    metrics: Metrics


def wanted(run_id: str, tasks: Iterable[int] = ()) -> list[tuple[type[Record], str]]:
    """What `viewed` is made of, for a report about these tasks: to be read in one round."""
    id = run_id[:LONGEST_ID]
    numbers = dict.fromkeys(task // BLOCK for task in tasks)
    return [(Run, id), (Trace, id), *((TaskBlock, block_id(id, each)) for each in numbers)]


def wanted_at_end(run_id: str) -> list[tuple[type[Record], str]]:
    """As `wanted`, for `complete`."""
    return [*wanted(run_id), (Metrics, run_id[:LONGEST_ID])]


def viewed(run_id: str, found: Sequence[Record | None]) -> View:
    """What was read. Raises Unknown."""
    run = next((each for each in found if isinstance(each, Run)), None)
    if run is None:
        raise Unknown(f"workflow {run_id[:40]} not found")
    trace = next((each for each in found if isinstance(each, Trace)), Trace(id=run.id))
    metrics = next((each for each in found if isinstance(each, Metrics)), Metrics(id=run.id))
    blocks = {each.number: each for each in found if isinstance(each, TaskBlock)}
    return View(run, trace, blocks, metrics)


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
    world: World, view: View, workflow: Mapping[str, Any], process_names: Iterable[str], attempt: int = 0
) -> Run:
    """Nextflow begins to work: its description of the run replaces that of an earlier attempt. Again: the
    same."""
    run = unstopped(view.run)
    if run.is_over or is_late(run, attempt):
        return run
    now = world.clock.now()
    run = run.but(
        workflow=bounded(workflow),
        process_names=tuple(process_names),
        error_message="",
        error_report="",
        begun=max(attempt, run.begun),
        traced_at=now,
    )
    return world.store.save(awake(run, now).but(updated_at=now))


def awake(run: Run, now: float) -> Run:
    """The run as RUNNING, where Nextflow's word is all there is. Of a run with a machine that is the
    runner's to say: a late word of Nextflow may come when the machine is gone."""
    if run.environment_id or run.status == "RUNNING":
        return run
    return run.to("RUNNING", now, started_at=run.started_at or now)


def progress(
    world: World,
    view: View,
    counts: Mapping[str, Any] | None,
    tasks: Iterable[Mapping[str, Any]],
    instant: int = 0,
    attempt: int = 0,
) -> Run:
    """New counters, and tasks that changed, in one commit: a report that is cut short, comes twice or comes
    late counts no task twice and takes nothing back. `instant` is the client's own time: counters older
    than what we have are left out. Raises Stale before anything is written."""
    run = unstopped(view.run)
    if is_late(run, attempt) or 0 < attempt < view.trace.attempt:
        return run
    told = list(tasks)
    trace = view.trace.of(attempt)
    newer = instant >= trace.instant
    changes = reported.changes(trace, view.blocks, told, newer)
    trace = trace.but(jobs=reported.jobs_of(trace, told))
    now = world.clock.now()
    heard = newer and not run.is_over
    if heard:
        trace = trace.but(counters=counted(trace, counts), instant=instant or trace.instant, traced_at=now)
    look_at = tend.due(run, trace, any(task["status"] == "SUBMITTED" for task in told), now)
    if heard or changes:
        reported.keep(world.store, trace.but(tend_at=look_at or trace.tend_at), changes)
    if look_at:
        # Nextflow would end a run whose report is refused, and the timer looks anyway.
        with suppress(HeadnodeError):
            world.queue.send(tend.message(run.environment_id), after=look_at - now)
    awoken = awake(run, now) if heard else run
    return run if awoken is run else world.store.save(awoken)


def counted(trace: Trace, counts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The counters with those of a report."""
    return {**trace.counters, **bounded(counts or {})}


def heartbeat(
    world: World, view: View, counts: Mapping[str, Any] | None, instant: int = 0, attempt: int = 0
) -> Run:
    """Nothing changed, and Nextflow is still there."""
    return progress(world, view, counts, (), instant, attempt)


def complete(
    world: World,
    view: View,
    workflow: Mapping[str, Any],
    metrics: Iterable[Mapping[str, Any]] | None,
    counts: Mapping[str, Any] | None,
    instant: int = 0,
    attempt: int = 0,
) -> Run:
    """Nextflow is done. Its word ends a run that was started elsewhere; one with a machine ends when the
    machine is gone, and only what Nextflow says about it is added here. Counters and metrics are written
    first: a report that was cut short in between comes again."""
    run = view.run
    if is_late(run, attempt) or 0 < attempt < view.trace.attempt:
        return run
    again = run.is_over and "complete" in run.workflow
    now = world.clock.now()
    trace = view.trace.of(attempt)
    if not again:
        trace = trace.but(counters=counted(trace, counts), instant=instant or trace.instant, traced_at=now)
    rows = view.metrics.rows if metrics is None else reported.rows_of(metrics)
    reported.commit(world.store, trace, view.metrics.but(rows=rows))
    return run if again else world.store.save(ended(run, bounded(workflow), now))


def ended(run: Run, told: Mapping[str, Any], now: float) -> Run:
    """The run with Nextflow's last word about it."""
    failed = told.get("success") is not True
    run = run.but(workflow={**run.workflow, **told}, traced_at=now, updated_at=now)
    if failed:
        run = run.but(
            error_message=run.error_message or str(told.get("errorMessage") or ""),
            error_report=run.error_report or str(told.get("errorReport") or ""),
        )
    if run.environment_id or run.is_over:
        return run
    return finished(run, failed, told.get("exitStatus"), now)


def finished(run: Run, failed: bool, exit_status: Any, now: float) -> Run:
    """A run that was started elsewhere, at its end."""
    verdict = "CANCELLED" if run.cancel_at else "FAILED" if failed else "SUCCEEDED"
    status = exit_status if isinstance(exit_status, int) else None
    return concluded(run.but(verdict=verdict, exit_status=status, started_at=run.started_at or now), now)
