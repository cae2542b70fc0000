"""Head jobs as Batch shows them, read as machines. A job is a run's machine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.model import tags
from shared.model.machine import GONE, PENDING, RUNNING, STOPPING, Machine
from shared.providers.aws.batch.account import BatchAccount, batching
from shared.providers.aws.batch.tasks import ALIVE, listed
from shared.providers.aws.machines import batches, number

QUEUED = ("SUBMITTED", "PENDING", "RUNNABLE")
STATES = {
    **dict.fromkeys(ALIVE[:-1], PENDING),
    "RUNNING": RUNNING,
    "SUCCEEDED": GONE,
    "FAILED": GONE,
}
DESCRIBED = 100
"""Jobs in one DescribeJobs (its limit)."""
LOST_NODE = "Host EC2"
"""How Batch says that Spot, or a failure, took the node of a job."""


def job_name(run_id: str, attempt: int) -> str:
    """The name of an attempt's job."""
    return f"headnode-{run_id}-{attempt}"


def shown(account: BatchAccount, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Jobs of this installation as Batch shows them, 100 to a call."""
    for batch in batches(ids, DESCRIBED):
        with batching("batch:DescribeJobs"):
            answer = account.clients.batch.describe_jobs(jobs=batch)
        yield from (each for each in answer["jobs"] if is_ours(account, each))


def is_ours(account: BatchAccount, job: dict[str, Any]) -> bool:
    """Whether this installation submitted it."""
    return (job.get("tags") or {}).get(tags.INSTALLATION) == account.settings.installation


def run_of(job: Mapping[str, Any]) -> str:
    """The run that a job is for, by its tag."""
    return str((job.get("tags") or {}).get(tags.RUN, ""))


def to_machine(job: dict[str, Any], why: str = "") -> Machine:
    """A job as a machine, with our tags read back."""
    carried = job.get("tags") or {}
    state = STATES.get(job["status"], PENDING)
    ending = state != GONE and (job.get("isTerminated") or job.get("isCancelled"))
    reason = str(job.get("statusReason") or "")
    return Machine(
        id=job["jobId"],
        state=STOPPING if ending else state,
        reason=why or outcome(job),
        queued=job["status"] in QUEUED,
        interrupted=state == GONE and reason.startswith(LOST_NODE),
        run_id=carried.get(tags.RUN, ""),
        attempt=int(number(carried.get(tags.ATTEMPT))),
        environment_id=carried.get(tags.ENVIRONMENT, ""),
        started_at=(job.get("startedAt") or job.get("createdAt", 0)) / 1000,
        deadline=number(carried.get(tags.DEADLINE)),
        hold_until=number(carried.get(tags.HOLD)),
        orphan_since=number(carried.get(tags.ORPHAN)),
    )


def outcome(job: Mapping[str, Any]) -> str:
    """What Batch says of a job: its own reason, that of its container, its exit code, and how often it
    tried when that was more than once."""
    container = job.get("container") or {}
    tries = len(job.get("attempts") or ())
    words = (
        str(job.get("statusReason") or ""),
        str(container.get("reason") or ""),
        f"exit code {container['exitCode']}" if container.get("exitCode") is not None else "",
        f"after {tries} attempts" if tries > 1 else "",
    )
    return ", ".join(filter(None, words))


def heads(account: BatchAccount, queue: str, run_id: str) -> list[dict[str, Any]]:
    """The head jobs of a run, of all its attempts, also those that are over."""
    prefix = job_name(run_id, 0).removesuffix("0")
    asked = {"jobQueue": queue, "filters": [{"name": "JOB_NAME", "values": [f"{prefix}*"]}]}
    return [each for page in listed(account, asked) for each in page if each["jobName"].startswith(prefix)]


def headless(account: BatchAccount, run_ids: Iterable[str], besides: Sequence[str] = ()) -> set[str]:
    """Those of these runs that have no head job which is not over, besides some. One read for each run."""
    return {
        run_id
        for run_id in run_ids
        if not any(
            each["status"] in ALIVE and each["jobId"] not in besides
            for each in heads(account, account.head_queue, run_id)
        )
    }
