"""What a config leaves to the account, looked up once when the environment is made: subnets, security groups,
images, the address of a Lustre file system, the most that a task can have, and how many queues are left."""

from typing import Any

from shared.errors import Forbidden, Refused
from shared.providers.aws import choices
from shared.providers.aws.batch import fsx, limits
from shared.providers.aws.batch.account import BatchAccount, batching, groups, subnets
from shared.providers.aws.batch.options import Work
from shared.providers.aws.errors import asking

QUEUES_AT_MOST = 50
"""Job queues in an account and region (AWS's quota, which it does not raise)."""
QUEUES_MADE = 2
PARAMETER = "/aws/service/ecs/optimized-ami/{}recommended/image_id"
"""Where AWS keeps the id of its newest image for ECS, by kind."""
KINDS = {
    (False, False): "amazon-linux-2023/",
    (True, False): "amazon-linux-2023/arm64/",
    (False, True): "amazon-linux-2/gpu/",
}
"""(Graviton, GPU) -> the kind."""


def details(account: BatchAccount) -> dict[str, Any]:
    """What `Environment.details` keeps; `limits` are those of tasks, `notes` are sentences for people."""
    work = account.batch.work
    found: dict[str, Any] = {"limits": limits.of_tasks(account)}
    if work is None:
        return found
    found |= {"subnetIds": subnets(account), "securityGroups": groups(account)}
    return {**found, **images(account, work), **lustre(account, work), **notes(account, work)}


def notes(account: BatchAccount, work: Work) -> dict[str, Any]:
    """How many queues are left, and who else has them."""
    left = queues_left(account)
    region = account.options.region
    said = f"{left} of {QUEUES_AT_MOST} job queues are left in {region}; this takes {QUEUES_MADE}"
    return {"notes": [f"{said}, with all environments of the same specification" if work.shares else said]}


def queues_left(account: BatchAccount) -> int:
    """Queues that can still be made, those of this environment not counted."""
    pages = account.clients.batch.get_paginator("describe_job_queues").paginate()
    with batching("batch:DescribeJobQueues"):
        there = {each["jobQueueName"] for page in pages for each in page["jobQueues"]}
    return QUEUES_AT_MOST - len(there - {account.head_queue, account.work_queue})


def images(account: BatchAccount, work: Work) -> dict[str, str]:
    """The images of work nodes and of head nodes, and the root device of one of the user's own. Empty where
    SSM may not be asked: Batch then takes its own newest."""
    if work.image_id:
        found = choices.images_by_id(account, work.image_id)
        return {"rootDevice": found[0].root} if found else {}
    wanted = {
        "imageId": PARAMETER.format(KINDS[work.arm, work.gpu]),
        "headImageId": PARAMETER.format(KINDS[False, False]),
    }
    try:
        with asking("ssm:GetParameters"):
            answer = account.clients.ssm.get_parameters(Names=sorted(set(wanted.values())))
    except Forbidden:
        return {}
    ids = {each["Name"]: each["Value"] for each in answer["Parameters"]}
    return {key: ids[name] for key, name in wanted.items() if name in ids}


def lustre(account: BatchAccount, work: Work) -> dict[str, str]:
    """The address of a Lustre file system of the user's own."""
    if work.fsx is None or work.fsx.made:
        return {}
    shown = fsx.by_id(account, work.fsx.id)
    if not shown:
        raise Refused(f"forge.fsxName: {work.fsx.id} does not exist in {account.options.region}")
    found = fsx.address(shown)
    return {"lustreDns": found["dns"], "lustreMount": found["mount"]}
