"""`aws-batch` keeps the provider contract, against the emulated AWS through the real SDK."""

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Provider
from shared.providers.aws.batch.cloud import AwsBatch
from shared.providers.aws.clients import Clients
from tests.clock import FakeClock
from tests.contracts.provider_suite import Place, ProviderContract

REGION = "eu-west-1"
KINDS = {
    "spot": {"type": "SPOT"},
    "on demand": {"type": "EC2"},
    "best fit": {"type": "SPOT", "allocStrategy": "BEST_FIT"},
    "fargate": {"type": "SPOT", "fargateHeadEnabled": True},
    "file systems": {"type": "SPOT", "efsCreate": True, "fsxSize": 1200},
}


class TestAwsBatch(ProviderContract):
    @pytest.fixture(params=KINDS)
    def place(self, aws: EmulatedAws, request: pytest.FixtureRequest) -> Place:
        boto3.client("s3", REGION).create_bucket(
            Bucket="work-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        clients = Clients(None, REGION, tries=1)

        def bound(installation: str, environment: Environment) -> Provider:
            return AwsBatch(environment, clients, Settings(installation=installation), FakeClock())

        return Place(
            provider=lambda environment: bound("this", environment),
            other=lambda environment: bound("that", environment),
            environment=Environment(
                id="3nvironment0000000001",
                name="batch",
                platform="aws-batch",
                config={
                    "region": REGION,
                    "workDir": "s3://work-bucket/work",
                    "waveEnabled": True,
                    "fusion2Enabled": True,
                    "forge": KINDS[request.param],
                },
            ),
            end=aws.batch.jobs.end,
        )
