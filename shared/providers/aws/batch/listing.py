"""Every head job of an installation, with those that are dead while their tasks still work."""

from collections.abc import Iterator

from shared.model.machine import GONE, STOPPED, Machine
from shared.providers.aws.batch import tasks, waiting
from shared.providers.aws.batch.account import BatchAccount, batching
from shared.providers.aws.batch.shown import heads, is_ours, shown, to_machine
from shared.providers.aws.batch.tasks import ALIVE, listed


def machines(account: BatchAccount) -> Iterator[list[Machine]]:
    """The head jobs of this installation that are not over, or have tasks that are not, a page at a time:
    those of its own queues and those of this environment's."""
    pairs = queues(account)
    known: set[str] = set()
    for queue, _ in pairs:
        for status in ALIVE:
            for page in listed(account, {"jobQueue": queue, "jobStatus": status}):
                ids = [each["jobId"] for each in page if each["jobName"].startswith("headnode-")]
                jobs = list(shown(account, ids))
                reasons = waiting.reasons(account, jobs)
                found = [to_machine(each, reasons.get(each["jobId"], "")) for each in jobs]
                known |= {each.run_id for each in found}
                if alive := [each for each in found if each.state != GONE]:
                    yield alive
    for head_queue, work_queue in pairs:
        for tasks_page in tasks.alive(account, work_queue) if work_queue else ():
            runs = {run_id for run_id, _ in tasks_page} - known
            known |= runs
            if dead := [each for run_id in sorted(runs) for each in survived(account, head_queue, run_id)]:
                yield dead


def survived(account: BatchAccount, head_queue: str, run_id: str) -> list[Machine]:
    """The newest head job of a run of ours whose head jobs are all over while its tasks are not."""
    found = heads(account, head_queue, run_id)
    if any(each["status"] in ALIVE for each in found):
        return []
    ours = [to_machine(each) for each in shown(account, [each["jobId"] for each in found])]
    newest = max(ours, key=lambda each: each.attempt, default=None)
    return [newest.but(state=STOPPED)] if newest else []


def queues(account: BatchAccount) -> list[tuple[str, str]]:
    """Head queue and work queue of this environment, and of every one that Forge made for this
    installation. A queue that is gone is in no pair."""
    named: dict[str, tuple[str, bool]] = {}
    pages = account.clients.batch.get_paginator("describe_job_queues").paginate()
    with batching("batch:DescribeJobQueues"):
        for page in pages:
            for each in page["jobQueues"]:
                arn, ours = each["jobQueueArn"], is_ours(account, each)
                named |= {each["jobQueueName"]: (arn, ours), arn: (arn, ours)}
    pairs = {
        name: f"{name.removesuffix('-head')}-work"
        for name, (_, ours) in named.items()
        if ours and name.endswith("-head") and ":" not in name
    }
    pairs[account.head_queue] = account.work_queue
    there = {
        named[head][0]: named[work][0] if work in named else ""
        for head, work in pairs.items()
        if head in named
    }
    return list(there.items())
