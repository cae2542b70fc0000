"""The whole life with the permissions of each step enforced: the evaluator in the emulated AWS judges
every request by the policy of the step that makes it, and refuses whatever is not in it."""

import json

import boto3
import pytest

from shared.providers.aws.permissions import BY_STEP, policy
from shared.steps import environments, runs
from tests.scenarios.rig import KEYS, machines


def for_work_dir(step: str) -> dict:
    """The step's policy with the work directory put in, as people do."""
    return json.loads(json.dumps(policy(step)).replace("<BUCKET_NAME>/WORKDIR", "rig-bucket/work"))


@pytest.fixture
def enforced(rig, aws):
    """Each message is delivered with the permissions of its step and no others."""
    aws.enforce(KEYS["accessKey"])
    rig.before = lambda step: aws.enforce(KEYS["accessKey"], for_work_dir(step))
    return rig


def refused(aws) -> list[str]:
    """The signed calls that were refused. An unsigned one asks for no permission: it learns a bucket's
    region from the refusal."""
    return [
        str(each)
        for each in aws.journal.entries()
        if each.status in (401, 403) and each.principal != "anonymous"
    ]


def uploaded(run) -> None:
    """What a runner does before it says its end."""
    key = f"work/nf-{run.id}.txt"
    boto3.client("s3", region_name="eu-west-1").put_object(Bucket="rig-bucket", Key=key, Body=b"done\n")


def test_a_whole_life_needs_nothing_but_the_steps_own_permissions(enforced, aws, ec2):
    rig = enforced
    environment = rig.environment(spot="first", ec2KeyPair="")
    rig.drain(30)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment).message
    for ending in ({"exit_status": 0}, {"error": "interrupted"}, {"exit_status": 1}):
        run = rig.submit(environment)
        rig.drain(0)
        rig.say(run, "boot")
        uploaded(run)
        rig.say(run, "end", **ending)
        rig.drain(30)
        if ending.get("error"):
            rig.say(run, "end", exit_status=0)
            rig.drain(30)
        assert rig.get_run(run).is_over

    orphan = rig.submit(environment)
    rig.drain(0)
    rig.world.store.remove(type(orphan), [orphan.id])
    rig.tick()
    rig.clock.advance(rig.settings.orphan_grace + 1)
    rig.tick()
    assert machines(ec2) == []

    cancelled = rig.submit(environment)
    rig.drain(0)
    runs.cancel_run(rig.world, rig.get_run(cancelled))
    rig.drain(60)
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(60)

    assert rig.get_environment(environment).status == "DELETED", rig.get_environment(environment).wait
    assert refused(aws) == []


@pytest.mark.parametrize(
    ("step", "sid", "seen"),
    [
        ("create", "AwsCloudCreate", "ERRORED"),
        ("launch", "AwsCloudLaunchEC2", "FAILED"),
        ("launch", "AwsCloudCreatePassRole", "FAILED"),
    ],
)
def test_a_missing_permission_is_named_to_the_user(rig, aws, step, sid, seen):
    """The check can fail: without the statement, the very step is refused."""
    policies = {each: for_work_dir(each) for each in BY_STEP}
    policies[step]["Statement"] = [each for each in policies[step]["Statement"] if each["Sid"] != sid]
    rig.before = lambda step: aws.enforce(KEYS["accessKey"], policies[step])
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


def test_a_removal_that_is_refused_waits_with_the_reason_and_goes_on(rig, aws, ready):
    allowed = {each: for_work_dir(each) for each in BY_STEP}
    nothing = {"Version": "2012-10-17", "Statement": []}
    rig.before = lambda step: aws.enforce(KEYS["accessKey"], nothing if step == "dispose" else allowed[step])
    environments.dispose_environment(rig.world, ready)
    rig.drain(30)
    waiting = rig.get_environment(ready)
    assert waiting.status == "DELETING"
    assert waiting.wait is not None
    assert "iam:" in waiting.wait.reason

    rig.before = lambda step: aws.enforce(KEYS["accessKey"], allowed[step])
    rig.drain(900, step=60)
    assert rig.get_environment(ready).status == "DELETED"
    iam = boto3.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=f"TowerForge-{ready.id}-InstanceRole")


def test_without_a_policy_nothing_runs(rig, aws):
    aws.enforce(KEYS["accessKey"])
    environment = rig.environment()
    rig.drain(30)
    assert rig.get_environment(environment).status == "ERRORED"
    assert refused(aws)
