"""What runs leave in somebody's Batch account: jobs of Nextflow when it was killed, head jobs that are over,
pools that Nextflow made. Only what is known to be ours by an exact mark is ever ended or deleted."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from shared.model.environment import Made
from shared.providers.azure.batch import pools
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import ACTIVE, ENDING, PREFIX, pages
from shared.providers.azure.batch.pools import JOBS_READ
from shared.providers.azure.listing import moment

NEXTFLOWS = re.compile(r"job-[0-9a-f]{8,40}-\S*")
"""Ids of jobs as nf-azure makes them: nobody guesses the digits of another one's."""
CLOCKS = 900.0
"""Seconds by which two clocks may differ."""
RUNS, TYPE = "runs", "BatchJobs"
"""The resource that stands for all this, where there are no pools of ours."""


def end_tasks(account: BatchAccount, jobs: Sequence[str], since: float) -> None:
    """Ends those of these jobs that are active, on whichever pool, and not older than their head. A report
    may say anything: what is no job of Nextflow's by its id, or carries a mark of ours, stays."""
    told = {each for each in jobs if NEXTFLOWS.fullmatch(each)}
    if not told or not account.options.terminate_jobs:
        return
    for page in pages(account, account.url("jobs"), JOBS_READ, ACTIVE):
        for job in page:
            old = moment(str(job.get("creationTime") or "")) < since - CLOCKS
            if str(job["id"]) in told and not old and job.get("state") not in ENDING:
                end(account, str(job["id"]))


def end(account: BatchAccount, id: str) -> None:
    """As Nextflow would have done it at its end."""
    if account.options.delete_jobs:
        pools.delete_job(account, id)
    else:
        pools.terminate_job(account, id, "headnode: its head job is over")


def ensure(account: BatchAccount) -> Made:
    """Nothing is made for it: it begins with the first run."""
    return Made(cloud_id=account.name)


def remove(account: BatchAccount) -> bool:
    """Deletes this environment's head jobs, then the pools that Nextflow made with its labels; True once a
    listing shows none."""
    left = 0
    for job in heads(account):
        left += 1
        pools.delete_job(account, str(job["id"]))
    return pools.auto_pools_gone(account) and left == 0


def shown(account: BatchAccount) -> str:
    """What is still there, in words; empty for nothing."""
    jobs = sum(1 for _ in heads(account))
    query = {"$filter": f"startswith(id,'{pools.NEXTFLOWS}')"}
    listed = pages(account, account.url("pools"), pools.READ, query) if account.options.auto_pools else ()
    made = sum(account.owns(pool) for page in listed for pool in page)
    return f"{jobs} head jobs and {made} pools of Nextflow's still exist" if jobs or made else ""


def heads(account: BatchAccount) -> Iterator[dict[str, Any]]:
    """This environment's head jobs, over or not."""
    query = {"$filter": f"startswith(id,'{PREFIX}')"}
    for page in pages(account, account.url("jobs"), JOBS_READ, query):
        yield from (job for job in page if account.owns(job))
