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
    return {job["jobId"]: f"waiting for a node: {said(job, why)}" for job in stuck}


def said(job: Mapping[str, Any], why: str) -> str:
    """What Batch says of the job itself, where it does, and what is wrong around it."""
    own = str(job.get("statusReason") or "")
    return f"{own} ({why})" if own and why else own or why


def explained(account: BatchAccount) -> str:
    """What is wrong with the head queue or what is under it, in AWS's words where it has some."""
    queue = find_queue(account, account.head_queue)
    if not queue:
        return f"queue {account.head_queue} does not exist any more"
    if queue.get("state") != "ENABLED" or status(queue) != "VALID":
        return f"queue {queue['jobQueueName']} is {queue.get('state')} and {status(queue)}"
    names = [each["computeEnvironment"] for each in queue.get("computeEnvironmentOrder", [])]
    found = [of_environment(account, find_environment(account, each)) for each in names]
    return "; ".join(found) or f"queue {queue['jobQueueName']} has no compute environment"


def of_environment(account: BatchAccount, shown: Mapping[str, Any]) -> str:
    """What keeps a compute environment from giving a node to a head job."""
    if not shown:
        return "the compute environment does not exist any more"
    name = f"compute environment {shown['computeEnvironmentName']}"
    if status(shown) != "VALID" or shown.get("state") != "ENABLED":
        return (
            f"{name} is {shown.get('state')} and {status(shown)}: {shown.get('statusReason') or 'no reason'}"
        )
    resources = shown.get("computeResources") or {}
    most, wanted = resources.get("maxvCpus", 0), resources.get("desiredvCpus", 0)
    options = account.batch
    if most and options.head_cpus > most:
        return f"{name} has at most {most} vCPUs, and a head job asks for {options.head_cpus}"
    if most and wanted + options.head_cpus > most:
        return f"{name} is at its limit of {most} vCPUs"
    types = ", ".join(resources.get("instanceTypes") or ()) or resources.get("type", "its type")
    asked = f"{options.head_cpus} vCPUs and {options.head_memory} MiB"
    return f"{name} wants {wanted} of {most} vCPUs and AWS gives none: too few {types} for {asked}"
