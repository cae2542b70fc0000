"""An `aws-cloud` environment in the emulated AWS."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud
from tests.clock import FakeClock

REGION = "eu-west-1"
BUCKET = "work-bucket"
CONFIG = {"region": REGION, "workDir": f"s3://{BUCKET}/work"}

Bind = Callable[..., AwsCloud]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def clients(aws: EmulatedAws) -> Clients:
    return Clients(None, REGION, tries=1)


@pytest.fixture
def bucket(aws: EmulatedAws) -> str:
    boto3.client("s3", REGION).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return BUCKET


@pytest.fixture
def bind(clients: Clients, clock: FakeClock) -> Bind:
    """Makes a provider of an environment with these config fields."""

    def bound(details: dict[str, Any] | None = None, **config: Any) -> AwsCloud:
        return AwsCloud(environment(details, **config), clients, Settings(installation="this"), clock)

    return bound


def environment(details: dict[str, Any] | None = None, **config: Any) -> Environment:
    """A compute environment as the API stores it."""
    return Environment(
        id="3nvironment0000000001",
        name="aws",
        platform="aws-cloud",
        config={**CONFIG, **config},
        details=details or {},
        created_at=1_799_999_000.0,
    )
