"""RunInstances is as strict as EC2's. Each of these fails on moto alone."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws


def ec2(**more):
    return boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}), **more)


def image(client, architecture="x86_64"):
    found = client.describe_images(
        Owners=["amazon"],
        Filters=[{"Name": "name", "Values": ["al2023-ami-2023.*"]}, {"Name": "architecture", "Values": [architecture]}],
    )
    return max(found["Images"], key=lambda image: image["CreationDate"])["ImageId"]


def order(client, **changes):
    asked = {"ImageId": image(client), "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1} | changes
    return client.run_instances(**asked)["Instances"]


def refused(client, **changes):
    with pytest.raises(ClientError) as caught:
        order(client, **changes)
    return caught.value.response["Error"]


def test_same_token_and_parameters_are_one_machine(aws: EmulatedAws):
    client = ec2()

    first = order(client, ClientToken="run-1")
    again = order(client, ClientToken="run-1")

    assert [machine["InstanceId"] for machine in again] == [machine["InstanceId"] for machine in first]
    assert len(client.describe_instances()["Reservations"]) == 1


def test_same_token_with_other_parameters_is_refused(aws: EmulatedAws):
    client = ec2()
    order(client, ClientToken="run-1")

    assert refused(client, ClientToken="run-1", InstanceType="m6i.xlarge")["Code"] == "IdempotentParameterMismatch"


def test_token_of_a_terminated_machine_is_refused(aws: EmulatedAws):
    client = ec2()
    (machine,) = order(client, ClientToken="run-1")
    client.terminate_instances(InstanceIds=[machine["InstanceId"]])

    assert refused(client, ClientToken="run-1")["Code"] == "IdempotentInstanceTerminated"


def test_token_in_another_zone_is_another_machine(aws: EmulatedAws):
    client = ec2()
    here, there = (subnet["SubnetId"] for subnet in client.describe_subnets()["Subnets"][:2])

    first = order(client, ClientToken="run-1", SubnetId=here)
    other = order(client, ClientToken="run-1", SubnetId=there)

    assert first[0]["InstanceId"] != other[0]["InstanceId"]
