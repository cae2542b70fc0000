"""Tasks: the jobs that a head job submits to the work queue. They outlive a head job that dies.

They are known by the prefix that Nextflow gives their names, and listed by state: a listing by name would
also show all that have ended, of a large run tens of thousands.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.errors import Refused
from shared.providers.aws.batch.account import BatchAccount, batching

ALIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
"""In the order in which a job goes through them, so that one that moves while we look is seen once more."""
NAME = re.compile(r"tw-([0-9A-Za-z]+)-")
"""How Nextflow names a task of a run that the platform knows: the run's id is in it."""
AT_ONCE = 1000
"""Tasks that one call ends at most; whoever calls comes back for the rest."""
ABREAST = 8
"""TerminateJob takes one job: so many are asked for at the same time."""


def listed(account: BatchAccount, asked: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """ListJobs page by page. (botocore's paginator makes a class of its own for each listing.)"""
    after: dict[str, str] = {}
    while True:
        with batching("batch:ListJobs"):
            page = account.clients.batch.list_jobs(**asked, **after)
        yield page["jobSummaryList"]
        if not page.get("nextToken"):
            return
        after = {"nextToken": page["nextToken"]}


def alive(account: BatchAccount, queue: str) -> Iterator[list[tuple[str, str]]]:
    """(run id, job id) of each task that is not over, a page of at most 1,000 at a time."""
    for status in ALIVE:
        for page in listed(account, {"jobQueue": queue, "jobStatus": status}):
            named = ((NAME.match(each["jobName"]), each["jobId"]) for each in page)
            yield [(found[1], job_id) for found, job_id in named if found]


def working(account: BatchAccount, run_ids: Collection[str]) -> set[str]:
    """Those of these runs that have tasks which are not over."""
    wanted, found = set(run_ids) - {""}, set[str]()
    for page in alive(account, account.work_queue) if wanted else ():
        found |= {run_id for run_id, _ in page if run_id in wanted}
        if found == wanted:
            break
    return found


def of_runs(account: BatchAccount, run_ids: Collection[str]) -> list[tuple[str, str]]:
    """(run id, job id) of the first tasks of these runs, AT_ONCE at most."""
    found: list[tuple[str, str]] = []
    for page in alive(account, account.work_queue) if run_ids else ():
        found += [each for each in page if each[0] in run_ids]
        if len(found) >= AT_ONCE:
            break
    return found[:AT_ONCE]


def end(account: BatchAccount, tasks: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Terminates tasks. Job id -> reason for those that were not accepted; raises Retry when Batch wants a
    pause, and what was asked for by then stays asked for."""
    if not tasks:
        return {}
    refused: dict[str, str] = {}
    with ThreadPoolExecutor(min(ABREAST, len(tasks))) as pool:
        for each in pool.map(lambda task: over(account, *task), tasks):
            refused |= each
    return refused


def over(account: BatchAccount, run_id: str, job_id: str) -> dict[str, str]:
    """Ends one task."""
    return terminate(account, job_id, f"headnode: the head job of run {run_id} is over")


def terminate(account: BatchAccount, job_id: str, reason: str) -> dict[str, str]:
    """One TerminateJob, which also cancels a job that does not run yet. Id -> reason when refused."""
    try:
        with batching("batch:TerminateJob"):
            account.clients.batch.terminate_job(jobId=job_id, reason=reason)
    except Refused as error:
        return {job_id: str(error)}
    return {}
