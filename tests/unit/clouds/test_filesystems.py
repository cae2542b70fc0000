"""The emulated EFS and FSx keep AWS's rules, as its SDK sees them."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws

REGION = "eu-west-1"
LUSTRE: dict[str, Any] = {
    "FileSystemType": "LUSTRE",
    "StorageCapacity": 1200,
    "LustreConfiguration": {"DeploymentType": "SCRATCH_2"},
}


def refused(act: Any, **asked: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(ClientError) as error:
        act(**asked)
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def efs(aws: EmulatedAws) -> Any:
    return boto3.client("efs", REGION)


@pytest.fixture
def fsx(aws: EmulatedAws) -> Any:
    return boto3.client("fsx", REGION)


@pytest.fixture
def subnets(aws: EmulatedAws) -> list[str]:
    found = boto3.client("ec2", REGION).describe_subnets()["Subnets"]
    return [each["SubnetId"] for each in sorted(found, key=lambda each: each["AvailabilityZone"])]


def available(efs: Any, token: str = "t") -> str:
    id = str(efs.create_file_system(CreationToken=token)["FileSystemId"])
    states = [
        efs.describe_file_systems(FileSystemId=id)["FileSystems"][0]["LifeCycleState"] for _ in range(3)
    ]
    assert states == ["creating", "available", "available"]
    return id


def test_a_token_is_one_file_system(efs: Any) -> None:
    id = available(efs)
    assert refused(efs.create_file_system, CreationToken="t") == "FileSystemAlreadyExists"
    (found,) = efs.describe_file_systems(CreationToken="t")["FileSystems"]
    assert found["FileSystemId"] == id
    assert efs.describe_file_systems(CreationToken="other")["FileSystems"] == []
    assert refused(efs.describe_file_systems, FileSystemId="fs-00000000") == "FileSystemNotFound"


def test_nothing_is_done_to_a_file_system_that_is_still_made(efs: Any, subnets: list[str]) -> None:
    id = efs.create_file_system(CreationToken="t")["FileSystemId"]
    early = {"FileSystemId": id, "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}]}
    assert refused(efs.put_lifecycle_configuration, **early) == "IncorrectFileSystemLifeCycleState"
    asked = {"FileSystemId": id, "SubnetId": subnets[0]}
    assert refused(efs.create_mount_target, **asked) == "IncorrectFileSystemLifeCycleState"


def test_a_zone_has_one_mount_target_and_they_go_first(efs: Any, subnets: list[str]) -> None:
    id = available(efs)
    target = efs.create_mount_target(FileSystemId=id, SubnetId=subnets[0])["MountTargetId"]
    assert refused(efs.create_mount_target, FileSystemId=id, SubnetId=subnets[0]) == "MountTargetConflict"
    assert refused(efs.create_mount_target, FileSystemId=id, SubnetId="subnet-00000000") == "SubnetNotFound"
    strange = {"FileSystemId": id, "SubnetId": subnets[1], "SecurityGroups": ["sg-00000000"]}
    assert refused(efs.create_mount_target, **strange) == "SecurityGroupNotFound"
    assert refused(efs.delete_file_system, FileSystemId=id) == "FileSystemInUse"
    efs.delete_mount_target(MountTargetId=target)
    assert refused(efs.delete_file_system, FileSystemId=id) == "FileSystemInUse"
    while efs.describe_mount_targets(FileSystemId=id)["MountTargets"]:
        pass
    efs.delete_file_system(FileSystemId=id)
    while efs.describe_file_systems()["FileSystems"]:
        pass
    assert refused(efs.delete_file_system, FileSystemId=id) == "FileSystemNotFound"


def test_a_group_that_a_mount_target_wears_cannot_be_deleted(efs: Any, subnets: list[str]) -> None:
    ec2 = boto3.client("ec2", REGION)
    vpc = ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    id = available(efs)
    asked = {"FileSystemId": id, "SubnetId": subnets[0], "SecurityGroups": [group]}
    target = efs.create_mount_target(**asked)["MountTargetId"]
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    efs.delete_mount_target(MountTargetId=target)
    while efs.describe_mount_targets(FileSystemId=id)["MountTargets"]:
        pass
    ec2.delete_security_group(GroupId=group)


def test_a_token_of_fsx_answers_with_its_file_system_and_takes_no_other_request(
    fsx: Any, subnets: list[str]
) -> None:
    asked = {**LUSTRE, "ClientRequestToken": "t", "SubnetIds": subnets[:1]}
    first = fsx.create_file_system(**asked)["FileSystem"]["FileSystemId"]
    assert fsx.create_file_system(**asked)["FileSystem"]["FileSystemId"] == first
    changed = {**asked, "StorageCapacity": 2400}
    assert refused(fsx.create_file_system, **changed) == "IncompatibleParameterError"
    assert len(fsx.describe_file_systems()["FileSystems"]) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"StorageCapacity": 1300}, "BadRequest"),
        ({"LustreConfiguration": {"DeploymentType": "BEST"}}, "BadRequest"),
        ({"SubnetIds": ["subnet-00000000"]}, "InvalidNetworkSettings"),
        ({"SecurityGroupIds": ["sg-00000000"]}, "InvalidNetworkSettings"),
        ({"FileSystemType": "WINDOWS"}, "BadRequest"),
    ],
)
def test_what_fsx_does_not_take(fsx: Any, subnets: list[str], change: dict[str, Any], code: str) -> None:
    assert refused(fsx.create_file_system, **{**LUSTRE, "SubnetIds": subnets[:1], **change}) == code


def test_a_file_system_of_fsx_comes_fails_and_goes(aws: EmulatedAws, fsx: Any, subnets: list[str]) -> None:
    aws.fsx.systems.fail.append("no capacity")
    id = fsx.create_file_system(**LUSTRE, SubnetIds=subnets[:1])["FileSystem"]["FileSystemId"]
    assert refused(fsx.delete_file_system, FileSystemId=id) == "BadRequest"
    shown = [fsx.describe_file_systems(FileSystemIds=[id])["FileSystems"][0] for _ in range(2)]
    assert [each["Lifecycle"] for each in shown] == ["CREATING", "FAILED"]
    assert shown[1]["FailureDetails"] == {"Message": "no capacity"}
    assert fsx.delete_file_system(FileSystemId=id)["Lifecycle"] == "DELETING"
    while fsx.describe_file_systems()["FileSystems"]:
        pass
    assert refused(fsx.describe_file_systems, FileSystemIds=[id]) == "FileSystemNotFound"


def test_what_is_not_modelled_says_so(efs: Any, fsx: Any) -> None:
    assert refused(efs.describe_file_system_policy, FileSystemId="fs-12345678") == "NotImplemented"
    assert refused(fsx.describe_backups) == "NotImplemented"
