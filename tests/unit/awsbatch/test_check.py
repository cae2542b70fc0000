"""A config of AWS Batch held against the (emulated) account."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.providers.aws.batch.cloud import AwsBatch
from shared.providers.aws.clients import Clients
from tests.clock import FakeClock

REGION, BUCKET = "eu-west-1", "work-bucket"
Bind = Callable[..., AwsBatch]


@pytest.fixture
def bind(aws: EmulatedAws) -> Bind:
    place = {"LocationConstraint": REGION}
    boto3.client("s3", REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    clients = Clients(None, REGION, tries=1)

    def bound(forge: dict[str, Any] | None, **config: Any) -> AwsBatch:
        given = {"region": REGION, "workDir": f"s3://{BUCKET}/work", "forge": forge, **config}
        environment = Environment(id="e", name="batch", platform="aws-batch", config=given)
        return AwsBatch(environment, clients, Settings(installation="this"), FakeClock())

    return bound


@pytest.mark.parametrize(
    ("forge", "field", "said"),
    [
        ({"instanceTypes": ["m6i", "m9z.large", "z99"]}, "forge.instanceTypes", "m9z.large does not exist"),
        ({"imageId": "ami-00000000"}, "forge.imageId", "ami-00000000 does not exist"),
        ({"ec2KeyPair": "none"}, "forge.ec2KeyPair", "none does not exist"),
        ({"vpcId": "vpc-00000000"}, "forge.vpcId", "vpc-00000000 does not exist"),
        ({"subnets": ["subnet-00000000"]}, "forge.subnets", ""),
        ({"securityGroups": ["sg-00000000"]}, "forge.securityGroups", "sg-00000000 does not exist"),
    ],
)
def test_what_is_named_must_exist(bind: Bind, forge: dict[str, Any], field: str, said: str) -> None:
    found = bind({"type": "SPOT", **forge}).check()
    assert {fault.field for fault in found} == {field}
    assert said in found[0].message


def test_what_exists_is_taken(bind: Bind) -> None:
    boto3.client("ec2", REGION).create_key_pair(KeyName="mine")
    assert bind({"type": "EC2", "instanceTypes": ["m6i", "c6i.large"], "ec2KeyPair": "mine"}).check() == []


def test_the_number_of_queues_that_are_left_is_told(bind: Bind, aws: EmulatedAws) -> None:
    for number in range(48):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    assert bind({"type": "SPOT"}).check() == []
    for number in (48, 49):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    (fault,) = bind({"type": "SPOT"}).check()
    assert "2 job queues are needed and 0 of 50 are left in eu-west-1" in fault.message


def test_queues_of_our_own_earlier_try_do_not_count_against_us(bind: Bind, aws: EmulatedAws) -> None:
    for number in range(48):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    for name in ("TowerForge-e-head", "TowerForge-e-work"):
        aws.batch.places.make("job-queue", REGION, name, {})
    assert bind({"type": "SPOT"}).check() == []


def test_a_queue_that_takes_no_jobs_is_named(bind: Bind, aws: EmulatedAws) -> None:
    for name in ("head", "work"):
        aws.batch.places.make("job-queue", REGION, name, {}).status = "VALID"
    manual = bind(None, headQueue="head", computeQueue="work")
    assert manual.check() == []
    boto3.client("batch", REGION).update_job_queue(jobQueue="work", state="DISABLED")
    (fault,) = manual.check()
    assert (fault.field, "DISABLED" in fault.message) == ("computeQueue", True)


@pytest.mark.parametrize(
    ("forge", "config", "said"),
    [
        ({"instanceTypes": ["m6i"]}, {"nvnmeStorageEnabled": True}, "m6i has no fast disks"),
        ({"instanceTypes": ["g4dn.xlarge", "m6i.large"], "gpuEnabled": True}, {}, "m6i.large has no GPU"),
    ],
)
def test_types_have_what_was_asked_for(
    bind: Bind, forge: dict[str, Any], config: dict[str, Any], said: str
) -> None:
    fusion = {"waveEnabled": True, "fusion2Enabled": True}
    (fault,) = bind({"type": "SPOT", **forge}, **fusion, **config).check()
    assert (fault.field, said in fault.message) == ("forge.instanceTypes", True)


def test_fast_disks_without_named_types_take_families_that_have_them(bind: Bind, aws: EmulatedAws) -> None:
    fusion = {"waveEnabled": True, "fusion2Enabled": True, "nvnmeStorageEnabled": True}
    for forge in ({}, {"arm64Enabled": True, "fargateHeadEnabled": True}):
        assert bind({"type": "SPOT", **forge}, **fusion).check() == []


def test_a_plan_says_how_many_queues_are_left(bind: Bind, aws: EmulatedAws) -> None:
    for number in range(7):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    (note,) = bind({"type": "SPOT"}).details()["notes"]
    assert note == "43 of 50 job queues are left in eu-west-1; this takes 2"
    (note,) = bind({"type": "SPOT", "shareQueues": True}).details()["notes"]
    assert note.endswith("with all environments of the same specification")
