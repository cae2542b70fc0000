"""RunInstances is as strict as EC2's. Each of these fails on moto alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws
from local.clouds.aws.images import image_id

IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")
ARM = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-arm64")


def client(service: str = "ec2", **more: Any) -> Any:
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **more)


def order(ec2: Any, **changes: Any) -> list[str]:
    asked = {"ImageId": IMAGE, "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1} | changes
    return [machine["InstanceId"] for machine in ec2.run_instances(**asked)["Instances"]]


def refused(**changes: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as caught:
        order(client(), **changes)
    return caught.value.response["Error"]


def count() -> int:
    return sum(len(r["Instances"]) for r in client().describe_instances()["Reservations"])


def test_same_token_and_parameters_are_the_same_machines(aws: EmulatedAws):
    ec2 = client()

    first = order(ec2, ClientToken="run-1", MinCount=2, MaxCount=2)
    again = order(ec2, ClientToken="run-1", MinCount=2, MaxCount=2)

    assert again == first
    assert count() == 2


def test_tokens_hold_when_the_same_request_comes_many_times_at_once(aws: EmulatedAws):
    ec2 = client()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: order(ec2, ClientToken="run-1"), range(16)))

    assert len({machine for machines in found for machine in machines}) == 1
    assert count() == 1


def test_an_answer_again_has_todays_state(aws: EmulatedAws):
    ec2 = client()
    asked = {
        "ImageId": IMAGE,
        "InstanceType": "m6i.large",
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": "run-1",
    }

    states = [ec2.run_instances(**asked)["Instances"][0]["State"]["Name"] for _ in range(2)]

    assert states == ["pending", "running"]


def test_same_token_with_other_parameters_is_refused(aws: EmulatedAws):
    order(client(), ClientToken="run-1")

    error = refused(ClientToken="run-1", InstanceType="m6i.xlarge")

    assert error["Code"] == "IdempotentParameterMismatch"
    assert count() == 1


def test_token_of_a_terminated_machine_is_refused(aws: EmulatedAws):
    client().terminate_instances(InstanceIds=order(client(), ClientToken="run-1"))

    assert refused(ClientToken="run-1")["Code"] == "IdempotentInstanceTerminated"


def test_token_in_another_zone_is_another_machine(aws: EmulatedAws):
    ec2 = client()
    here, there = (subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2])

    first = order(ec2, ClientToken="run-1", SubnetId=here)
    other = order(ec2, ClientToken="run-1", SubnetId=there)

    assert first != other


def test_token_in_another_region_is_another_machine(aws: EmulatedAws):
    far = image_id("eu-west-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")

    first = order(client(), ClientToken="run-1")

    assert order(client(region_name="eu-west-1"), ClientToken="run-1", ImageId=far) != first


def test_token_of_a_refused_request_is_still_free(aws: EmulatedAws):
    assert refused(ClientToken="run-1", InstanceType="m6i.enormous")["Code"] == "InvalidParameterValue"

    assert order(client(), ClientToken="run-1")


def test_a_known_token_answers_even_when_there_is_no_capacity_left(aws: EmulatedAws):
    first = order(client(), ClientToken="run-1")
    aws.faults.no_capacity()

    assert order(client(), ClientToken="run-1") == first
    assert refused(ClientToken="run-2")["Code"] == "InsufficientInstanceCapacity"


WRONG = [
    (
        {"InstanceType": "m6i.enormous"},
        "InvalidParameterValue",
        "Invalid value 'm6i.enormous' for InstanceType",
    ),
    ({"UserData": "x" * 16_385}, "InvalidParameterValue", "User data is limited to 16384 bytes"),
    ({"ClientToken": "x" * 65}, "InvalidParameterValue", "token"),
    ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound", "does not exist"),
    ({"InstanceType": "m7g.large"}, "InvalidParameterValue", "architecture 'arm64'"),
    ({"ImageId": ARM}, "InvalidParameterValue", "architecture 'x86_64'"),
    ({"KeyName": "none"}, "InvalidKeyPair.NotFound", "'none'"),
    ({"IamInstanceProfile": {"Name": "none"}}, "InvalidParameterValue", "Invalid IAM Instance Profile name"),
    (
        {"IamInstanceProfile": {"Arn": "arn:none"}},
        "InvalidParameterValue",
        "Invalid IAM Instance Profile ARN",
    ),
    ({"SubnetId": "subnet-none"}, "InvalidSubnetID.NotFound", "subnet-none"),
    ({"SecurityGroupIds": ["sg-none"]}, "InvalidGroup.NotFound", "sg-none"),
]


@pytest.mark.parametrize(("changes", "code", "said"), WRONG)
def test_a_wrong_request_is_refused(aws: EmulatedAws, changes: dict[str, Any], code: str, said: str):
    error = refused(**changes)

    assert error["Code"] == code
    assert said in error["Message"]
    assert count() == 0


@pytest.mark.parametrize(
    "changes", [{"UserData": "x" * 16_384}, {"ImageId": ARM, "InstanceType": "m7g.large"}]
)
def test_what_is_just_right_is_accepted(aws: EmulatedAws, changes: dict[str, Any]):
    assert order(client(), **changes)


def make_profile(name: str) -> None:
    iam = client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def test_a_profile_cannot_be_used_right_after_it_was_made(aws: EmulatedAws):
    aws.profiles.delay = 3600
    make_profile("fresh")

    error = refused(IamInstanceProfile={"Name": "fresh"})
    aws.profiles.delay = 0

    assert error["Code"] == "InvalidParameterValue"
    assert "Invalid IAM Instance Profile name" in error["Message"]
    assert order(client(), IamInstanceProfile={"Name": "fresh"})


def test_a_profile_without_a_role_is_refused(aws: EmulatedAws):
    client("iam").create_instance_profile(InstanceProfileName="empty")

    assert "has no associated IAM Roles" in refused(IamInstanceProfile={"Name": "empty"})["Message"]


def test_the_newest_plain_image_is_among_look_alikes(aws: EmulatedAws):
    images = client().describe_images(Owners=["amazon"])["Images"]
    plain = [image for image in images if image["Name"].startswith("al2023-ami-2023.")]

    newest = max(images, key=lambda image: image["CreationDate"])
    assert {image["Architecture"] for image in plain} == {"x86_64", "arm64"}
    assert {image["OwnerId"] for image in plain} == {"137112412989"}
    assert newest not in plain


def test_a_region_has_a_default_network(aws: EmulatedAws):
    ec2 = client(region_name="eu-west-1")

    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]

    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == len(subnets) >= 2


@pytest.mark.parametrize(
    "name", ["CloudWatchAgentServerPolicy", "AmazonS3ReadOnlyAccess", "AmazonEC2ContainerRegistryPullOnly"]
)
def test_amazons_own_policies_can_be_attached(aws: EmulatedAws, name: str):
    make_profile("role")
    iam = client("iam")

    iam.attach_role_policy(RoleName="role", PolicyArn=f"arn:aws:iam::aws:policy/{name}")

    (found,) = iam.list_attached_role_policies(RoleName="role")["AttachedPolicies"]
    assert found["PolicyName"] == name
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.attach_role_policy(RoleName="role", PolicyArn=f"arn:aws:iam::aws:policy/{name}Nonsense")


def test_a_role_in_use_cannot_be_deleted(aws: EmulatedAws):
    make_profile("role")
    iam = client("iam")
    iam.attach_role_policy(RoleName="role", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="role", PolicyName="inline", PolicyDocument=document)
    steps = [
        lambda: iam.remove_role_from_instance_profile(InstanceProfileName="role", RoleName="role"),
        lambda: iam.detach_role_policy(
            RoleName="role", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
        ),
        lambda: iam.delete_role_policy(RoleName="role", PolicyName="inline"),
    ]

    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_instance_profile(InstanceProfileName="role")
    for step in steps:
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_role(RoleName="role")
        step()
    iam.delete_role(RoleName="role")
