"""Tasks start, end and start again, and jobs end with them. Every function takes the time it acts at:
the clock may be well beyond it when somebody looks."""

from typing import TYPE_CHECKING

from local.clouds.azure.batch import containers, metrics, placement, running, spans
from local.clouds.azure.batch.models import ENDED, Account, Body, Job, Node, Pool, Task

if TYPE_CHECKING:
    from local.clouds.azure.state import State

PREPARE = "Microsoft.Batch/batchAccounts/jobs/tasks/prepare"
TERMINATE = "Microsoft.Batch/batchAccounts/jobs/terminate"
AUTOMATIC = "Microsoft.Batch/batchAccounts/jobs/autoTerminate"
ALL_DONE = "AllTasksCompleted"
MANAGER_DONE = "JMComplete"
ENDED_BY_USER: Body = {
    "category": "usererror",
    "code": "TaskEnded",
    "message": "Task Was Ended by User Request",
    "details": [],
}
OUT_OF_TIME: Body = {
    "category": "usererror",
    "code": "TaskEnded",
    "message": "Max task wall clock time exceeded",
    "details": [],
}
FAILED: Body = {
    "category": "usererror",
    "code": "FailureExitCode",
    "message": "The task exited with an exit code representing a failure",
}


def schedule(state: "State", account: Account, pool: Pool, at: float) -> None:
    """Gives waiting tasks to nodes with room, those of more urgent jobs first."""
    if pool.state.name == "active":
        for task in placement.waiting(account, pool):
            if not placement.has_room(pool):
                break
            node = placement.room(pool, task)
            if node is not None:
                _begin(state, account, pool, node, task, at)
    metrics.note(account, pool, at)


def _begin(state: "State", account: Account, pool: Pool, node: Node, task: Task, at: float) -> None:
    task.node, task.pool, task.run = node, pool.id, task.run + 1
    task.host = node.id
    task.exit_code = task.failure = None
    number = task.run
    node.tasks.append(task)
    node.state.become("running", at)
    seconds = state.timings.of(PREPARE)
    task.state.become("preparing", at)

    def over(status: int | None, failure: Body | None) -> None:
        with state.turn:
            if task.run == number:
                end(state, account, task, state.now, exit_code=status, failure=failure)

    def start() -> None:
        if task.run == number and task.state.name == "preparing":
            task.started_at = at + seconds
            if refused := containers.refused(state, pool, task):
                end(state, account, task, at + seconds, failure=refused)
                return
            task.state.become("running", at + seconds)
            _limit(state, account, task, at + seconds)
            running.start(state, account, task, over)

    if seconds:
        state.agenda.at(at + seconds, start)
    else:
        start()


def _limit(state: "State", account: Account, task: Task, at: float) -> None:
    text = (task.body.get("constraints") or {}).get("maxWallClockTime")
    seconds, number = spans.seconds(text) if text else spans.FOR_EVER, task.run
    if seconds >= spans.FOR_EVER:
        return

    def over() -> None:
        if task.run == number and task.state.name == "running":
            end(state, account, task, at + seconds, failure=OUT_OF_TIME)

    state.agenda.at(at + seconds, over)


def end(
    state: "State",
    account: Account,
    task: Task,
    at: float,
    exit_code: int | None = None,
    failure: Body | None = None,
) -> None:
    """A task is through, or is tried again where it may be. Nothing happens to one that has ended."""
    if task.state.name == ENDED:
        return
    if exit_code and failure is None:
        detail = {"name": "Message", "value": f"The task process exited with exit code {exit_code}"}
        failure = {**FAILED, "details": [detail]}
    node, pool = task.node, leave(state, account, task, at)
    if node and failure is None:
        node.well += 1
    task.exit_code, task.failure, task.ended_at = exit_code, failure, at
    most = _retries(task)
    if exit_code and (most < 0 or task.retries < most):
        task.retries += 1
        task.state.become("active", at)
    else:
        task.state.become(ENDED, at)
    if (
        task.state.name == ENDED
        and _leads(task)
        and task.job.body["jobManagerTask"].get("killJobOnCompletion", True)
    ):
        terminate(state, account, task.job, MANAGER_DONE, at)
    if pool:
        schedule(state, account, pool, at)
    consider(state, account, task.job, at)


def _leads(task: Task) -> bool:
    return task.body is task.job.body.get("jobManagerTask")


def _retries(task: Task) -> int:
    """How often a task is tried again, by its own word or else by its job's; -1 is for ever."""
    for body in (task.body, task.job.body):
        most = (body.get("constraints") or {}).get("maxTaskRetryCount")
        if most is not None:
            return int(most)
    return 0


def requeue(state: "State", account: Account, task: Task, at: float) -> None:
    """A node was lost under a task: it waits for another."""
    leave(state, account, task, at)
    task.requeues, task.requeued_at = task.requeues + 1, at
    task.state.become("active", at)


def leave(state: "State", account: Account, task: Task, at: float) -> Pool | None:
    """Takes a task from its node, which may have waited for that to go. The pool, where it ran on one."""
    node, task.node, task.run = task.node, None, task.run + 1
    running.stop(state, task)
    if node is None:
        return None
    node.tasks.remove(task)
    node.ran += 1
    pool = account.pools.get(task.pool.lower())
    if not node.tasks:
        if node.state.name == "running":
            node.state.become("idle", at)
        if node.leaving and pool:
            pool.nodes.pop(node.id, None)
    return pool


def consider(state: "State", account: Account, job: Job, at: float) -> None:
    """Looks, after a while, whether a job is to end with its tasks."""
    when = at + state.timings.of(AUTOMATIC)

    def look() -> None:
        if job.body.get("onAllTasksComplete", "").lower() != "terminatejob" or job.state.name != "active":
            return
        if all(task.state.name == ENDED for task in job.tasks.values()):
            terminate(state, account, job, ALL_DONE, when)

    if job.body.get("onAllTasksComplete", "").lower() == "terminatejob":
        state.agenda.at(when, look)


def terminate(state: "State", account: Account, job: Job, reason: str, at: float) -> None:
    """Running tasks are ended, waiting ones stay as they are; the job is completed after its time.
    Nothing happens to a job that is on its way out."""
    if job.state.name in ("terminating", "deleting", ENDED):
        return
    job.reason = reason
    job.state.become("terminating", at)
    stop_tasks(state, account, job, at)
    over = at + state.timings.of(TERMINATE)

    def done() -> None:
        if job.state.name == "terminating":
            job.state.become(ENDED, over)
            job.ended_at = over

    state.agenda.at(over, done)


def stop_tasks(state: "State", account: Account, job: Job, at: float) -> None:
    """Ends what runs of a job; what waits is left as it is."""
    for task in list(job.tasks.values()):
        if task.node is not None:
            end(state, account, task, at, failure=ENDED_BY_USER)
