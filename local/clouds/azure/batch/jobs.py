"""Requests about jobs."""

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors, jobs_life, life, listing, pool_life, shown, task_checks
from local.clouds.azure.batch.models import ENDED, Body, Job, State, Task
from local.clouds.azure.batch.service import Request

CHANGEABLE = {
    *("priority", "maxParallelTasks", "allowTaskPreemption", "onAllTasksComplete", "constraints", "poolInfo"),
    *("metadata", "networkConfiguration"),
}
ON_COMPLETE = ("noaction", "terminatejob")


def find(request: Request) -> Job:
    """The job that a request names. Raises Refused."""
    found = request.account.jobs.get(request.names["job"].lower())
    if found is None:
        raise errors.not_found("Job")
    request.check_match(found.changed_at, found.version)
    return found


def changeable(request: Request) -> Job:
    """The job that a request names, which must not be on its way out. Raises Refused."""
    found = find(request)
    if found.state.name == "deleting":
        raise errors.being("Job", "Deleted")
    if found.state.name == "terminating":
        raise errors.being("Job", "Terminated")
    if found.state.name == ENDED:
        raise errors.over("Job", "Completed")
    return found


def create(request: Request) -> Answer:
    """201. The pool need not be there yet."""
    body, account = request.body(), request.account
    id = pool_life.check_id(body.get("id"))
    old = account.jobs.get(id.lower())
    if old:
        raise errors.being("Job", "Deleted") if old.state.name == "deleting" else errors.exists("Job")
    _check(body)
    manager = body.get("jobManagerTask")
    if manager is not None:
        task_checks.check_leading(account, str(body["poolInfo"]["poolId"]), manager)
    if sum(job.counts for job in account.jobs.values()) >= account.quotas.jobs:
        raise errors.job_quota(account.quotas.jobs)
    made = Job(id, body, request.now, State("active", request.now), request.now)
    account.jobs[id.lower()] = made
    jobs_life.begin(request.state, account, made)
    reschedule(request, made)
    return _written(request, made, 201)


def _check(body: Body) -> None:
    pool = body.get("poolInfo") or {}
    if pool.get("autoPoolSpecification"):
        raise errors.BatchRefused(
            501, "NotImplemented", "The emulated Azure does not know pools made by jobs."
        )
    if not pool.get("poolId"):
        raise errors.missing("poolInfo")
    task_checks.check_limits(body)
    action = str(body.get("onAllTasksComplete") or "noaction").lower()
    if action not in ON_COMPLETE:
        raise errors.invalid("onAllTasksComplete", action, f"One of {', '.join(ON_COMPLETE)}.")
    priority = body.get("priority") or 0
    if not -1000 <= int(priority) <= 1000:
        raise errors.invalid("priority", priority, "Between -1000 and 1000.")


def get(request: Request) -> Answer:
    """One."""
    found = find(request)
    answer = listing.sent(listing.select(request.call, shown.job(found, request.url)))
    answer.headers.append(("ETag", shown.etag(found.changed_at, found.version)))
    return answer


def every(request: Request) -> Answer:
    """All."""
    values = [shown.job(job, request.url) for job in request.account.jobs.values()]
    return listing.answer(request.call, request.url, values)


def patch(request: Request) -> Answer:
    """Changes what is given."""
    found, asked = changeable(request), request.body()
    unknown = next((name for name in asked if name not in CHANGEABLE), "")
    if unknown:
        raise errors.invalid(unknown, asked[unknown], "The property can not be changed.")
    return _changed(request, found, {**found.body, **asked})


def put(request: Request) -> Answer:
    """Changes everything that can be changed: what is left out has its first value again."""
    found, asked = changeable(request), request.body()
    kept = {name: value for name, value in found.body.items() if name not in CHANGEABLE}
    return _changed(request, found, {**kept, **{name: asked[name] for name in asked if name in CHANGEABLE}})


def _changed(request: Request, found: Job, body: Body) -> Answer:
    _check(body)
    if body["poolInfo"] != found.body["poolInfo"] and found.state.name != "disabled":
        raise errors.wrong_state("The pool of a job can be changed only while it is disabled.")
    found.body, found.changed_at, found.version = body, request.now, found.version + 1
    life.consider(request.state, request.account, found, request.now)
    return _written(request, found, 200)


def delete(request: Request) -> Answer:
    """202: it is `deleting`, then gone with its tasks and their files."""
    found = find(request)
    if found.state.name == "deleting":
        raise errors.being("Job", "Deleted")
    jobs_life.delete(request.state, request.account, found, request.now)
    return request.done(202)


def terminate(request: Request) -> Answer:
    """202: what runs is ended, what waits stays `active` for ever."""
    found = changeable(request)
    reason = str(request.body().get("terminateReason") or "UserTerminate")
    life.terminate(request.state, request.account, found, reason, request.now)
    return _written(request, found, 202)


def disable(request: Request) -> Answer:
    """202: no task starts any more."""
    found, what = changeable(request), str(request.body().get("disableTasks") or "").lower()
    if what not in ("requeue", "terminate", "wait"):
        raise errors.invalid("disableTasks", what, "One of requeue, terminate, wait.")
    jobs_life.disable(request.state, request.account, found, what, request.now)
    return _written(request, found, 202)


def enable(request: Request) -> Answer:
    """202: tasks start again."""
    found = changeable(request)
    if found.state.name != "disabled":
        raise errors.wrong_state("The job is not disabled.")
    found.state.become("active", request.now)
    reschedule(request, found)
    return _written(request, found, 202)


def task_counts(request: Request) -> Answer:
    """Tasks, and their slots, by state."""
    tasks = list(find(request).tasks.values())
    return listing.sent(
        {
            "taskCounts": _counts([(task, 1) for task in tasks]),
            "taskSlotCounts": _counts([(task, task.slots) for task in tasks]),
        }
    )


def _counts(tasks: list[tuple[Task, int]]) -> dict[str, int]:
    counts = dict.fromkeys(("active", "running", "completed", "succeeded", "failed"), 0)
    for task, weight in tasks:
        state = "running" if task.state.name == "preparing" else task.state.name
        counts[state] += weight
        if state == ENDED:
            counts["succeeded" if task.succeeded else "failed"] += weight
    return counts


def reschedule(request: Request, job: Job) -> None:
    """Looks for nodes for what waits."""
    pool = request.account.pools.get(job.pool.lower())
    if pool:
        life.schedule(request.state, request.account, pool, request.now)


def _written(request: Request, found: Job, status: int) -> Answer:
    return request.done(status, f"jobs/{found.id}", found.changed_at, found.version)
