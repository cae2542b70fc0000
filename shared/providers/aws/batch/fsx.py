"""A file system of FSx for Lustre: make, remove, prove gone.

It takes ten minutes or more to come, and may turn out to have failed after twenty. FSx finds none by name, so
ours are found by their tags; the request's token is the name, so a repeated creation is the first one.
"""

from collections.abc import Mapping
from typing import Any

from shared.errors import NotYet, Refused, Retry
from shared.model.environment import Made, ResourceRow
from shared.providers.aws.batch.account import BatchAccount, subnets, tag_pairs
from shared.providers.aws.errors import asking, code_of

KEY = "fsx"
SLOW = 30.0
"""Seconds between two looks."""
VERSION = "2.15"
"""Of Lustre: what the clients of Amazon Linux 2 and 2023 speak."""


def ensure(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
    """The file system. Raises NotYet until it is available. One that failed is removed before that is told,
    in AWS's words."""
    shown = find(account) or create(account, row.name, made)
    state = shown["Lifecycle"]
    if state in ("FAILED", "MISCONFIGURED"):
        why = (shown.get("FailureDetails") or {}).get("Message") or "AWS says no more"
        delete(account, shown["FileSystemId"])
        raise Refused(f"FSx could not make the file system: {why}; what there was of it is being removed")
    if state not in ("AVAILABLE", "UPDATING"):
        raise NotYet(f"file system {row.name} is {state}: this takes ten minutes or more", after=SLOW)
    return Made(cloud_id=shown["FileSystemId"], facts=address(shown))


def address(shown: Mapping[str, Any]) -> dict[str, str]:
    """What a node mounts it by."""
    return {"dns": str(shown["DNSName"]), "mount": str(shown["LustreConfiguration"]["MountName"])}


def create(account: BatchAccount, name: str, made: Mapping[str, ResourceRow]) -> dict[str, Any]:
    """One write; the same request again is the same file system."""
    work = account.batch.work
    assert work is not None
    assert work.fsx is not None
    pairs = tag_pairs(account)
    if "Name" not in account.carried:
        pairs = [{"Key": "Name", "Value": work.fsx.name or name}, *pairs]
    with asking("fsx:CreateFileSystem"):
        answer = account.clients.fsx.create_file_system(
            ClientRequestToken=name,
            FileSystemType="LUSTRE",
            FileSystemTypeVersion=VERSION,
            StorageCapacity=work.fsx.size,
            SubnetIds=subnets(account)[:1],
            SecurityGroupIds=[made["storage-group"].cloud_id],
            LustreConfiguration={"DeploymentType": "SCRATCH_2"},
            Tags=pairs,
        )
    return dict(answer["FileSystem"])


def find(account: BatchAccount) -> dict[str, Any]:
    """The environment's own, by its tags; empty when there is none."""
    pages = account.clients.fsx.get_paginator("describe_file_systems").paginate()
    with asking("fsx:DescribeFileSystems"):
        for page in pages:
            for each in page["FileSystems"]:
                carried = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
                if account.tags.items() <= carried.items():
                    return dict(each)
    return {}


def by_id(account: BatchAccount, id: str) -> dict[str, Any]:
    """By its id; empty when there is none."""
    with asking("fsx:DescribeFileSystems"):
        try:
            found = account.clients.fsx.describe_file_systems(FileSystemIds=[id])["FileSystems"]
        except Exception as error:
            if code_of(error) != "FileSystemNotFound":
                raise
            return {}
    return dict(found[0]) if found else {}


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """One move towards its absence; True once FSx shows none with our tags."""
    shown = find(account)
    if not shown:
        return True
    if shown["Lifecycle"] == "CREATING":
        # FSx refuses to delete what it is still making.
        raise Retry(f"file system {row.name} is still being made", after=SLOW)
    if shown["Lifecycle"] != "DELETING":
        delete(account, shown["FileSystemId"])
    return not find(account)


def delete(account: BatchAccount, id: str) -> None:
    """Asks for its deletion."""
    with asking("fsx:DeleteFileSystem"):
        try:
            account.clients.fsx.delete_file_system(FileSystemId=id)
        except Exception as error:
            if code_of(error) != "FileSystemNotFound":
                raise
