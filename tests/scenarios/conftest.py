"""A control plane against the emulated AWS, with a clock that the test owns."""

from types import SimpleNamespace

import boto3
import pytest

from shared.model.settings import Settings
from tests.clock import FakeClock
from tests.scenarios.rig import Rig, SeededIds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture(autouse=True)
def sdk_pauses(clock, monkeypatch) -> None:
    """The SDK's pauses between its own retries pass on the test's clock."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=clock.advance))


@pytest.fixture
def rig(aws, tmp_path, clock, request) -> Rig:
    """A control plane whose cloud is the strict emulator; machines are played by the test."""
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="rig-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    settings = Settings(installation="rig", api_url="http://127.0.0.1:9")
    return Rig(tmp_path / "data", settings, clock, SeededIds(request.node.name))


@pytest.fixture
def ec2(aws):
    return boto3.client("ec2", region_name="eu-west-1")


@pytest.fixture
def ready(rig):
    """An environment that is AVAILABLE."""
    environment = rig.environment()
    rig.drain(30)
    found = rig.get_environment(environment)
    assert found.status == "AVAILABLE", found.message or found.wait
    return found
