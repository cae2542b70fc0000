"""An `aws-batch` config held against the account: quota first, then all that it names."""

import functools
import json
from collections.abc import Callable, Iterable

from shared.errors import Fault, Forbidden, Refused
from shared.providers.aws import choices
from shared.providers.aws import validate as cloud
from shared.providers.aws.batch import efs as elastic
from shared.providers.aws.batch import fsx as lustre
from shared.providers.aws.batch.account import BatchAccount, subnets
from shared.providers.aws.batch.form import form
from shared.providers.aws.batch.looks import QUEUES_AT_MOST, QUEUES_MADE, queues_left
from shared.providers.aws.batch.queues import find_queue, status
from shared.providers.aws.errors import asking


def check(account: BatchAccount) -> list[Fault]:
    """The config's own faults, then the account's. No call is made for a region that is not ours."""
    faults = form(account.environment.config)
    bad = {fault.field for fault in faults}
    if "region" in bad:
        return faults
    for fields, look in FORGED if account.batch.work else MANUAL:
        if not bad & set(fields):
            faults += cloud.looked(functools.partial(look, account))
    return list(dict.fromkeys(faults))


def quota(account: BatchAccount) -> Iterable[Fault]:
    """Queues can be counted and not raised: say how many are left before anything is made."""
    left = queues_left(account)
    if left < QUEUES_MADE:
        yield Fault(
            "forge",
            f"{QUEUES_MADE} job queues are needed and {left} of {QUEUES_AT_MOST} are left "
            f"in {account.options.region}: delete some, or name queues of yours",
        )


def queues(account: BatchAccount) -> Iterable[Fault]:
    """The user's own queues exist and take jobs."""
    for field, name in (("headQueue", account.head_queue), ("computeQueue", account.work_queue)):
        parts = name.split(":")
        if len(parts) > 3 and parts[3] != account.options.region:
            yield Fault(field, f"{name} is in {parts[3]}, not in {account.options.region}")
            continue
        shown = find_queue(account, name)
        if not shown:
            yield Fault(field, f"{name} does not exist in {account.options.region}")
        elif shown.get("state") != "ENABLED" or status(shown) != "VALID":
            yield Fault(field, f"{name} is {shown.get('state')} and {status(shown)}, not ENABLED and VALID")


def own_roles(account: BatchAccount) -> Iterable[Fault]:
    """The user's own roles exist and may be taken by jobs. The permission to look is optional: a role that
    may not be looked at is not checked here, and Batch refuses the job definition should it be wrong."""
    options, iam = account.batch, account.clients.iam
    for field, arn in (
        ("headJobRole", options.head_role),
        ("computeJobRole", options.compute_role),
        ("executionRole", options.execution_role),
    ):
        try:
            with asking("iam:GetRole"):
                role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"] if arn else None
        except Forbidden:
            continue
        except Refused:
            yield Fault(field, f"{arn} does not exist")
            continue
        if role and role["Arn"] != arn:
            yield Fault(field, f"{arn} does not exist (there is {role['Arn']})")
        elif role and "ecs-tasks." not in json.dumps(role["AssumeRolePolicyDocument"]):
            yield Fault(field, f"{arn} does not trust ecs-tasks.amazonaws.com: a job cannot take it")


def network(account: BatchAccount) -> Iterable[Fault]:
    """Subnets exist in one VPC, and so do the security groups."""
    work = account.batch.work
    assert work is not None
    named = work.subnets
    if named:
        shown = {each["id"]: each for each in choices.described_subnets(account, "subnet-id", list(named))}
    else:
        shown = {subnet: {"vpc": vpc} for subnet, vpc in choices.subnets_of(account, work.vpc_id)}
    if not shown:
        what = f"{work.vpc_id} does not exist or has no subnets" if work.vpc_id else "there is no default VPC"
        yield Fault("forge.subnets" if named else "forge.vpcId", what)
        return
    vpc = work.vpc_id or next(each["vpc"] for each in shown.values())
    for name in named:
        if name not in shown:
            yield Fault("forge.subnets", f"{name} does not exist in {account.options.region}")
        elif shown[name]["vpc"] != vpc:
            yield Fault("forge.subnets", f"{name} belongs to {shown[name]['vpc']}, not to {vpc}")
    if work.groups:
        yield from renamed(cloud.security_groups(as_cloud(account), vpc))


def as_cloud(account: BatchAccount) -> BatchAccount:
    """The account with what Forge is told where AWS Cloud's own looks find it."""
    work = account.batch.work
    assert work is not None
    narrowed = BatchAccount(account.environment, account.clients, account.settings, account.clock)
    told = account.options.but(
        groups=work.groups, key_pair=work.key_pair, image_id=work.image_id, arm=work.arm, disk=work.boot_disk
    )
    object.__setattr__(narrowed, "options", told)
    return narrowed


def renamed(faults: Iterable[Fault]) -> Iterable[Fault]:
    """Faults under this platform's names of the fields."""
    return [Fault(f"forge.{fault.field}", fault.message) for fault in faults]


def image(account: BatchAccount) -> Iterable[Fault]:
    """The image that is named exists, is of the architecture, and fits the boot disk."""
    if account.batch.work and account.batch.work.image_id:
        yield from renamed(cloud.image(as_cloud(account)))


def key_pair(account: BatchAccount) -> Iterable[Fault]:
    """The key pair that is named exists."""
    yield from renamed(cloud.key_pair(as_cloud(account)))


def types(account: BatchAccount) -> Iterable[Fault]:
    """Each type, or at least one of each family, exists in the region and has what was asked for."""
    work = account.batch.work
    assert work is not None
    named = [each for each in work.types if each != "optimal"]
    if not named:
        return
    patterns = [each if "." in each else f"{each}.*" for each in named]
    with asking("ec2:DescribeInstanceTypes"):
        found = {
            shown.get("InstanceType", ""): shown
            for page in account.clients.ec2.get_paginator("describe_instance_types").paginate(
                Filters=[{"Name": "instance-type", "Values": patterns}]
            )
            for shown in page["InstanceTypes"]
        }
    families = {each.partition(".")[0] for each in found}
    for each in named:
        if each not in (found if "." in each else families):
            yield Fault("forge.instanceTypes", f"{each} does not exist in {account.options.region}")
            continue
        kinds = [found[name] for name in found if each in (name, name.partition(".")[0])]
        if account.batch.nvme and not all(kind.get("InstanceStorageSupported") for kind in kinds):
            yield Fault("forge.instanceTypes", f"{each} has no fast disks, which nvnmeStorageEnabled needs")
        if work.gpu and not all(kind.get("GpuInfo") for kind in kinds):
            yield Fault("forge.instanceTypes", f"{each} has no GPU, which gpuEnabled needs")


def work_bucket(account: BatchAccount) -> Iterable[Fault]:
    """The bucket of the work directory, where it is in one, exists in the region."""
    if account.options.work_dir.startswith("s3://"):
        yield from cloud.work_bucket(account)


def efs(account: BatchAccount) -> Iterable[Fault]:
    """A file system of EFS that is named is available and has a mount target in the VPC of the nodes."""
    work = account.batch.work
    if work is None or work.efs is None or work.efs.made:
        return
    name = work.efs.id
    shown = elastic.by_id(account, name)
    if not shown:
        yield Fault("forge.efsId", f"{name} does not exist in {account.options.region}")
        return
    if shown["LifeCycleState"] not in ("available", "updating"):
        yield Fault("forge.efsId", f"{name} is {shown['LifeCycleState']}, not available")
    reached = {each["AvailabilityZoneName"] for each in elastic.targets(account, name)}
    asked = choices.described_subnets(account, "subnet-id", subnets(account))
    missing = sorted({each["zone"] for each in asked} - reached)
    if missing:
        yield Fault(
            "forge.efsId", f"{name} has no mount target in {', '.join(missing)}, where nodes may start"
        )


def fsx(account: BatchAccount) -> Iterable[Fault]:
    """A file system of FSx that is named is Lustre's, available, and in the VPC of the nodes."""
    work = account.batch.work
    if work is None or work.fsx is None or work.fsx.made:
        return
    name = work.fsx.id
    shown = lustre.by_id(account, name)
    if not shown:
        yield Fault("forge.fsxName", f"{name} does not exist in {account.options.region}")
        return
    if shown.get("FileSystemType") != "LUSTRE":
        yield Fault("forge.fsxName", f"{name} is of type {shown.get('FileSystemType')}, not LUSTRE")
    if shown["Lifecycle"] not in ("AVAILABLE", "UPDATING"):
        yield Fault("forge.fsxName", f"{name} is {shown['Lifecycle']}, not AVAILABLE")
    vpcs = {each["vpc"] for each in choices.described_subnets(account, "subnet-id", subnets(account)[:1])}
    if shown.get("VpcId") not in vpcs:
        yield Fault("forge.fsxName", f"{name} is in {shown.get('VpcId')}, the nodes in {', '.join(vpcs)}")


Look = Callable[[BatchAccount], Iterable[Fault]]
MANUAL: tuple[tuple[tuple[str, ...], Look], ...] = (
    (("headQueue", "computeQueue"), queues),
    (("headJobRole", "computeJobRole", "executionRole"), own_roles),
    (("workDir",), work_bucket),
)
FORGED: tuple[tuple[tuple[str, ...], Look], ...] = (
    ((), quota),
    (("forge.subnets", "forge.vpcId", "forge.securityGroups"), network),
    (("forge.instanceTypes",), types),
    (("forge.imageId", "forge.ebsBootSize"), image),
    (("forge.ec2KeyPair",), key_pair),
    (("headJobRole", "computeJobRole", "executionRole"), own_roles),
    (("forge.efsId", "forge.subnets", "forge.vpcId"), efs),
    (("forge.fsxName", "forge.subnets", "forge.vpcId"), fsx),
    (("workDir",), work_bucket),
)
"""Fields that a look depends on (skipped when one of them is malformed) -> the look."""
