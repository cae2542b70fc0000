"""Life on AWS Batch: Forge and the user's own queues, with the permissions of each step and no others."""

import json

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from tests.scenarios.clouds.aws import REGION
from tests.scenarios.clouds.batch import Batch
from tests.scenarios.conftest import batch
from tests.scenarios.wholelife import disposed, lived


@pytest.fixture
def cloud(aws: EmulatedAws, clock, monkeypatch) -> Batch:
    """Batch that takes a look or two for each change."""
    made = batch(aws, clock, monkeypatch)
    aws.batch.places.looks = 1
    return made


def test_a_whole_life_needs_nothing_but_the_steps_own_permissions(rig, cloud, aws):
    ended = lived(rig, placing=0)
    assert ended.status == "DELETED", ended.wait
    assert sorted(each.partition(" ")[0] for each in ended.receipt.removed) == sorted(cloud.made)
    assert cloud.refused() == []
    assert cloud.resources() == []
    assert all(job.status in ("SUCCEEDED", "FAILED") for job in aws.batch.jobs.all.values())


@pytest.mark.parametrize("sid", ["BatchEnvironmentManagement", "PassRolesToBatch", "HeadnodeTemplateTags"])
def test_a_missing_permission_ends_the_creation_and_is_named(rig, cloud, sid):
    rig.before = lambda step: cloud.enforce(step, sid if step == "create" else "")
    environment = rig.environment()
    rig.drain(60)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert "is not allowed" in found.message


def test_a_launch_that_is_delivered_twice_is_one_job(rig, cloud, aws, ready):
    run = rig.submit(ready)
    aws.faults.add("batch", "SubmitJob", kind="reset-after", times=1)
    rig.drain(60)
    names = [job.name for job in aws.batch.jobs.all.values()]
    assert names == [f"headnode-{run.id}-1"]
    assert rig.get_run(run).last.machine_id == next(iter(aws.batch.jobs.all))


def test_a_head_job_whose_node_is_lost_goes_on_as_another(rig, aws, ready):
    run = rig.submit(ready)
    rig.drain(0)
    rig.say(run, "boot")
    aws.batch.lose_node(rig.get_run(run).last.machine_id)
    for _ in range(4):
        rig.clock.advance(61)
        rig.tick()
    rig.drain(30)
    attempts = rig.get_run(run).attempts
    assert [each.number for each in attempts] == [1, 2]
    assert attempts[0].interrupted


@pytest.mark.parametrize("wanted", range(1, 12))
def test_whatever_was_made_by_then_is_disposed_of_in_the_only_order(rig, cloud, wanted):
    """The creation is stopped after so many resources; the emulator refuses every other order."""
    environment = rig.environment()
    found = rig.get_environment(environment)
    for _ in range(200):
        if sum(row.state == "present" for row in found.resources) >= wanted:
            break
        rig.deliver(1)
        rig.clock.advance(1)
        found = rig.get_environment(environment)
    ended = disposed(rig, found)
    assert ended.status == "DELETED", ended.wait
    assert cloud.resources() == []


def test_a_role_removed_by_hand_holds_the_disposal_up_until_it_is_back(rig, cloud, ready):
    iam, name = boto3.client("iam"), f"TowerForge-{ready.id}-ServiceRole"
    role = iam.get_role(RoleName=name)["Role"]
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)
    ended = disposed(rig, ready)
    assert ended.status == "DELETING"
    assert "is INVALID" in ended.wait.reason
    assert "cannot be assumed" in ended.wait.reason

    trust = json.dumps(role["AssumeRolePolicyDocument"])
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=role["Tags"])
    rig.drain(300)
    assert rig.get_environment(ready).status == "DELETED"
    assert cloud.resources() == []


def test_the_wall_of_50_queues_is_seen_before_anything_is_made(rig, aws):
    for number in range(49):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    environment = rig.environment()
    rig.drain(30)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert "2 job queues are needed and 1 of 50 are left" in found.message
    assert found.resources == ()


def test_queues_of_the_users_own_are_used_and_left_as_they_were(rig, aws):
    for name in ("mine-head", "mine-work"):
        aws.batch.places.stand(REGION, name)
    before = boto3.client("batch", REGION).describe_job_queues()["jobQueues"]
    environment = rig.environment(forge=None, headQueue="mine-head", computeQueue="mine-work")
    rig.drain(30)
    found = rig.get_environment(environment)
    assert found.status == "AVAILABLE", found.message
    assert [row.type for row in found.resources] == ["BatchJobDefinition"]
    run = rig.submit(environment)
    rig.drain(0)
    assert aws.batch.jobs.all[rig.get_run(run).last.machine_id].queue.name == "mine-head"
    rig.work(run)
    rig.drain(60)
    assert disposed(rig, environment).status == "DELETED"
    assert boto3.client("batch", REGION).describe_job_queues()["jobQueues"] == before
    writes = {each.action for each in aws.journal.entries() if each.service == "batch" and each.writes}
    assert not {each for each in writes if each.endswith(("JobQueue", "ComputeEnvironment"))}


def test_queues_that_are_not_there_are_named(rig):
    environment = rig.environment(forge=None, headQueue="none-head", computeQueue="none-work")
    rig.drain(30)
    message = rig.get_environment(environment).message
    assert "headQueue: none-head does not exist" in message
    assert "computeQueue: none-work does not exist" in message
