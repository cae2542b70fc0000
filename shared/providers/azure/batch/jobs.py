"""Head jobs: start, find, look, list, stop, mark. A job is a run's machine.

The head task is the job's job manager: Batch makes both with one request, under an id that is the attempt's
own, so that the same order twice is one job; and ends the job with its manager, so that no job of a dead head
takes one from the account's quota of active jobs. What a job is for stands in its metadata.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Forbidden, QuotaReached, Refused
from shared.model import tags
from shared.model.machine import GONE, PENDING, RUNNING, STOPPED, STOPPING, Machine, Order
from shared.nextflow.headjob import BOOT, SCRIPT, boot_json
from shared.providers.azure.account import takeable
from shared.providers.azure.batch import growing, listing, pools, registries, room, waiting
from shared.providers.azure.batch.account import BatchAccount, as_metadata, metadata
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.batch.listing import ACTIVE, ENDING, PREFIX, is_head, pages, pool_of, record_id
from shared.providers.azure.batch.pools import JOBS_READ, JOBS_WRITE, OVER
from shared.providers.azure.batch.shapes import WORDS, words
from shared.providers.azure.batch.streams import Streams, last_words
from shared.providers.azure.listing import NOT_OURS, moment, number, side_by_side

TASK = "head"
ID = re.compile(r"headnode-[A-Za-z0-9]{1,40}-\d{1,6}")
SHORTEST = 60.0
"""Seconds of the shortest limit that a job gets."""


def job_id(run_id: str, attempt: int) -> str:
    """The id of an attempt's job."""
    return f"{PREFIX}{run_id}-{attempt}"


def start(account: BatchAccount, order: Order) -> str:
    """The attempt's job: one write, beside a nudge for its pool. Raises Refused for a pool that takes no jobs
    and for a run that the account's quotas can never hold, QuotaReached while they leave no room, NotYet
    while there is no active job left, or Retry."""
    pool = pools.get(account, account.head_pool)
    check_pool(account, pool.body if not is_gone(pool) else {})
    room.check(account, pool.body)
    body = request(account, order)
    id = str(body["id"])
    if order.first:
        growing.launched(account, pool.body, id)
    try:
        answer = account.clients.batch(
            "POST", account.url("jobs"), action=JOBS_WRITE, body=body, accept=("JobExists",)
        )
    except QuotaReached as error:
        raise room.no_job_left(account) from error
    if answer.code == "JobExists":
        check_same(account, order, id)
    if not order.first:
        # Only once Batch took it: a pool that grew again and again for a job that waits would cost something.
        growing.launched(account, pool.body, id)
    return id


def check_pool(account: BatchAccount, shown: Mapping[str, Any]) -> None:
    """Raises Refused for a pool that will never run what is sent to it."""
    if not shown:
        raise Refused(f"pool {account.head_pool} does not exist (any more)")
    if shown.get("state") != "active":
        raise Refused(f"pool {account.head_pool} is {shown.get('state')}")


def request(account: BatchAccount, order: Order) -> dict[str, Any]:
    """The job with its head task."""
    options = account.options
    left = max(SHORTEST, min(order.deadline - account.clock.now(), account.longest))
    run = f"--memory {options.head_memory}m --cpu-shares {options.head_cpus * 1024}"
    return {
        "id": job_id(order.run_id, order.attempt),
        "poolInfo": {"poolId": account.head_pool},
        "onAllTasksComplete": "terminatejob",
        "constraints": {"maxWallClockTime": f"PT{int(left)}S", "maxTaskRetryCount": 0},
        "metadata": as_metadata(carried(account, order)),
        "jobManagerTask": {
            "id": TASK,
            "commandLine": "/bin/sh -c 'eval \"$HEADNODE_SCRIPT\"'",
            "containerSettings": {
                "imageName": registries.image(account),
                **({"containerRunOptions": run} if options.head_memory else {}),
            },
            "environmentSettings": [
                {"name": "HEADNODE_SCRIPT", "value": SCRIPT},
                {"name": BOOT, "value": boot_json(order.boot)},
            ],
            "userIdentity": {"autoUser": {"scope": "task", "elevationLevel": "admin"}},
            "requiredSlots": account.head_slots,
            "killJobOnCompletion": True,
            "runExclusive": False,
            # Batch takes a node of Spot for a head job only where there is no other in the pool.
            "allowLowPriorityNode": account.options.forge is None or account.options.forge.head.spot,
            "constraints": {"maxTaskRetryCount": 0, "retentionTime": "P1D"},
        },
    }


def carried(account: BatchAccount, order: Order) -> dict[str, str]:
    """The user's labels, then our marks, which a label never replaces."""
    ours = {
        **account.marker,
        tags.RUN: order.run_id,
        tags.ATTEMPT: str(order.attempt),
        tags.OWNER: order.owner[:256],
        tags.DEADLINE: str(int(order.deadline)),
    }
    return {**takeable(order.labels), **ours}


def check_same(account: BatchAccount, order: Order, id: str) -> None:
    """Raises Refused when the id is taken by another one's job: Batch compares ids without regard to case."""
    found = metadata(shown(account, id) or {})
    wanted = {
        tags.INSTALLATION: account.settings.installation,
        tags.RUN: order.run_id,
        tags.ATTEMPT: str(order.attempt),
    }
    if not wanted.items() <= found.items():
        raise Refused(f"job {id} exists and is not this attempt's")


def active(account: BatchAccount) -> Iterator[list[dict[str, Any]]]:
    """Head jobs of this installation that are not over, page by page."""
    query = {"$filter": f"startswith(id,'{PREFIX}') and state ne 'completed'"}
    for page in pages(account, account.url("jobs"), JOBS_READ, query):
        yield [each for each in page if is_ours(account, each)]


def is_ours(account: BatchAccount, job: Mapping[str, Any]) -> bool:
    """Whether this installation made it."""
    return metadata(job).get(tags.INSTALLATION) == account.settings.installation


def shown(account: BatchAccount, id: str) -> Mapping[str, Any] | None:
    """A job as Batch shows it; None when there is none."""
    answer = listing.one(account, account.url(f"jobs/{id}"), JOBS_READ)
    return None if is_gone(answer) else answer.body


def find(account: BatchAccount, run_id: str, attempt: int) -> Machine | None:
    """The attempt's job that is not over."""
    id = job_id(run_id, attempt)
    found = look(account, [id]).get(id)
    same = found is not None and (found.run_id, found.attempt) == (run_id, attempt)
    return found if found is not None and same and found.state != GONE else None


def look(account: BatchAccount, ids: Sequence[str]) -> dict[str, Machine]:
    """These jobs as they are now, a few at once; those that do not exist, or are not ours, are missing. One
    that is over counts as stopped, not gone, while jobs of its Nextflow are not."""

    def one(id: str) -> Machine | None:
        job = shown(account, id)
        return seen(account, job) if job is not None and is_ours(account, job) else None

    found = side_by_side(one, [id for id in dict.fromkeys(ids) if ID.fullmatch(id)])
    known = {id: machine for id, machine in found.items() if machine is not None}
    over = [id for id, machine in known.items() if machine.state == GONE]
    if over and orphans(account, over):
        known |= {id: known[id].but(state=STOPPED) for id in over}
    return known


def seen(account: BatchAccount, job: Mapping[str, Any]) -> Machine:
    """A job with its head task: one list call for each job."""
    url = account.url(f"jobs/{job['id']}/tasks")
    listed = pages(account, url, JOBS_READ, {"$filter": f"id eq '{TASK}'"})
    task = next((each for page in listed for each in page if each.get("id") == TASK), {})
    machine = to_machine(job, task)
    if machine.state in (GONE, STOPPED) and (task.get("executionInfo") or {}).get("failureInfo"):
        words = last_words(Streams(account.clients, account.url(f"jobs/{job['id']}")))
        return machine.but(words=words)
    return machine.but(reason=waiting.reason(account, job)) if machine.state == PENDING else machine


def machines(account: BatchAccount) -> Iterator[list[Machine]]:
    """The head jobs of this installation in the Batch account that are not over."""
    for page in active(account):
        jobs = {str(each["id"]): each for each in page}
        found = side_by_side(functools.partial(of_page, account, jobs), list(jobs))
        if alive := [each for each in found.values() if each.state != GONE]:
            yield alive


def of_page(account: BatchAccount, jobs: Mapping[str, Mapping[str, Any]], id: str) -> Machine:
    """One job of a page that was listed."""
    return seen(account, jobs[id])


def to_machine(job: Mapping[str, Any], task: Mapping[str, Any]) -> Machine:
    """A job and its head task as a machine, with our marks read back."""
    carried = metadata(job)
    run = task.get("executionInfo") or {}
    state = state_of(job, task)
    lost = int(run.get("requeueCount") or 0) > 0
    return Machine(
        id=str(job["id"]),
        state=state,
        reason=reason_of(job, run, lost) if state in (GONE, STOPPED) else "",
        queued=state == PENDING,
        interrupted=lost,
        run_id=record_id(carried.get(tags.RUN)),
        attempt=int(number(carried.get(tags.ATTEMPT))),
        environment_id=record_id(carried.get(tags.ENVIRONMENT)),
        started_at=moment(str(job.get("creationTime") or "")),
        deadline=number(carried.get(tags.DEADLINE)),
        hold_until=number(carried.get(tags.HOLD)),
        orphan_since=number(carried.get(tags.ORPHAN)),
    )


def state_of(job: Mapping[str, Any], task: Mapping[str, Any]) -> str:
    """Ours for the states of a job and its head task. A head task whose node was lost is run again by Batch
    itself, as a second one of the same attempt: it counts as stopped, so that the job is ended."""
    if job.get("state") == "completed":
        return GONE
    if job.get("state") in ENDING:
        return STOPPING
    if int((task.get("executionInfo") or {}).get("requeueCount") or 0) > 0:
        return STOPPED
    return {"running": RUNNING, "completed": STOPPING}.get(str(task.get("state") or ""), PENDING)


def reason_of(job: Mapping[str, Any], run: Mapping[str, Any], lost: bool) -> str:
    """Why a head job ended, in Batch's own words."""
    if lost:
        return "the node of the head task was lost"
    failure = run.get("failureInfo") or {}
    details = "; ".join(str(each.get("value") or "") for each in failure.get("details") or [])
    ended = str((job.get("executionInfo") or {}).get("terminateReason") or "")
    code = " ".join(filter(None, (str(failure.get(each) or "") for each in ("category", "code"))))
    said = (ended[:WORDS], code, words(failure), details[:WORDS])
    return ": ".join(filter(None, said))


def stop(account: BatchAccount, ids: Sequence[str]) -> dict[str, str]:
    """Ends jobs of ours with their tasks, and what a dead head left on our pools once no head is alive there.
    Returns id -> reason for those that were not accepted."""

    def one(id: str) -> str:
        job = shown(account, id)
        if job is None:
            return ""
        if not is_ours(account, job):
            return NOT_OURS
        try:
            end(account, job)
        except Forbidden:
            raise
        except Refused as error:
            return str(error)
        return ""

    known = [id for id in dict.fromkeys(ids) if ID.fullmatch(id)]
    refused = {id: reason for id, reason in side_by_side(one, known).items() if reason}
    for job in orphans(account, known) if known else ():
        pools.terminate_job(account, str(job["id"]), "headnode: its head job is over")
    return refused


def end(account: BatchAccount, job: Mapping[str, Any]) -> None:
    """Ends one job; deletes it where the environment says so."""
    id, state = str(job["id"]), job.get("state")
    if account.options.delete_jobs and state != "deleting":
        pools.delete_job(account, id)
    elif state not in ("completed", *ENDING):
        pools.terminate_job(account, id, "headnode: the run is over")


def orphans(account: BatchAccount, ended: Sequence[str]) -> list[dict[str, Any]]:
    """Jobs that Nextflow left on our pools. It ends them when it ends; one that was killed could not, and
    they would stay active for days. Their ids do not say whose they are, so there are none of them while a
    head job besides these runs on our pools."""
    if not account.options.terminate_jobs:
        return []
    names = [account.pool_name(key) for key in account.pools]
    ours = {name.lower() for name in names if account.owns(pools.get(account, name).body)}
    listed = pages(account, account.url("jobs"), JOBS_READ, ACTIVE) if ours else ()
    jobs = [job for page in listed for job in page if pool_of(job) in ours]
    heads = {str(job["id"]) for job in jobs if is_head(job)}
    if heads - set(ended):
        return []
    return [job for job in jobs if str(job["id"]) not in heads and job.get("state") not in ENDING]


def mark(account: BatchAccount, ids: Sequence[str], tag: str, value: str | None) -> None:
    """Sets a mark on jobs of ours that are not over, or takes it away (None)."""

    def one(id: str) -> None:
        job = shown(account, id)
        if job is None or not is_ours(account, job) or job.get("state") in ("completed", *ENDING):
            return
        carried = {name: text for name, text in metadata(job).items() if name != tag}
        wanted = carried if value is None else {**carried, tag: value}
        if wanted != metadata(job):
            body = {"metadata": as_metadata(wanted)}
            url = account.url(f"jobs/{id}")
            account.clients.batch("PATCH", url, action=JOBS_WRITE, body=body, accept=(404, *OVER))

    side_by_side(one, [id for id in dict.fromkeys(ids) if ID.fullmatch(id)])
