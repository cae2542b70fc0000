"""Limits of the real services that moto does not keep. Each of these calls passes on moto alone."""

import json
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws
from local.clouds.aws.images import image_id
from tests.unit.clouds.test_machines import hosted

IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")


def client(service: str = "ec2", **more: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return boto3.client(service, config=config, **more)


def refused(call: Callable[..., Any], **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return caught.value.response["Error"]["Code"]


def launch(**changes: Any) -> dict[str, Any]:
    return {"ImageId": IMAGE, "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1} | changes


def tagged(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in pairs]}]


def volume(**ebs: Any) -> list[dict[str, Any]]:
    return [{"DeviceName": "/dev/xvda", "Ebs": ebs}]


LAUNCHES = [
    ({"TagSpecifications": tagged(("k", "v" * 257))}, "InvalidParameterValue"),
    ({"TagSpecifications": tagged(("k" * 129, "v"))}, "InvalidParameterValue"),
    ({"TagSpecifications": tagged(("aws:k", "v"))}, "InvalidParameterValue"),
    ({"TagSpecifications": tagged(("k", "1"), ("k", "2"))}, "InvalidParameterValue"),
    ({"BlockDeviceMappings": volume(VolumeType="gp9", VolumeSize=50)}, "InvalidParameterValue"),
    ({"BlockDeviceMappings": volume(VolumeType="gp3", VolumeSize=70_000)}, "InvalidParameterValue"),
    ({"BlockDeviceMappings": volume(VolumeType="gp3", VolumeSize=1)}, "InvalidBlockDeviceMapping"),
    ({"MinCount": 2}, "InvalidParameterValue"),
    ({"InstanceInitiatedShutdownBehavior": "explode"}, "InvalidParameterValue"),
]


@pytest.mark.parametrize(("changes", "code"), LAUNCHES)
def test_a_launch_beyond_the_limits_is_refused(aws: EmulatedAws, changes: dict[str, Any], code: str):
    assert refused(client().run_instances, **launch(**changes)) == code


def test_the_same_tag_on_machine_and_volume_is_no_duplicate(aws: EmulatedAws):
    both = [*tagged(("k", "v")), {"ResourceType": "volume", "Tags": [{"Key": "k", "Value": "v"}]}]

    assert client().run_instances(**launch(TagSpecifications=both))["Instances"]


def test_a_group_of_another_network_is_refused(aws: EmulatedAws):
    ec2 = client()
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]

    assert refused(ec2.run_instances, **launch(SecurityGroupIds=[group])) == "InvalidParameter"


@pytest.mark.parametrize("size", [4, 1001])
def test_pages_have_their_limits(aws: EmulatedAws, size: int):
    assert refused(client().describe_instances, MaxResults=size) == "InvalidParameterValue"


def test_ids_must_look_like_ids_and_exist(aws: EmulatedAws):
    ec2, tag = client(), [{"Key": "a", "Value": "b"}]

    assert refused(ec2.terminate_instances, InstanceIds=["nonsense"]) == "InvalidInstanceID.Malformed"
    assert (
        refused(ec2.create_tags, Resources=["i-0123456789abcdef0"], Tags=tag) == "InvalidInstanceID.NotFound"
    )


def test_a_new_machine_may_not_be_shown_yet(aws: EmulatedAws):
    aws.life.unseen = 0.3
    ec2 = client()
    asked = launch(ClientToken="run-1")
    id = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]

    assert ec2.describe_instances()["Reservations"] == []
    assert refused(ec2.describe_instances, InstanceIds=[id]) == "InvalidInstanceID.NotFound"
    assert refused(ec2.terminate_instances, InstanceIds=[id]) == "InvalidInstanceID.NotFound"
    assert ec2.run_instances(**asked)["Instances"][0]["InstanceId"] == id
    until = time.monotonic() + 5
    while not ec2.describe_instances()["Reservations"]:
        assert time.monotonic() < until
    assert ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"]


def test_names_of_roles_have_their_limits(aws: EmulatedAws):
    create, trust = client("iam").create_role, '{"Version": "2012-10-17", "Statement": []}'

    assert refused(create, RoleName="r" * 65, AssumeRolePolicyDocument=trust) == "ValidationError"
    assert refused(create, RoleName="a/b", AssumeRolePolicyDocument=trust) == "ValidationError"
    assert (
        refused(create, RoleName="r", AssumeRolePolicyDocument='{"Statement":') == "MalformedPolicyDocument"
    )


def test_inline_policies_have_a_common_size_limit(aws: EmulatedAws):
    iam = client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    buckets = [f"arn:aws:s3:::{'b' * 60}{number}" for number in range(80)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": buckets}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    iam.put_role_policy(RoleName="r", PolicyName="one", PolicyDocument=document)
    iam.put_role_policy(RoleName="r", PolicyName="one", PolicyDocument=document)
    assert (
        refused(iam.put_role_policy, RoleName="r", PolicyName="two", PolicyDocument=document)
        == "LimitExceeded"
    )


DAY = 86_400_000
BATCHES = [
    [{"timestamp": 1, "message": ""}],
    [{"timestamp": 1, "message": "x" * 300_000}] * 4,
    [{"timestamp": 1, "message": "x"}] * 10_001,
    [{"timestamp": 1, "message": "x"}, {"timestamp": 2 + DAY, "message": "x"}],
    [{"timestamp": 2, "message": "x"}, {"timestamp": 1, "message": "x"}],
]


@pytest.mark.parametrize(
    "batch", BATCHES, ids=["empty line", "too large", "too many", "too long", "out of order"]
)
def test_batches_of_log_lines_have_their_limits(aws: EmulatedAws, batch: list[dict[str, Any]]):
    logs, now = client("logs"), int(time.time() * 1000) - 2 * DAY
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    events = [event | {"timestamp": now + event["timestamp"]} for event in batch]

    asked = {"logGroupName": "g", "logStreamName": "s", "logEvents": events}
    assert refused(logs.put_log_events, **asked) == "InvalidParameterException"


def test_a_stream_that_is_not_there_is_said_so(aws: EmulatedAws):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")

    assert refused(logs.get_log_events, logGroupName="g", logStreamName="s") == "ResourceNotFoundException"


def test_a_bucket_is_reached_through_its_own_region(aws: EmulatedAws):
    far = client("s3", region_name="eu-west-1")
    far.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    assert client("s3").head_bucket(Bucket="far-away")["BucketRegion"] == "eu-west-1"
    assert [entry.status for entry in aws.journal.entries("s3", "HeadBucket")] == [301, 200]


def test_tests_stay_on_this_machine():
    with socket.socket() as outside, pytest.raises(PermissionError, match="stay on this machine"):
        outside.connect(("192.0.2.1", 80))


def test_only_one_may_run_in_a_process(aws: EmulatedAws):
    with pytest.raises(RuntimeError, match="one emulated AWS per process"):
        EmulatedAws(machines=False).start()


def test_it_serves_by_itself_until_it_is_told_to_stop():
    with hosted("from local.clouds.aws import serve; serve(port=0)") as host:
        assert host.stdout is not None
        url = host.stdout.readline().strip().removeprefix("export AWS_ENDPOINT_URL=")
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}

        assert client("sts", endpoint_url=url, **keys).get_caller_identity()["Account"] == "123456789012"
        host.send_signal(signal.SIGTERM)
        assert host.wait(10) == 0
