"""The most that one task can have on the work queue: Nextflow cuts down what asks for more, where Batch would
leave it in the queue for ever."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import Forbidden
from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.batch.queues import find_environment, find_queue
from shared.providers.aws.errors import asking

USABLE = 0.9
"""The share of a type's memory that is promised to a task. Ours: kernel and ECS agent keep a part that
AWS gives no figure for."""


def of_tasks(account: BatchAccount) -> dict[str, int]:
    """`cpus`, and `memory` (MiB) where the instance types are named. One read with Forge and named types, up
    to three with queues of the user's own."""
    work = account.batch.work
    if work is not None:
        return of_environment(account, work.max_cpus, work.types)
    queue = find_queue(account, account.work_queue)
    under = [
        find_environment(account, each["computeEnvironment"])
        for each in queue.get("computeEnvironmentOrder", [])
    ]
    found = [of_shown(account, each.get("computeResources") or {}) for each in under]
    limits = {key: [each.get(key, 0) for each in found] for key in ("cpus", "memory")}
    # One environment without a known limit takes whatever comes.
    return {key: max(values) for key, values in limits.items() if values and all(values)}


def of_shown(account: BatchAccount, resources: Mapping[str, Any]) -> dict[str, int]:
    """The limits of an environment as Batch shows it."""
    return of_environment(account, int(resources.get("maxvCpus", 0)), resources.get("instanceTypes") or ())


def of_environment(account: BatchAccount, most: int, types: Sequence[str]) -> dict[str, int]:
    """The limits that follow from an environment's vCPUs and instance types (types or families)."""
    limits = {"cpus": most} if most else {}
    named = [each if "." in each else f"{each}.*" for each in types if each != "optimal"]
    if not named or len(named) < len(types):
        return limits
    try:
        shown = types_named(account, named)
    except Forbidden:
        # Queues of the user's own need no permission for EC2: their tasks then are not cut down.
        return limits
    cpus = max((each.get("VCpuInfo", {}).get("DefaultVCpus", 0) for each in shown), default=0)
    memory = max((each.get("MemoryInfo", {}).get("SizeInMiB", 0) for each in shown), default=0)
    if cpus:
        limits["cpus"] = min(most, cpus) if most else cpus
    return {**limits, "memory": int(memory * USABLE)} if memory else limits


def types_named(account: BatchAccount, patterns: Sequence[str]) -> list[Any]:
    """The instance types under these names, as EC2 shows them."""
    pages = account.clients.ec2.get_paginator("describe_instance_types")
    with asking("ec2:DescribeInstanceTypes"):
        found = pages.paginate(Filters=[{"Name": "instance-type", "Values": list(patterns)}])
        return [each for page in found for each in page["InstanceTypes"]]
