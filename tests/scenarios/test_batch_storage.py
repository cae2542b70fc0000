"""File systems on AWS Batch: made, mounted, kept or removed, and what a failed one leaves behind."""

import base64
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from tests.scenarios.clouds.aws import REGION
from tests.scenarios.clouds.batch_options import BatchCloud, disposed, made, things
from tests.scenarios.rig import Rig

EFS = {"type": "SPOT", "efsCreate": True}
FSX = {"type": "SPOT", "fsxSize": 1200}


@pytest.fixture
def cloud(aws: EmulatedAws) -> BatchCloud:
    return BatchCloud(aws)


def booted(environment: Any) -> str:
    """The user data of the environment's nodes."""
    found = boto3.client("ec2", REGION).describe_launch_template_versions(
        LaunchTemplateName=f"TowerForge-{environment.id}-template", Versions=["$Latest"]
    )
    return base64.b64decode(found["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"]).decode()


def head_container(environment: Any) -> dict[str, Any]:
    """The container of the environment's head jobs."""
    found = boto3.client("batch", REGION).describe_job_definitions(
        jobDefinitionName=f"TowerForge-{environment.id}-head", status="ACTIVE"
    )
    return dict(found["jobDefinitions"][0]["containerProperties"])


@pytest.mark.parametrize("forge", [EFS, FSX, {**EFS, **FSX}], ids=["efs", "fsx", "both"])
def test_a_whole_life_with_the_least_permissions_of_its_options(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws, forge: dict[str, Any]
) -> None:
    rig.before = cloud.least({**cloud.config(), "forge": forge})
    environment = made(rig, forge=forge)
    assert environment.status == "AVAILABLE", environment.message or environment.wait
    kinds = {row.type for row in environment.resources}
    assert ("EfsFileSystem" in kinds, "FsxFileSystem" in kinds) == ("efsCreate" in forge, "fsxSize" in forge)
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert cloud.refused() == []
    assert things(aws) == []


def test_a_new_file_system_of_efs_is_mounted_on_nodes_and_in_every_job(rig: Rig, aws: EmulatedAws) -> None:
    environment = made(rig, forge={**EFS, "efsMount": "/data"}, workDir="/data/work")
    assert environment.status == "AVAILABLE", environment.message
    (system,) = aws.efs.systems.all
    assert system.body["Encrypted"] is True
    assert system.body["lifecycle"][0] == {"TransitionToIA": "AFTER_30_DAYS"}
    assert system.tags["Name"] == f"TowerForge-{environment.id}-efs"
    zones = {each.body["zone"] for each in aws.efs.targets.all}
    subnets = boto3.client("ec2", REGION).describe_subnets()["Subnets"]
    assert zones == {each["AvailabilityZone"] for each in subnets}
    assert f"attach nfs4 {system.id}.efs.{REGION}.amazonaws.com:/ /data" in booted(environment)
    container = head_container(environment)
    assert container["volumes"] == [{"name": "mounted0", "host": {"sourcePath": "/data"}}]
    assert container["mountPoints"][0]["containerPath"] == "/data"
    (group,) = aws.efs.targets.all[0].groups
    nodes = boto3.client("batch", REGION).describe_compute_environments()["computeEnvironments"]
    assert all(group in each["computeResources"]["securityGroupIds"] for each in nodes)
    config = tasks_of(rig, environment)
    assert "aws.batch.volumes = ['/data']" in config
    assert "cloudcache" not in config
    assert disposed(rig, environment).status == "DELETED"


def tasks_of(rig: Rig, environment: Any) -> str:
    """The Nextflow config of a run there."""
    attempt = Attempt(number=1, offer=Offer(machine_type="1x1", place="queue"))
    run = Run(id="run1", name="r", session_id="s", work_dir=str(environment.config["workDir"]))
    return str(rig.world.provider(environment).spec(run, attempt)["tasks"])


def test_a_new_file_system_of_fsx_is_mounted_by_its_own_name(rig: Rig, aws: EmulatedAws) -> None:
    environment = made(rig, forge={**FSX, "fsxName": "scratch"})
    assert environment.status == "AVAILABLE", environment.message
    (system,) = aws.fsx.systems.all
    assert system.tags["Name"] == "scratch"
    assert f"attach lustre {system.id}.fsx.{REGION}.amazonaws.com@tcp:/fsx42 /fsx" in booted(environment)
    rules = boto3.client("ec2", REGION).describe_security_groups(GroupIds=system.groups)["SecurityGroups"][0]
    ports = {(each["FromPort"], each["ToPort"]) for each in rules["IpPermissions"]}
    assert ports == {(988, 988), (1018, 1023)}
    assert rules["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == system.groups[0]


def test_a_slow_file_system_is_waited_for_and_the_reason_is_shown(rig: Rig, aws: EmulatedAws) -> None:
    aws.fsx.systems.looks = 40
    environment = made(rig, 600, forge=FSX)
    assert environment.status == "CREATING"
    assert environment.wait is not None
    assert "is CREATING: this takes ten minutes or more" in environment.wait.reason
    rig.drain(1200)
    assert rig.get_environment(environment).status == "AVAILABLE"
    creates = [each for each in aws.journal.entries() if each.action == "CreateFileSystem"]
    assert len(creates) == 1


@pytest.mark.parametrize("after", [0, 40])
def test_a_file_system_that_fails_is_told_and_leaves_nothing(rig: Rig, aws: EmulatedAws, after: int) -> None:
    aws.fsx.systems.looks = after
    aws.fsx.systems.fail.append("There is not enough capacity in this zone")
    environment = made(rig, 2400, forge=FSX)
    assert environment.status == "ERRORED"
    assert "not enough capacity in this zone" in environment.message
    assert [each.state for each in aws.fsx.systems.all] == ["deleting"]
    ended = disposed(rig, environment, 2400)
    assert ended.status == "DELETED", ended.wait
    assert things(aws) == []


def test_a_file_system_of_efs_that_fails_likewise(rig: Rig, aws: EmulatedAws) -> None:
    aws.efs.systems.fail.append("x")
    environment = made(rig, forge=EFS)
    assert environment.status == "ERRORED"
    assert "EFS could not make file system" in environment.message
    assert disposed(rig, environment).status == "DELETED"
    assert things(aws) == []


@pytest.mark.parametrize(
    ("service", "action", "forge"),
    [
        ("efs", "CreateFileSystem", EFS),
        ("efs", "CreateMountTarget", EFS),
        ("fsx", "CreateFileSystem", FSX),
        ("ec2", "CreateSecurityGroup", EFS),
        ("ec2", "AuthorizeSecurityGroupIngress", EFS),
        ("efs", "DeleteMountTarget", EFS),
        ("efs", "DeleteFileSystem", EFS),
        ("fsx", "DeleteFileSystem", FSX),
        ("ec2", "DeleteSecurityGroup", EFS),
    ],
)
@pytest.mark.parametrize("kind", ["reset-after", "throttle"])
def test_an_answer_that_never_came_makes_no_second_one(
    rig: Rig, aws: EmulatedAws, service: str, action: str, forge: dict[str, Any], kind: str
) -> None:
    aws.faults.add(service, action, kind=kind, times=1)
    environment = made(rig, forge=forge)
    assert environment.status == "AVAILABLE", environment.message or environment.wait
    systems = [*aws.efs.systems.all, *aws.fsx.systems.all]
    assert len(systems) == 1
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert things(aws) == []


@pytest.mark.parametrize(
    ("forge", "kinds"), [(EFS, {"EfsFileSystem", "EfsMountTargets"}), (FSX, {"FsxFileSystem"})]
)
def test_dispose_resources_off_keeps_file_systems_and_the_receipt_says_so(
    rig: Rig, aws: EmulatedAws, forge: dict[str, Any], kinds: set[str]
) -> None:
    environment = made(rig, forge={**forge, "disposeOnDeletion": False})
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert ended.receipt is not None
    assert {each.partition(" ")[0] for each in ended.receipt.kept} == {*kinds, "SecurityGroup"}
    (system,) = [*aws.efs.systems.all, *aws.fsx.systems.all]
    assert any(f"({system.id}): disposeOnDeletion is off" in each for each in ended.receipt.kept)
    assert system.state == "available"
    assert sorted(things(aws)) == sorted(
        [f"TowerForge-{environment.id}-storage", system.id, *(each.id for each in aws.efs.targets.all)]
    )
    assert ended.receipt.left == ()


def test_a_file_system_that_never_came_is_not_kept(rig: Rig, aws: EmulatedAws) -> None:
    aws.fsx.systems.fail.append("x")
    environment = made(rig, forge={**FSX, "disposeOnDeletion": False})
    assert environment.status == "ERRORED"
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert ended.receipt is not None
    assert ended.receipt.kept == ()
    assert things(aws) == []


def efs_of_mine(aws: EmulatedAws, targets: bool = True) -> str:
    client = boto3.client("efs", REGION)
    id = str(client.create_file_system(CreationToken="mine")["FileSystemId"])
    for _ in range(3):
        client.describe_file_systems()
    for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"] if targets else ():
        client.create_mount_target(FileSystemId=id, SubnetId=subnet["SubnetId"])
    for _ in range(3):
        client.describe_mount_targets(FileSystemId=id)
    return id


def fsx_of_mine(aws: EmulatedAws) -> str:
    subnet = boto3.client("ec2", REGION).describe_subnets()["Subnets"][0]["SubnetId"]
    client = boto3.client("fsx", REGION)
    made = client.create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=[subnet],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
    )
    for _ in range(3):
        client.describe_file_systems()
    return str(made["FileSystem"]["FileSystemId"])


def as_shown(efs: str) -> list[Any]:
    """What AWS shows of all file systems."""
    elastic, lustre = boto3.client("efs", REGION), boto3.client("fsx", REGION)
    found = [
        elastic.describe_file_systems(),
        elastic.describe_mount_targets(FileSystemId=efs),
        elastic.describe_lifecycle_configuration(FileSystemId=efs),
        lustre.describe_file_systems(),
    ]
    return [{key: value for key, value in each.items() if key != "ResponseMetadata"} for each in found]


def test_file_systems_of_the_users_own_are_mounted_and_left_as_they_were(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws
) -> None:
    efs, fsx = efs_of_mine(aws), fsx_of_mine(aws)
    forge = {"type": "EC2", "efsId": efs, "fsxName": f"{fsx}.fsx.{REGION}.amazonaws.com", "fsxMount": "/l"}
    before = as_shown(efs)
    rig.before = cloud.least({**cloud.config(), "forge": forge})
    environment = made(rig, forge=forge)
    assert environment.status == "AVAILABLE", environment.message
    script = booted(environment).replace("'", "")
    assert f"attach nfs4 {efs}.efs.{REGION}.amazonaws.com:/ /mnt/efs" in script
    assert f"attach lustre {fsx}.fsx.{REGION}.amazonaws.com@tcp:/fsx42 /l relatime,flock" in script
    assert not {row.type for row in environment.resources} & {
        "EfsFileSystem",
        "FsxFileSystem",
        "SecurityGroup",
    }
    assert disposed(rig, environment).status == "DELETED"
    assert as_shown(efs) == before
    assert cloud.refused() == []


def test_what_cannot_be_mounted_is_named_before_anything_is_made(rig: Rig, aws: EmulatedAws) -> None:
    bare = efs_of_mine(aws, targets=False)
    environment = made(rig, 30, forge={"type": "SPOT", "efsId": bare, "fsxName": "fs-00000000"})
    assert environment.status == "ERRORED"
    assert f"forge.efsId: {bare} has no mount target in {REGION}a" in environment.message
    assert "forge.fsxName: fs-00000000 does not exist" in environment.message
    assert environment.resources == ()
