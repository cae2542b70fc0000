"""Head jobs: submit, find, look, list, stop, mark. A job is a run's machine.

SubmitJob takes no token, so a submission is preceded by a look for a job of the attempt's own name, and its
request is never repeated by the SDK. Names are compared by us: Batch compares them without regard to case,
and run ids differ in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shared.errors import Refused
from shared.model import tags
from shared.model.machine import GONE, PENDING, RUNNING, STOPPING, Machine, Order
from shared.nextflow.headjob import BOOT, boot_json
from shared.providers.aws.account import VALUE_LIMIT, takeable
from shared.providers.aws.batch import waiting
from shared.providers.aws.batch.account import BatchAccount, batching
from shared.providers.aws.machines import batches, number

ALIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
STATES = {
    **dict.fromkeys(ALIVE[:-1], PENDING),
    "RUNNING": RUNNING,
    "SUCCEEDED": GONE,
    "FAILED": GONE,
}
DESCRIBED = 100
"""Jobs in one DescribeJobs (its limit)."""
SHORTEST = 60
"""Seconds of the shortest time limit that Batch takes."""
LOST_NODE = "Host EC2"
"""How Batch says that Spot, or a failure, took the node of a job."""


def job_name(run_id: str, attempt: int) -> str:
    """The name of an attempt's job."""
    return f"headnode-{run_id}-{attempt}"


def start(account: BatchAccount, order: Order) -> str:
    """The attempt's job: the one that was submitted before, else after one submission. Raises Refused for a
    queue that takes no jobs, NoCapacity, or Retry."""
    known = find(account, order.run_id, order.attempt, over=True)
    if known:
        return known.id
    with batching("batch:SubmitJob"):
        return str(account.clients.batch_once.submit_job(**request(account, order))["jobId"])


def request(account: BatchAccount, order: Order) -> dict[str, Any]:
    """The submission."""
    left = max(SHORTEST, int(order.deadline - account.clock.now()))
    return {
        "jobName": job_name(order.run_id, order.attempt),
        "jobQueue": account.head_queue,
        "jobDefinition": definition(account),
        "containerOverrides": {"environment": [{"name": BOOT, "value": boot_json(order.boot)}]},
        "timeout": {"attemptDurationSeconds": left},
        # A head job that is run again by Batch itself would be a second one of the same attempt.
        "retryStrategy": {"attempts": 1},
        "propagateTags": True,
        "tags": job_tags(account, order),
    }


def definition(account: BatchAccount) -> str:
    """The revision that the environment was made with."""
    found = (row.cloud_id for row in account.environment.resources if row.key == "definition")
    return next(filter(None, found), account.name("definition"))


def job_tags(account: BatchAccount, order: Order) -> dict[str, str]:
    """Ours, then the user's labels as far as they are tags; they go on the container's task too."""
    ours = {
        **account.tags,
        tags.RUN: order.run_id,
        tags.ATTEMPT: str(order.attempt),
        tags.OWNER: order.owner[:VALUE_LIMIT],
        tags.DEADLINE: str(int(order.deadline)),
    }
    return {**takeable(order.labels), **ours}


def find(account: BatchAccount, run_id: str, attempt: int, over: bool = False) -> Machine | None:
    """The attempt's job that is not over (`over`: also one that is)."""
    name = job_name(run_id, attempt)
    asked = {"jobQueue": account.head_queue, "filters": [{"name": "JOB_NAME", "values": [name]}]}
    ids = [each["jobId"] for page in listed(account, asked) for each in page if each["jobName"] == name]
    found = [each for each in look(account, ids).values() if over or each.state != GONE]
    return min(found, key=lambda each: (each.state == GONE, each.started_at), default=None)


def listed(account: BatchAccount, asked: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """ListJobs page by page."""
    pages = iter(account.clients.batch.get_paginator("list_jobs").paginate(**asked))
    while True:
        with batching("batch:ListJobs"):
            page = next(pages, None)
        if page is None:
            return
        yield page["jobSummaryList"]


def shown(account: BatchAccount, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Jobs of this installation as Batch shows them, 100 to a call."""
    for batch in batches(ids, DESCRIBED):
        with batching("batch:DescribeJobs"):
            answer = account.clients.batch.describe_jobs(jobs=batch)
        yield from (each for each in answer["jobs"] if is_ours(account, each))


def is_ours(account: BatchAccount, job: dict[str, Any]) -> bool:
    """Whether this installation submitted it."""
    return (job.get("tags") or {}).get(tags.INSTALLATION) == account.settings.installation


def look(account: BatchAccount, ids: Sequence[str]) -> dict[str, Machine]:
    """These jobs as they are now. One that waits for a node for long says why."""
    jobs = list(shown(account, ids))
    reasons = waiting.reasons(account, jobs)
    return {each["jobId"]: to_machine(each, reasons.get(each["jobId"], "")) for each in jobs}


def machines(account: BatchAccount) -> Iterator[list[Machine]]:
    """The head jobs of this installation that are not over, a page at a time: those of its own queues and
    those of this environment's."""
    for queue in queues(account):
        for status in ALIVE:
            for page in listed(account, {"jobQueue": queue, "jobStatus": status}):
                ids = [each["jobId"] for each in page if each["jobName"].startswith("headnode-")]
                found = [to_machine(each) for each in shown(account, ids)]
                if alive := [each for each in found if each.state != GONE]:
                    yield alive


def queues(account: BatchAccount) -> Iterable[str]:
    """This environment's head queue, and every head queue that Forge made for this installation."""
    found: dict[str, None] = {}
    pages = account.clients.batch.get_paginator("describe_job_queues").paginate()
    with batching("batch:DescribeJobQueues"):
        for page in pages:
            for each in page["jobQueues"]:
                name, arn = each["jobQueueName"], each["jobQueueArn"]
                forged = is_ours(account, each) and name.endswith("-head")
                if forged or account.head_queue in (name, arn):
                    found[arn] = None
    return found


def to_machine(job: dict[str, Any], why: str = "") -> Machine:
    """A job as a machine, with our tags read back."""
    carried = job.get("tags") or {}
    state = STATES.get(job["status"], PENDING)
    ending = state != GONE and (job.get("isTerminated") or job.get("isCancelled"))
    reason = str(job.get("statusReason") or "")
    said = " ".join(filter(None, (reason, str((job.get("container") or {}).get("reason") or ""))))
    return Machine(
        id=job["jobId"],
        state=STOPPING if ending else state,
        reason=why or said,
        interrupted=state == GONE and reason.startswith(LOST_NODE),
        run_id=carried.get(tags.RUN, ""),
        attempt=int(number(carried.get(tags.ATTEMPT))),
        environment_id=carried.get(tags.ENVIRONMENT, ""),
        started_at=job.get("createdAt", 0) / 1000,
        deadline=number(carried.get(tags.DEADLINE)),
        hold_until=number(carried.get(tags.HOLD)),
        orphan_since=number(carried.get(tags.ORPHAN)),
    )


def stop(account: BatchAccount, ids: Sequence[str]) -> dict[str, str]:
    """Terminates jobs of ours, and the tasks that a dead head left (`tw-<run>-...`). Returns id -> reason
    for those that were not accepted."""
    refused: dict[str, str] = {}
    for job in list(shown(account, ids)):
        if STATES.get(job["status"], PENDING) != GONE:
            refused |= terminate(account, job["jobId"], "headnode: the run is over")
        run_id = (job.get("tags") or {}).get(tags.RUN, "")
        for task in orphans(account, run_id):
            refused |= terminate(account, task, f"headnode: the head job of run {run_id} is over")
    return refused


def terminate(account: BatchAccount, job_id: str, reason: str) -> dict[str, str]:
    """One TerminateJob, which also cancels a job that does not run yet. Id -> reason when refused."""
    try:
        with batching("batch:TerminateJob"):
            account.clients.batch.terminate_job(jobId=job_id, reason=reason)
    except Refused as error:
        return {job_id: str(error)}
    return {}


def orphans(account: BatchAccount, run_id: str) -> Iterator[str]:
    """The tasks of a run that are not over, by the prefix that Nextflow gives their names."""
    prefix = f"tw-{run_id}-"
    asked = {"jobQueue": account.work_queue, "filters": [{"name": "JOB_NAME", "values": [f"{prefix}*"]}]}
    for page in listed(account, asked) if run_id else ():
        for each in page:
            if each["jobName"].startswith(prefix) and each["status"] in ALIVE:
                yield each["jobId"]


def mark(account: BatchAccount, ids: Sequence[str], tag: str, value: str | None) -> None:
    """Sets a tag on jobs of ours that are not over, or takes it away (None)."""
    for job in list(shown(account, ids)):
        if STATES.get(job["status"], PENDING) == GONE:
            continue
        arn = job["jobArn"]
        if value is None:
            with batching("batch:UntagResource"):
                account.clients.batch.untag_resource(resourceArn=arn, tagKeys=[tag])
        else:
            with batching("batch:TagResource"):
                account.clients.batch.tag_resource(resourceArn=arn, tags={tag: value})
