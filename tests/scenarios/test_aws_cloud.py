"""What only AWS Cloud has."""

import boto3
import pytest

from tests.scenarios.clouds import alive

pytestmark = pytest.mark.parametrize("cloud", ["aws"], indirect=True)


def test_all_faults_are_reported_together_each_naming_its_field(rig):
    environment = rig.environment(
        instanceType="m9z.absurd", imageId="ami-00000000000000000", subnetIds=["subnet-00000000"]
    )
    rig.drain(30)

    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    for field in ("instanceType", "imageId", "subnetIds"):
        assert f"{field}:" in found.message
    assert found.resources == ()


def test_labels_are_tags_on_everything_and_never_replace_ours(rig, cloud):
    labels = {"team": "genomics", "headnode:run": "forged", "aws:x": "y", "Team": "twice"}
    environment = rig.environment(labels=labels)
    rig.drain(30)
    run = rig.submit(environment)
    rig.drain(0)

    (machine,) = alive(cloud)
    assert (machine.tags["Team"], machine.tags["headnode:run"]) == ("twice", run.id)
    role = boto3.client("iam").get_role(RoleName=f"TowerForge-{environment.id}-InstanceRole")["Role"]
    assert {"Key": "Team", "Value": "twice"} in role["Tags"]
    assert not {"team", "aws:x"} & {tag["Key"] for tag in role["Tags"]}


def test_an_instance_profile_that_ec2_cannot_see_yet_is_waited_for(rig, aws):
    aws.profiles.delay = 20.0
    environment = rig.environment()
    rig.drain(0)
    run = rig.submit(environment)
    rig.deliver()
    assert "profile" in (rig.get_run(run).wait.reason).lower()


def test_machines_answer_metadata_only_with_a_token(rig, ready, cloud):
    rig.submit(ready)
    rig.drain(0)
    (machine,) = cloud.instances()
    assert machine["MetadataOptions"]["HttpTokens"] == "required"


@pytest.mark.parametrize(
    ("step", "sid", "seen"),
    [
        ("create", "AwsCloudCreate", "ERRORED"),
        ("launch", "AwsCloudLaunchEC2", "FAILED"),
        ("launch", "AwsCloudCreatePassRole", "FAILED"),
    ],
)
def test_a_missing_permission_is_named_to_the_user(rig, cloud, step, sid, seen):
    """The check can fail: without the statement, the very step is refused."""
    rig.before = lambda each: cloud.enforce(each, sid if each == step else "")
    environment = rig.environment()
    rig.drain(30)
    found = rig.get_environment(environment)
    if seen == "ERRORED":
        assert found.status == "ERRORED"
        assert "iam:CreateRole" in found.message
        return
    run = rig.submit(environment)
    rig.drain(30)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "permission missing" in ended.error_message
    assert "ec2:RunInstances" in ended.error_message or "iam:PassRole" in ended.error_message
