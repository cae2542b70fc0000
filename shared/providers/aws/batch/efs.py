"""A file system of EFS and its mount targets: make, remove in the only order that works, prove gone.

A mount target is per zone, not per subnet, and a file system with one cannot be deleted. The creation token
is the resource's name, so a repeated creation finds the first one.
"""

from collections.abc import Mapping
from typing import Any

from shared.errors import NotYet, Refused, Retry
from shared.model.environment import Made, ResourceRow
from shared.providers.aws import choices
from shared.providers.aws.batch.account import BatchAccount, subnets, tag_pairs
from shared.providers.aws.errors import asking, code_of

KEY, TARGETS = "efs", "efs-targets"
LIFECYCLE = (
    {"TransitionToIA": "AFTER_30_DAYS"},
    {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
)
"""Files nobody reads for 30 days cost a tenth; the first reading brings them back."""
SLOW = 10.0
"""Seconds between two looks at something that EFS takes a minute for."""


def ensure(account: BatchAccount, row: ResourceRow) -> Made:
    """The file system, encrypted, with its lifecycle policy. Raises NotYet until it is available. One that
    failed is removed before that is told."""
    shown = find(account, row.name) or create(account, row.name)
    state = shown.get("LifeCycleState")
    if state == "error":
        delete(account, str(shown["FileSystemId"]))
        raise Refused(f"EFS could not make file system {row.name}; what there was of it is being removed")
    if state not in ("available", "updating"):
        raise NotYet(f"file system {row.name} is {state or 'not shown yet'}", after=SLOW)
    id = str(shown["FileSystemId"])
    with asking("elasticfilesystem:PutLifecycleConfiguration"):
        account.clients.efs.put_lifecycle_configuration(FileSystemId=id, LifecyclePolicies=list(LIFECYCLE))
    return Made(cloud_id=id)


def create(account: BatchAccount, name: str) -> dict[str, Any]:
    """One write; what EFS answers, or nothing when an earlier try of ours was first."""
    with asking("elasticfilesystem:CreateFileSystem"):
        try:
            answer = account.clients.efs.create_file_system(
                CreationToken=name,
                PerformanceMode="generalPurpose",
                ThroughputMode="elastic",
                Encrypted=True,
                Tags=named(account, name),
            )
        except Exception as error:
            if code_of(error) != "FileSystemAlreadyExists":
                raise
            return {}
    return dict(answer)


def named(account: BatchAccount, name: str) -> list[dict[str, str]]:
    """Tags with a name, unless the user's labels have one."""
    pairs = tag_pairs(account)
    return pairs if "Name" in account.carried else [{"Key": "Name", "Value": name}, *pairs]


def find(account: BatchAccount, name: str) -> dict[str, Any]:
    """By its token; empty when there is none. Raises Refused when it is not ours."""
    with asking("elasticfilesystem:DescribeFileSystems"):
        found = account.clients.efs.describe_file_systems(CreationToken=name)["FileSystems"]
    for each in found:
        carried = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        if not account.tags.items() <= carried.items():
            raise Refused(f"file system {name} exists and is not ours: it lacks our tags")
        return dict(each)
    return {}


def by_id(account: BatchAccount, id: str) -> dict[str, Any]:
    """By its id; empty when there is none."""
    with asking("elasticfilesystem:DescribeFileSystems"):
        try:
            found = account.clients.efs.describe_file_systems(FileSystemId=id)["FileSystems"]
        except Exception as error:
            if code_of(error) != "FileSystemNotFound":
                raise
            return {}
    return dict(found[0]) if found else {}


def targets(account: BatchAccount, id: str) -> list[dict[str, Any]]:
    """The mount targets of a file system; none when it does not exist."""
    with asking("elasticfilesystem:DescribeMountTargets"):
        try:
            return list(account.clients.efs.describe_mount_targets(FileSystemId=id)["MountTargets"])
        except Exception as error:
            if code_of(error) != "FileSystemNotFound":
                raise
            return []


def ensure_targets(account: BatchAccount, made: Mapping[str, ResourceRow]) -> Made:
    """One mount target in each zone of the subnets. Raises NotYet until all are available."""
    id = made[KEY].cloud_id
    there = {each["AvailabilityZoneName"]: each for each in targets(account, id)}
    zones: dict[str, str] = {}
    for each in choices.described_subnets(account, "subnet-id", subnets(account)):
        zones.setdefault(each["zone"], each["id"])
    for zone, subnet in zones.items():
        if zone not in there:
            create_target(account, id, subnet, made["storage-group"].cloud_id)
    slow = [zone for zone in zones if there.get(zone, {}).get("LifeCycleState") != "available"]
    failed = [zone for zone in slow if there.get(zone, {}).get("LifeCycleState") == "error"]
    if failed:
        raise Refused(f"EFS could not make a mount target in {', '.join(failed)}")
    if slow:
        raise NotYet(f"mount targets in {', '.join(slow)} are being made", after=SLOW)
    return Made(cloud_id=id)


def create_target(account: BatchAccount, id: str, subnet: str, group: str) -> None:
    """One write. A conflict is an earlier try of ours, or somebody's: the zone has its target."""
    with asking("elasticfilesystem:CreateMountTarget"):
        try:
            account.clients.efs.create_mount_target(FileSystemId=id, SubnetId=subnet, SecurityGroups=[group])
        except Exception as error:
            if code_of(error) != "MountTargetConflict":
                raise


def remove_targets(account: BatchAccount, row: ResourceRow) -> bool:
    """Asks for the end of each mount target; True once EFS shows none."""
    shown = find(account, row.name)
    if not shown:
        return True
    there = targets(account, str(shown["FileSystemId"]))
    for each in there:
        if each["LifeCycleState"] not in ("deleting", "deleted"):
            with asking("elasticfilesystem:DeleteMountTarget"):
                try:
                    account.clients.efs.delete_mount_target(MountTargetId=each["MountTargetId"])
                except Exception as error:
                    if code_of(error) != "MountTargetNotFound":
                        raise
    return not there


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """One move towards its absence; True once EFS shows none under the token."""
    shown = find(account, row.name)
    if not shown:
        return True
    if shown["LifeCycleState"] == "creating":
        raise Retry(f"file system {row.name} is still being made", after=SLOW)
    if shown["LifeCycleState"] not in ("deleting", "deleted"):
        delete(account, str(shown["FileSystemId"]))
    return not find(account, row.name)


def delete(account: BatchAccount, id: str) -> None:
    """Asks for its deletion. Raises Retry while a mount target is there."""
    with asking("elasticfilesystem:DeleteFileSystem"):
        try:
            account.clients.efs.delete_file_system(FileSystemId=id)
        except Exception as error:
            if code_of(error) == "FileSystemInUse":
                raise Retry(f"file system {id} still has mount targets", after=SLOW) from error
            if code_of(error) != "FileSystemNotFound":
                raise
