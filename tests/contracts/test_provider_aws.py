"""`aws-cloud` keeps the provider contract, against the emulated AWS through the real SDK."""

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Provider
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud
from tests.clock import FakeClock
from tests.contracts.provider_suite import Place, ProviderContract

REGION = "eu-west-1"


class TestAwsCloud(ProviderContract):
    @pytest.fixture
    def place(self, aws: EmulatedAws) -> Place:
        boto3.client("s3", REGION).create_bucket(
            Bucket="work-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        clients = Clients(None, REGION, tries=1)
        ec2 = boto3.client("ec2", REGION)

        def bound(installation: str, environment: Environment) -> Provider:
            return AwsCloud(environment, clients, Settings(installation=installation), FakeClock())

        return Place(
            provider=lambda environment: bound("this", environment),
            other=lambda environment: bound("that", environment),
            environment=Environment(
                id="3nvironment0000000001",
                name="aws",
                platform="aws-cloud",
                config={"region": REGION, "workDir": "s3://work-bucket/work"},
            ),
            end=lambda machine: ec2.terminate_instances(InstanceIds=[machine]),
        )
