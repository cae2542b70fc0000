"""Requests about tasks."""

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors, jobs, life, listing, pool_life, shown, task_checks
from local.clouds.azure.batch.models import ENDED, Body, Job, State, Task
from local.clouds.azure.batch.service import Request

AT_ONCE = 100
"""Tasks in one addtaskcollection."""


def find(request: Request) -> Task:
    """The task that a request names. Raises Refused."""
    found = jobs.find(request).tasks.get(request.names["task"].lower())
    if found is None:
        raise errors.not_found("Task")
    return found


def create(request: Request) -> Answer:
    """201."""
    job = jobs.changeable(request)
    made = _add(request, job, request.body())
    jobs.reschedule(request, job)
    return _written(request, made, 201)


def create_many(request: Request) -> Answer:
    """200 with the fate of each of up to a hundred tasks."""
    job, asked = jobs.changeable(request), request.body().get("value")
    if not isinstance(asked, list) or not asked:
        raise errors.missing("value")
    if len(asked) > AT_ONCE:
        said = f"At most {AT_ONCE} tasks can be added at once."
        raise errors.BatchRefused(413, "RequestBodyTooLarge", said, values={"MaxLimit": str(AT_ONCE)})
    fates = [_fate(request, job, each) for each in asked]
    jobs.reschedule(request, job)
    return listing.sent({"odata.metadata": f"{request.url}/$metadata", "value": fates})


def _fate(request: Request, job: Job, body: Body) -> Body:
    try:
        made = _add(request, job, body)
    except errors.BatchRefused as refused:
        said = {"code": refused.code, "message": {"lang": "en-US", "value": refused.message}}
        values = [{"key": key, "value": value} for key, value in refused.values.items()]
        fate = "clienterror" if refused.status < 500 else "servererror"
        return {"status": fate, "taskId": str(body.get("id")), "error": {**said, "values": values}}
    shows = shown.task(made, request.url)
    found = {"eTag": shows["eTag"], "lastModified": shows["lastModified"], "location": shows["url"]}
    return {"status": "success", "taskId": made.id, **found}


def _add(request: Request, job: Job, body: Body) -> Task:
    id = pool_life.check_id(body.get("id"))
    if id.lower() in job.tasks:
        raise errors.exists("Task")
    task_checks.check(request.account, job.pool, body)
    made = Task(id, body, job, request.now, State("active", request.now), request.now, next(job.numbers))
    job.tasks[id.lower()] = made
    return made


def get(request: Request) -> Answer:
    """One."""
    return listing.sent(listing.select(request.call, shown.task(find(request), request.url)))


def every(request: Request) -> Answer:
    """All of a job."""
    values = [shown.task(task, request.url) for task in jobs.find(request).tasks.values()]
    return listing.answer(request.call, request.url, values)


def put(request: Request) -> Answer:
    """200: other constraints."""
    found, asked = find(request), request.body()
    if found.state.name == ENDED:
        raise errors.over("Task", "Completed")
    task_checks.check_limits(asked)
    found.body = {**found.body, "constraints": asked.get("constraints") or {}}
    return _written(request, found, 200)


def terminate(request: Request) -> Answer:
    """204: it is completed, and failed."""
    found = find(request)
    if found.state.name == ENDED:
        raise errors.over("Task", "Completed")
    life.end(request.state, request.account, found, request.now, failure=life.ENDED_BY_USER)
    return _written(request, found, 204)


def reactivate(request: Request) -> Answer:
    """204: a task that failed is tried once more, with all its retries."""
    found = find(request)
    job = jobs.changeable(request)
    if found.state.name != ENDED or found.succeeded:
        raise errors.wrong_state("Only a task that failed can be reactivated.")
    found.retries, found.exit_code, found.failure = 0, None, None
    found.state.become("active", request.now)
    jobs.reschedule(request, job)
    return _written(request, found, 204)


def delete(request: Request) -> Answer:
    """200: it is gone with its files."""
    found = find(request)
    life.leave(request.state, request.account, found, request.now)
    del found.job.tasks[found.id.lower()]
    jobs.reschedule(request, found.job)
    return request.done(200)


def _written(request: Request, found: Task, status: int) -> Answer:
    return request.done(status, f"jobs/{found.job.id}/tasks/{found.id}", found.changed_at, found.run)
