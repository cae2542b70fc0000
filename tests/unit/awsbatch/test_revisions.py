"""The head job's definition in AWS Batch: a revision is used again while it is what the environment wants."""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Refused, Retry
from shared.model.environment import Environment, ResourceRow
from shared.model.settings import Settings
from shared.providers.aws.batch.cloud import AwsBatch
from shared.providers.aws.clients import Clients
from tests.clock import FakeClock

REGION = "eu-west-1"
CONFIG = {"region": REGION, "workDir": "s3://work-bucket/work", "headQueue": "mine", "computeQueue": "work"}


def made(installation: str = "this", **config: Any) -> tuple[AwsBatch, ResourceRow]:
    place = Environment(id="3nv1", name="batch", platform="aws-batch", config={**CONFIG, **config})
    clients = Clients(None, REGION, tries=1)
    provider = AwsBatch(place, clients, Settings(installation=installation), FakeClock())
    (only,) = provider.resources()
    return provider, ResourceRow(key=only.key, type=only.type, name=only.name)


def ensured(**config: Any) -> str:
    provider, row = made(**config)
    return provider.ensure(row, {}).cloud_id


def revisions(status: str = "ACTIVE") -> list[int]:
    found = boto3.client("batch", REGION).describe_job_definitions(status=status)["jobDefinitions"]
    return sorted(each["revision"] for each in found)


def test_the_same_environment_takes_the_revision_that_is_there(aws: EmulatedAws) -> None:
    first = ensured()
    assert first.endswith(":1")
    assert ensured() == first
    assert len(aws.journal.entries("batch", "RegisterJobDefinition")) == 1


def test_another_size_makes_a_revision_and_retires_the_one_before(aws: EmulatedAws) -> None:
    ensured()
    assert ensured(headJobCpus=4).endswith(":2")
    assert (revisions(), revisions("INACTIVE")) == ([2], [1])
    assert ensured(headJobCpus=4).endswith(":2")


def test_the_size_of_before_is_a_new_revision_again(aws: EmulatedAws) -> None:
    for cpus in (2, 4, 2):
        newest = ensured(headJobCpus=cpus)
    assert newest.endswith(":3")
    assert revisions() == [3]


def test_whatever_a_crash_left_in_use_is_retired(aws: EmulatedAws) -> None:
    ensured()
    aws.faults.add("batch", "DeregisterJobDefinition", kind="reset-before", times=1)
    with pytest.raises(Retry, match="DeregisterJobDefinition"):
        ensured(headJobCpus=4)
    assert revisions() == [1, 2]
    assert ensured(headJobCpus=4).endswith(":2")
    assert revisions() == [2]
    provider, row = made(headJobCpus=4)
    assert provider.remove(row)
    assert (revisions(), revisions("INACTIVE")) == ([], [1, 2])


def test_a_definition_of_that_name_that_is_not_ours_is_left_alone(aws: EmulatedAws) -> None:
    ensured()
    provider, row = made("that")
    with pytest.raises(Refused, match="is not ours"):
        provider.ensure(row, {})
    with pytest.raises(Refused, match="is not ours"):
        provider.remove(row)
    assert revisions() == [1]
