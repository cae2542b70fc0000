"""Compute environments of Batch and job queues: make, remove in the only order that works, prove gone.

Both live the same life: made, on their way, VALID; then disabled, deleted, on their way, gone. A step takes
them one move further and the caller comes back.
"""

from collections.abc import Mapping
from typing import Any

from shared.errors import NotYet, Refused, Retry
from shared.model.environment import Made, ResourceRow
from shared.providers.aws.batch.account import BatchAccount, batching, detail, groups, subnets
from shared.providers.aws.batch.graph import QUEUES
from shared.providers.aws.batch.options import HEAD_MAX_CPUS, Work

STALE_JOB = 3600
"""Seconds after which Batch itself cancels a job that can never be placed: the one remedy AWS offers. Longer
than a slow scale-up from nothing."""
STUCK = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
GONE = ("", "DELETED")
LOOK_AGAIN = 3.0
"""Seconds between two looks at a change that takes ten of them or more."""


def ensure(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
    """Makes it, or looks how far it is. Raises NotYet until it is VALID, Refused when it turned INVALID."""
    shown = find(account, row)
    if status(shown) == "DELETED":
        shown = {}
    if not shown:
        create(account, row, made)
        shown = find(account, row)
    if status(shown) == "INVALID":
        raise Refused(f"{row.name} is INVALID: {shown.get('statusReason') or 'AWS says no more'}")
    if status(shown) != "VALID":
        raise NotYet(f"{row.name} is {status(shown) or 'not shown yet'}", after=LOOK_AGAIN)
    return Made(cloud_id=arn_of(shown))


def create(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> None:
    """One write."""
    work = account.batch.work
    if work is None:
        raise Refused(f"{row.key} is made with forge only")
    client = account.clients.batch
    if row.key in QUEUES:
        with batching("batch:CreateJobQueue"):
            client.create_job_queue(**queue(account, row, made))
        return
    with batching("batch:CreateComputeEnvironment"):
        client.create_compute_environment(**environment(account, work, row, made))


def queue(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> dict[str, Any]:
    """The request for a job queue over its environment."""
    under = made[row.key.replace("queue", "environment")].cloud_id
    limits = [
        {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": STALE_JOB, "action": "CANCEL"}
        for reason in STUCK
    ]
    return {
        "jobQueueName": row.name,
        "state": "ENABLED",
        "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": under}],
        "jobStateTimeLimitActions": limits,
        "tags": account.carried,
    }


def environment(
    account: BatchAccount, work: Work, row: ResourceRow, made: Mapping[str, ResourceRow]
) -> dict[str, Any]:
    """The request for a compute environment."""
    head = row.key == "head-environment"
    resources = fargate(account) if head and work.fargate_head else nodes(account, work, head, made)
    return {
        "computeEnvironmentName": row.name,
        "type": "MANAGED",
        "state": "ENABLED",
        "serviceRole": made["service"].facts["arn"],
        "computeResources": resources,
        "tags": account.carried,
    }


def fargate(account: BatchAccount) -> dict[str, Any]:
    """Head jobs without nodes of ours."""
    return {
        "type": "FARGATE",
        "maxvCpus": HEAD_MAX_CPUS,
        "subnets": subnets(account),
        "securityGroupIds": groups(account),
    }


def nodes(account: BatchAccount, work: Work, head: bool, made: Mapping[str, ResourceRow]) -> dict[str, Any]:
    """Nodes: head jobs get the same image and network, never Spot, and types of any size."""
    spot = work.spot and not head
    found: dict[str, Any] = {
        "type": "SPOT" if spot else "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE" if head else work.strategy,
        "minvCpus": 0 if head else work.min_cpus,
        "maxvCpus": HEAD_MAX_CPUS if head else work.max_cpus,
        "instanceTypes": ["optimal"] if head and not work.arm else list(work.types),
        "subnets": subnets(account),
        "securityGroupIds": [
            *groups(account),
            *(made[key].cloud_id for key in made if key == "storage-group"),
        ],
        "instanceRole": made["profile"].name,
        "launchTemplate": {"launchTemplateId": made["template"].cloud_id, "version": "$Latest"},
        "tags": account.carried,
    }
    image = {"imageType": "ECS_AL2_NVIDIA" if work.gpu and not head else "ECS_AL2023"}
    pinned = work.image_id or detail(account, "headImageId" if head else "imageId")
    if pinned:
        image["imageIdOverride"] = pinned
    found["ec2Configuration"] = [image]
    if work.key_pair:
        found["ec2KeyPair"] = work.key_pair
    if spot:
        found["bidPercentage"] = work.bid
    if spot and "fleet" in made:
        found["spotIamFleetRole"] = made["fleet"].facts["arn"]
    return found


def find(account: BatchAccount, row: ResourceRow) -> dict[str, Any]:
    """As Batch shows it; empty when there is none. Raises Refused for one of that name that is not ours."""
    is_queue = row.key in QUEUES
    shown = find_queue(account, row.name) if is_queue else find_environment(account, row.name)
    if shown and status(shown) != "DELETED" and not account.owns(shown):
        raise Refused(f"{row.name} exists in Batch and is not ours: it lacks our tags")
    return shown


def find_queue(account: BatchAccount, name: str) -> dict[str, Any]:
    """A queue by name or ARN; empty when there is none."""
    with batching("batch:DescribeJobQueues"):
        found = account.clients.batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    return dict(found[0]) if found else {}


def find_environment(account: BatchAccount, name: str) -> dict[str, Any]:
    """A compute environment by name or ARN; empty when there is none."""
    with batching("batch:DescribeComputeEnvironments"):
        found = account.clients.batch.describe_compute_environments(computeEnvironments=[name])
    listed = found["computeEnvironments"]
    return dict(listed[0]) if listed else {}


def status(shown: Mapping[str, Any]) -> str:
    """CREATING, UPDATING, DELETING, DELETED, VALID or INVALID; "" when there is none."""
    return str(shown.get("status") or "")


def arn_of(shown: Mapping[str, Any]) -> str:
    """Its ARN."""
    return str(shown.get("jobQueueArn") or shown.get("computeEnvironmentArn") or "")


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """One move towards its absence: disable, then delete; True once Batch shows none. Raises Retry with
    AWS's reason while it is INVALID."""
    shown = find(account, row)
    if status(shown) in GONE:
        return True
    if status(shown) in ("CREATING", "UPDATING", "DELETING"):
        return False
    if shown.get("state") == "ENABLED":
        disable(account, row)
    else:
        delete(account, row)
    if status(shown) == "INVALID":
        # Batch takes the request, and then finds that it can not carry it out: people should know why.
        raise Retry(f"{row.name} is INVALID: {shown.get('statusReason') or 'AWS says no more'}", after=30.0)
    return False


def disable(account: BatchAccount, row: ResourceRow) -> None:
    """No new jobs, and no nodes for them."""
    client = account.clients.batch
    if row.key in QUEUES:
        with batching("batch:UpdateJobQueue"):
            client.update_job_queue(jobQueue=row.name, state="DISABLED")
        return
    with batching("batch:UpdateComputeEnvironment"):
        client.update_compute_environment(computeEnvironment=row.name, state="DISABLED")


def delete(account: BatchAccount, row: ResourceRow) -> None:
    """Asks for its deletion; jobs that are left in a queue end with it."""
    client = account.clients.batch
    if row.key in QUEUES:
        with batching("batch:DeleteJobQueue"):
            client.delete_job_queue(jobQueue=row.name)
        return
    with batching("batch:DeleteComputeEnvironment"):
        client.delete_compute_environment(computeEnvironment=row.name)
