"""How jobs begin, are held up, and go."""

from typing import TYPE_CHECKING

from local.clouds.azure.batch import life, spans
from local.clouds.azure.batch.models import Account, Job, Task
from local.clouds.azure.batch.models import State as Stage

if TYPE_CHECKING:
    from local.clouds.azure.state import State

DELETE = "Microsoft.Batch/batchAccounts/jobs/delete"


def begin(state: "State", account: Account, job: Job) -> None:
    """A job was made: its clock runs, and its manager is its first task. A job without a task has all its
    tasks completed."""
    manager = job.body.get("jobManagerTask")
    if manager:
        id, at = str(manager["id"]), state.now
        job.tasks[id.lower()] = Task(id, manager, job, at, Stage("active", at), at, next(job.numbers))
    text = (job.body.get("constraints") or {}).get("maxWallClockTime")
    seconds = spans.seconds(text) if text else spans.FOR_EVER
    over = job.made_at + seconds
    if seconds < spans.FOR_EVER:
        state.agenda.at(over, lambda: life.terminate(state, account, job, "MaxWallClockTimeExpiry", over))
    life.consider(state, account, job, state.now)


def disable(state: "State", account: Account, job: Job, what: str, at: float) -> None:
    """No task starts any more; those that run are requeued, ended, or waited for."""
    job.state.become("disabled", at)
    for task in [each for each in job.tasks.values() if each.node]:
        if what == "requeue":
            life.requeue(state, account, task, at)
        elif what == "terminate":
            life.end(state, account, task, at, failure=life.ENDED_BY_USER)


def delete(state: "State", account: Account, job: Job, at: float) -> None:
    """A job goes with all its tasks, after its time."""
    job.state.become("deleting", at)
    life.stop_tasks(state, account, job, at)

    def gone() -> None:
        if account.jobs.get(job.id.lower()) is job:
            del account.jobs[job.id.lower()]

    state.agenda.at(at + state.timings.of(DELETE), gone)
