"""Head jobs: submit, find, look, stop, mark. A job is a run's machine.

SubmitJob takes no token, so a submission that may be a second one is preceded by a look for a job of the
attempt's own name, and its request is never repeated by the SDK. Names are compared by us: Batch compares
them without regard to case, and run ids differ in it.
"""

from collections.abc import Sequence
from typing import Any

from shared.model import tags
from shared.model.machine import GONE, PENDING, STOPPED, Machine, Order
from shared.model.run import Run
from shared.nextflow.headjob import BOOT, boot_json
from shared.providers.aws.account import VALUE_LIMIT, takeable
from shared.providers.aws.batch import tasks, waiting
from shared.providers.aws.batch.account import BatchAccount, batching
from shared.providers.aws.batch.shown import STATES, headless, job_name, run_of, shown, to_machine
from shared.providers.aws.batch.tasks import listed

SHORTEST = 60
"""Seconds of the shortest time limit that Batch takes."""


def start(account: BatchAccount, order: Order) -> str:
    """The attempt's job: the one that was submitted before, else after one submission. Raises Refused for a
    queue that takes no jobs, NoCapacity, or Retry."""
    known = None if order.first else find(account, order.run_id, order.attempt, over=True)
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


def task_tags(account: BatchAccount, run: Run) -> dict[str, str]:
    """What the tasks of a run carry: the environment's labels, the run's, and whose they are."""
    return {**takeable({**account.labels, **run.tags}), **account.tags, tags.RUN: run.id}


def find(account: BatchAccount, run_id: str, attempt: int, over: bool = False) -> Machine | None:
    """The attempt's job that is not over (`over`: also one that is)."""
    name = job_name(run_id, attempt)
    asked = {"jobQueue": account.head_queue, "filters": [{"name": "JOB_NAME", "values": [name]}]}
    ids = [each["jobId"] for page in listed(account, asked) for each in page if each["jobName"] == name]
    found = [each for each in look(account, ids).values() if over or each.state != GONE]
    return min(found, key=lambda each: (each.state == GONE, each.started_at), default=None)


def look(account: BatchAccount, ids: Sequence[str]) -> dict[str, Machine]:
    """These jobs as they are now. One that waits for a node for long says why; one that is over counts as
    stopped, not as gone, while tasks of its run still work."""
    jobs = list(shown(account, ids))
    reasons = waiting.reasons(account, jobs)
    found = {each["jobId"]: to_machine(each, reasons.get(each["jobId"], "")) for each in jobs}
    over = {each.run_id for each in found.values() if each.state == GONE}
    left = headless(account, tasks.working(account, over), ids)
    return {
        id: each.but(state=STOPPED) if each.state == GONE and each.run_id in left else each
        for id, each in found.items()
    }


def stop(account: BatchAccount, ids: Sequence[str]) -> dict[str, str]:
    """Terminates jobs of ours, and the tasks of runs that have no head job besides these: a thousand of
    them, since a job counts as stopped (not gone) until all are over, and so is stopped again. Returns
    id -> reason for those that were not accepted."""
    refused: dict[str, str] = {}
    jobs = list(shown(account, ids))
    for job in jobs:
        if STATES.get(job["status"], PENDING) != GONE:
            refused |= tasks.terminate(account, job["jobId"], "headnode: the run is over")
    left = tasks.of_runs(account, {run_of(job) for job in jobs} - {""})
    dead = headless(account, {run_id for run_id, _ in left}, ids)
    return refused | tasks.end(account, [each for each in left if each[0] in dead])


def mark(account: BatchAccount, ids: Sequence[str], tag: str, value: str | None) -> None:
    """Sets a tag on jobs of ours, or takes it away (None)."""
    for job in list(shown(account, ids)):
        arn = job["jobArn"]
        if value is None:
            with batching("batch:UntagResource"):
                account.clients.batch.untag_resource(resourceArn=arn, tagKeys=[tag])
        else:
            with batching("batch:TagResource"):
                account.clients.batch.tag_resource(resourceArn=arn, tags={tag: value})
