"""Every option of Forge, as it arrives in the account; and manual mode, which leaves the user's alone."""

import base64
import json
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Invalid
from shared.model.label import Label
from shared.steps.environments import create_environment
from shared.steps.runs import submit_run
from tests.scenarios.clouds.aws import REGION
from tests.scenarios.clouds.batch_options import BatchCloud, disposed, made, things
from tests.scenarios.rig import Rig

FUSION = {"waveEnabled": True, "fusion2Enabled": True}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture
def cloud(aws: EmulatedAws) -> BatchCloud:
    return BatchCloud(aws)


def role_of_mine(name: str) -> str:
    made = boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return str(made["Role"]["Arn"])


def environments(id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Work and head, as Batch shows them."""
    shown = boto3.client("batch", REGION).describe_compute_environments()["computeEnvironments"]
    found = {each["computeEnvironmentName"].rpartition("-")[2]: each for each in shown if id in str(each)}
    return found["work"]["computeResources"], found["head"]["computeResources"]


def definition(id: str) -> dict[str, Any]:
    found = boto3.client("batch", REGION).describe_job_definitions(
        jobDefinitionName=f"TowerForge-{id}-head", status="ACTIVE"
    )
    return dict(found["jobDefinitions"][0])


def template(id: str) -> dict[str, Any]:
    found = boto3.client("ec2", REGION).describe_launch_template_versions(
        LaunchTemplateName=f"TowerForge-{id}-template", Versions=["$Latest"]
    )
    return dict(found["LaunchTemplateVersions"][0]["LaunchTemplateData"])


def test_what_is_asked_of_spot_arrives(rig: Rig, cloud: BatchCloud, aws: EmulatedAws) -> None:
    ec2 = boto3.client("ec2", REGION)
    ec2.create_key_pair(KeyName="mine")
    subnet = ec2.describe_subnets()["Subnets"][1]
    group = ec2.create_security_group(GroupName="own", Description="d", VpcId=subnet["VpcId"])["GroupId"]
    image = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}])
    forge = {
        "type": "SPOT",
        "allocStrategy": "SPOT_CAPACITY_OPTIMIZED",
        "minCpus": 4,
        "maxCpus": 64,
        "bidPercentage": 70,
        "instanceTypes": ["m6i", "c6i.large"],
        "imageId": image["Images"][0]["ImageId"],
        "vpcId": subnet["VpcId"],
        "subnets": [subnet["SubnetId"]],
        "securityGroups": [group],
        "ec2KeyPair": "mine",
        "ebsBootSize": 77,
        "ebsType": "gp2",
        "ecsConfig": "ECS_LOGLEVEL=debug",
        "allowBuckets": ["s3://more/x"],
    }
    config = {
        "headJobCpus": 2,
        "headJobMemoryMb": 8192,
        "headJobRole": role_of_mine("mine-head"),
        "computeJobRole": role_of_mine("mine-compute"),
        "executionRole": role_of_mine("mine-execution"),
        "cliPath": "/home/ec2-user/miniconda/bin/aws",
        "logGroup": "/mine",
        "labels": {"team": "x"},
    }
    rig.before = cloud.least({**cloud.config(), **config, "forge": forge})
    environment = made(rig, forge=forge, **config)
    assert environment.status == "AVAILABLE", environment.message
    assert cloud.refused() == []
    work, head = environments(environment.id)
    assert {
        key: work[key] for key in ("type", "allocationStrategy", "minvCpus", "maxvCpus", "bidPercentage")
    } == {
        "type": "SPOT",
        "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
        "minvCpus": 4,
        "maxvCpus": 64,
        "bidPercentage": 70,
    }
    assert work["instanceTypes"] == ["m6i", "c6i.large"]
    assert work["ec2Configuration"] == [{"imageType": "ECS_AL2023", "imageIdOverride": forge["imageId"]}]
    assert (head["type"], head["minvCpus"], "bidPercentage" in head) == ("EC2", 0, False)
    for each in (work, head):
        assert (each["subnets"], each["securityGroupIds"]) == ([subnet["SubnetId"]], [group])
        assert each["ec2KeyPair"] == "mine"
        assert each["tags"]["team"] == "x"
    launched = template(environment.id)
    assert launched["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 77
    assert launched["BlockDeviceMappings"][0]["Ebs"]["VolumeType"] == "gp2"
    script = base64.b64decode(launched["UserData"]).decode()
    assert "ECS_LOGLEVEL=debug" in script
    assert '"log_group_name": "/mine"' in script
    container = definition(environment.id)["containerProperties"]
    assert {each["type"]: each["value"] for each in container["resourceRequirements"]} == {
        "VCPU": "2",
        "MEMORY": "8192",
    }
    assert container["jobRoleArn"] == config["headJobRole"]
    assert container["executionRoleArn"] == config["executionRole"]
    document = boto3.client("iam").get_role_policy(
        RoleName=f"TowerForge-{environment.id}-InstanceRole", PolicyName="headnode"
    )["PolicyDocument"]
    assert "arn:aws:s3:::more" in json.dumps(document)
    assert not [row for row in environment.resources if row.key in ("head-role", "execution")]
    assert disposed(rig, environment).status == "DELETED"


def test_images_are_pinned_through_ssm_and_left_to_batch_without_its_permission(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws
) -> None:
    pinned = made(rig)
    work, head = environments(pinned.id)
    assert pinned.details["imageId"].startswith("ami-")
    assert work["ec2Configuration"][0]["imageIdOverride"] == pinned.details["imageId"]
    assert head["ec2Configuration"][0]["imageIdOverride"] == pinned.details["headImageId"]
    aws.faults.add("ssm", "GetParameters", kind="denied", times=None)
    left = made(rig)
    assert left.status == "AVAILABLE", left.message
    assert environments(left.id)[0]["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]


def test_gpus(rig: Rig) -> None:
    environment = made(rig, forge={"type": "EC2", "gpuEnabled": True, "instanceTypes": ["g4dn.xlarge"]})
    assert environment.status == "AVAILABLE", environment.message
    work, head = environments(environment.id)
    assert work["ec2Configuration"][0]["imageType"] == "ECS_AL2_NVIDIA"
    assert work["instanceTypes"] == ["g4dn.xlarge"]
    assert head["ec2Configuration"][0]["imageType"] == "ECS_AL2023"
    assert (work["allocationStrategy"], head["instanceTypes"]) == ("BEST_FIT_PROGRESSIVE", ["optimal"])


def test_graviton_with_fusion_and_a_head_job_on_fargate(rig: Rig, cloud: BatchCloud) -> None:
    forge = {"type": "SPOT", "arm64Enabled": True, "fargateHeadEnabled": True}
    rig.before = cloud.least({**cloud.config(), **FUSION, "forge": forge})
    environment = made(rig, forge=forge, **FUSION)
    assert environment.status == "AVAILABLE", environment.message
    work, head = environments(environment.id)
    assert work["instanceTypes"] == ["m6g", "r6g", "c6g"]
    assert (head["type"], "instanceRole" in head) == ("FARGATE", False)
    found = definition(environment.id)
    assert found["platformCapabilities"] == ["FARGATE"]
    assert found["containerProperties"]["executionRoleArn"]
    assert template(environment.id)["BlockDeviceMappings"][0]["Ebs"]["Throughput"] == 325
    assert cloud.refused() == []


def test_fast_disks_and_growing_disks(rig: Rig) -> None:
    fast = made(
        rig, forge={"type": "SPOT", "instanceTypes": ["c5d.2xlarge"]}, nvnmeStorageEnabled=True, **FUSION
    )
    assert fast.status == "AVAILABLE", fast.message
    assert "/scratch/fusion" in base64.b64decode(template(fast.id)["UserData"]).decode()
    growing = made(rig, forge={"type": "SPOT", "ebsAutoScale": True, "ebsBlockSize": 90})
    assert growing.status == "AVAILABLE", growing.message
    disks = template(growing.id)["BlockDeviceMappings"]
    assert [(each["DeviceName"], each["Ebs"]["VolumeSize"]) for each in disks] == [
        ("/dev/xvda", 50),
        ("/dev/xvdba", 90),
    ]
    policies = boto3.client("iam").list_role_policies(RoleName=f"TowerForge-{growing.id}-InstanceRole")[
        "PolicyNames"
    ]
    assert "disk" in policies


def test_the_users_tags_are_on_everything(rig: Rig, aws: EmulatedAws) -> None:
    labels = {"team": "x", "cost centre": "42"}
    forge = {"type": "SPOT", "efsCreate": True, "fsxSize": 1200, "allocStrategy": "BEST_FIT"}
    environment = made(rig, forge=forge, labels=labels)
    assert environment.status == "AVAILABLE", environment.message
    run = rig.submit(environment)
    rig.drain(0)
    batch, ec2, iam = (boto3.client(name, REGION) for name in ("batch", "ec2", "iam"))
    carried = [each["tags"] for each in batch.describe_job_queues()["jobQueues"]]
    carried += [each["tags"] for each in batch.describe_compute_environments()["computeEnvironments"]]
    carried += [definition(environment.id)["tags"]]
    carried += [each.tags for each in (*aws.efs.systems.all, *aws.fsx.systems.all)]
    job = aws.batch.jobs.all[rig.get_run(run).last.machine_id]  # type: ignore[union-attr]
    carried += [job.tags]
    assert job.body["propagateTags"] is True
    assert definition(environment.id)["propagateTags"] is True
    for role in iam.list_roles()["Roles"]:
        carried += [pairs(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])]
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        shown = iam.get_instance_profile(InstanceProfileName=profile["InstanceProfileName"])
        carried += [pairs(shown["InstanceProfile"]["Tags"])]
    carried += [pairs(each["Tags"]) for each in ec2.describe_launch_templates()["LaunchTemplates"]]
    carried += [
        pairs(each["Tags"])
        for each in ec2.describe_security_groups()["SecurityGroups"]
        if each["GroupName"] != "default"
    ]
    carried += [pairs(each["Tags"]) for each in template(environment.id)["TagSpecifications"]]
    assert len(carried) >= 16
    assert all(labels.items() <= each.items() for each in carried), carried


def pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in tags}


def test_in_manual_mode_nothing_of_the_users_is_changed(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws
) -> None:
    helper = made(rig)
    assert helper.status == "AVAILABLE"
    config = {
        "forge": None,
        "headQueue": f"TowerForge-{helper.id}-head",
        "computeQueue": f"arn:aws:batch:{REGION}:123456789012:job-queue/TowerForge-{helper.id}-work",
        "headJobRole": role_of_mine("mine-head"),
        "computeJobRole": role_of_mine("mine-compute"),
        "executionRole": role_of_mine("mine-execution"),
    }
    before = account_of(aws)
    rig.before = cloud.least({**cloud.config(), **config})
    manual = made(rig, **config)
    assert manual.status == "AVAILABLE", manual.message
    run = rig.submit(manual)
    rig.drain(0)
    cloud.keep(run)
    rig.work(run)
    rig.drain(60)
    assert rig.get_run(run).status == "SUCCEEDED", rig.get_run(run).error_message
    container = definition(manual.id)["containerProperties"]
    assert (container["jobRoleArn"], container["executionRoleArn"]) == (
        config["headJobRole"],
        config["executionRole"],
    )
    assert disposed(rig, manual).status == "DELETED"
    assert account_of(aws) == before
    assert cloud.refused() == []


def account_of(aws: EmulatedAws) -> dict[str, Any]:
    """Everything that exists, in full."""
    batch, ec2, iam = (boto3.client(name, REGION) for name in ("batch", "ec2", "iam"))
    found: dict[str, Any] = {
        "queues": batch.describe_job_queues()["jobQueues"],
        "environments": batch.describe_compute_environments()["computeEnvironments"],
        "definitions": batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "things": sorted(things(aws)),
    }
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        tags, inline = iam.list_role_tags(RoleName=name)["Tags"], iam.list_role_policies(RoleName=name)
        found[name] = (
            tags,
            inline["PolicyNames"],
            iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        )
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]


def test_references_of_manual_mode_are_held_against_the_account(rig: Rig, aws: EmulatedAws) -> None:
    trusted_by_ec2 = json.dumps(TRUST).replace("ecs-tasks", "ec2")
    iam = boto3.client("iam")
    other = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trusted_by_ec2)["Role"]["Arn"]
    environment = made(
        rig,
        30,
        forge=None,
        headQueue="none",
        computeQueue="arn:aws:batch:us-east-1:123456789012:job-queue/far",
        headJobRole=other,
        executionRole="arn:aws:iam::123456789012:role/nobody",
    )
    assert environment.status == "ERRORED"
    for said in (
        "headQueue: none does not exist",
        "computeQueue: arn:aws:batch:us-east-1:123456789012:job-queue/far is in us-east-1, not in eu-west-1",
        "does not trust ecs-tasks.amazonaws.com",
        "executionRole: arn:aws:iam::123456789012:role/nobody does not exist",
    ):
        assert said in environment.message
    assert environment.resources == ()


def test_a_policy_restricted_by_tags_works_and_a_missing_tag_is_said_before(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws
) -> None:
    with pytest.raises(Invalid, match="the tag team=x, which requiredTags asks for, is missing"):
        rig.environment(requiredTags={"team": "x"})
    config = {"requiredTags": {"team": "x"}, "labels": {"team": "x"}}
    rig.before = cloud.least({**cloud.config(), **config})
    environment = made(rig, **config)
    assert environment.status == "AVAILABLE", environment.message
    label = Label(id="7", workspace_id=0, name="team", value="y", resource=True)
    rig.world.store.save(label)
    with pytest.raises(Invalid, match="the tag team=x, which requiredTags asks for, is y"):
        submit_run(
            rig.world,
            workspace_id=0,
            user_id=1,
            owner="o",
            environment=environment,
            launch={},
            label_ids=(7,),
        )
    run = rig.submit(environment)
    rig.drain(0)
    assert rig.get_run(run).last.machine_id in aws.batch.jobs.all  # type: ignore[union-attr]
    assert cloud.refused() == []
    # The same policy refuses what carries another value: it is really judged.
    aws.batch.places.find("job-queue", REGION, f"TowerForge-{environment.id}-head").tags["team"] = "y"  # type: ignore[union-attr]
    refused = rig.submit(environment)
    rig.drain(0)
    assert "permission missing: batch:SubmitJob" in (rig.get_run(refused).error_message or "")


def test_resource_labels_of_the_environment_are_tags_of_what_is_made(rig: Rig) -> None:
    rig.world.store.save(Label(id="7", workspace_id=0, name="team", value="x", resource=True))
    environment = create_environment(
        rig.world,
        workspace_id=0,
        user_id=1,
        name="labelled",
        description="",
        platform="aws-batch",
        credentials_id=rig.credentials(),
        config=rig.cloud.config(),
        label_ids=(7,),
    )
    rig.drain(120)
    (queue, *_) = boto3.client("batch", REGION).describe_job_queues()["jobQueues"]
    assert rig.get_environment(environment).status == "AVAILABLE"
    assert queue["tags"]["team"] == "x"
