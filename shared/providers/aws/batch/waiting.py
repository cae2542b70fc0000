"""Why a job waits for a node: read from its queue and what is under it, since Batch does not tell the job."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.batch.queues import find_environment, find_queue, status

LONG = 180.0
"""Seconds in RUNNABLE that nobody has to explain: an environment that begins with nothing takes them."""


def reasons(account: BatchAccount, jobs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Job id -> why it still waits. One or two reads when a job waits for long, else none."""
    late = account.clock.now() - LONG
    stuck = [job for job in jobs if job["status"] == "RUNNABLE" and job.get("createdAt", 0) / 1000 < late]
    if not stuck:
        return {}
    why = explained(account)
    return {job["jobId"]: str(job.get("statusReason") or "") or why for job in stuck}


def explained(account: BatchAccount) -> str:
    """What is wrong with the head queue or what is under it, in AWS's words where it has some."""
    queue = find_queue(account, account.head_queue)
    if not queue:
        return f"queue {account.head_queue} does not exist any more"
    if queue.get("state") != "ENABLED" or status(queue) != "VALID":
        return f"queue {queue['jobQueueName']} is {queue.get('state')} and {status(queue)}"
    said = [
        of_environment(find_environment(account, each["computeEnvironment"]))
        for each in queue.get("computeEnvironmentOrder", [])
    ]
    return "; ".join(said)


def of_environment(shown: Mapping[str, Any]) -> str:
    """What keeps a compute environment from giving nodes."""
    if not shown:
        return "the compute environment does not exist any more"
    name = shown["computeEnvironmentName"]
    if status(shown) != "VALID" or shown.get("state") != "ENABLED":
        said = shown.get("statusReason") or "AWS says no more"
        return f"compute environment {name} is {shown.get('state')} and {status(shown)}: {said}"
    resources = shown.get("computeResources") or {}
    most, wanted = resources.get("maxvCpus", 0), resources.get("desiredvCpus", 0)
    if most and wanted >= most:
        return f"compute environment {name} is at its limit of {most} vCPUs"
    return f"compute environment {name} waits for {wanted} vCPUs of AWS's capacity (limit {most})"
