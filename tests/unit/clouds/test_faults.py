"""Bad days are scripted: which call, how, how often; and the journal tells what happened."""

import time
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local.clouds.aws import EmulatedAws
from local.clouds.aws.images import image_id
from shared.model.records import encode

IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")


def client(service: str = "ec2") -> Any:
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def order(**changes: Any) -> str:
    """The error code of a launch, or "" when it was done."""
    asked = {"ImageId": IMAGE, "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1} | changes
    try:
        client().run_instances(**asked)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def count() -> int:
    return len(client().describe_instances()["Reservations"])


KINDS = [
    ("capacity", "InsufficientInstanceCapacity", 500),
    ("throttle", "RequestLimitExceeded", 503),
    ("5xx", "InternalError", 500),
    ("503", "Unavailable", 503),
    ("denied", "UnauthorizedOperation", 403),
    ("VcpuLimitExceeded", "VcpuLimitExceeded", 400),
]


@pytest.mark.parametrize(("kind", "code", "status"), KINDS)
def test_a_fault_refuses_and_nothing_is_done(aws: EmulatedAws, kind: str, code: str, status: int):
    aws.faults.add("ec2", "RunInstances", kind=kind)

    assert order() == code
    assert count() == 0
    assert aws.journal.entries("ec2", "RunInstances")[0].status == status
    assert order() == ""


def test_faults_strike_as_often_as_asked(aws: EmulatedAws):
    fault = aws.faults.add("ec2", "RunInstances", kind="throttle", times=3)

    assert [order() for _ in range(5)] == ["RequestLimitExceeded"] * 3 + ["", ""]
    assert fault.struck == 3


def test_a_fault_can_wait_for_the_nth_call(aws: EmulatedAws):
    aws.faults.add("ec2", "RunInstances", when=3, kind="5xx")

    assert [order() for _ in range(4)] == ["", "", "InternalError", ""]


def test_a_fault_can_look_at_the_call(aws: EmulatedAws):
    aws.faults.add(
        "ec2", "RunInstances", when=lambda call: call.params["InstanceType"] == "m6i.xlarge", times=None
    )

    assert [order(), order(InstanceType="m6i.xlarge"), order()] == ["", "InternalError", ""]


def test_capacity_is_by_type_place_and_market(aws: EmulatedAws):
    here, there = (subnet["SubnetId"] for subnet in client().describe_subnets()["Subnets"][:2])
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    aws.faults.no_capacity("m6i.large", here, spot=True)
    none = "InsufficientInstanceCapacity"

    assert order(SubnetId=here, **spot) == none
    assert order(SubnetId=here, **spot) == none
    assert order(SubnetId=here) == ""
    assert order(SubnetId=there, **spot) == ""
    assert order(SubnetId=here, InstanceType="m6i.xlarge", **spot) == ""


def test_a_wrong_request_is_found_wrong_before_capacity_is_looked_at(aws: EmulatedAws):
    aws.faults.no_capacity()

    assert order(InstanceType="m6i.enormous") == "InvalidParameterValue"


def test_a_connection_cut_before_the_work_leaves_nothing(aws: EmulatedAws):
    aws.faults.add("ec2", "RunInstances", kind="reset-before")

    with pytest.raises(ConnectionClosedError):
        order()

    assert count() == 0
    assert aws.journal.entries("ec2", "RunInstances")[0].status == 0


def test_a_connection_cut_after_the_work_leaves_a_machine_that_nobody_heard_of(aws: EmulatedAws):
    aws.faults.add("ec2", "RunInstances", kind="reset-after")

    with pytest.raises(ConnectionClosedError):
        order(ClientToken="run-1")

    assert count() == 1
    assert order(ClientToken="run-1") == ""
    assert count() == 1


def test_a_delay_holds_the_answer_back(aws: EmulatedAws):
    aws.faults.add("ec2", "DescribeInstances", kind="delay", seconds=0.15)
    begun = time.monotonic()

    client().describe_instances()

    assert time.monotonic() - begun >= 0.15


def test_other_services_throttle_in_their_own_words(aws: EmulatedAws):
    for service, call, code in (
        ("iam", "list_roles", "Throttling"),
        ("dynamodb", "list_tables", "ThrottlingException"),
        ("logs", "describe_log_groups", "ThrottlingException"),
        ("s3", "list_buckets", "SlowDown"),
    ):
        aws.faults.add(service, "*", kind="throttle")
        with pytest.raises(ClientError) as refused:
            getattr(client(service), call)()
        assert refused.value.response["Error"]["Code"] == code


def test_the_journal_names_every_call_and_counts_the_writes(aws: EmulatedAws):
    order()
    client("s3").create_bucket(Bucket="work-bucket")
    client("s3").put_object(Bucket="work-bucket", Key="a/b", Body=b"")
    client("s3").list_objects_v2(Bucket="work-bucket")
    client("sts").get_caller_identity()

    assert [str(entry) for entry in aws.journal.entries()] == [
        "ec2:RunInstances 200",
        "s3:CreateBucket 200",
        "s3:PutObject 200",
        "s3:ListObjectsV2 200",
        "sts:GetCallerIdentity 200",
    ]
    assert aws.journal.writes == 3
    assert aws.journal.entries("s3", "PutObject")[0].params["Key"] == "a/b"
    assert aws.journal.totals(since=3) == {"s3:ListObjectsV2": 1, "sts:GetCallerIdentity": 1}


S3_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("upload_part", "UploadPart", {"Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b""}),
    ("create_multipart_upload", "CreateMultipartUpload", {"Key": "k"}),
    ("copy_object", "CopyObject", {"Key": "k", "CopySource": "b-b/k"}),
    ("delete_object", "DeleteObject", {"Key": "k"}),
    ("delete_objects", "DeleteObjects", {"Delete": {"Objects": [{"Key": "k"}]}}),
    ("head_object", "HeadObject", {"Key": "a/b c"}),
    ("get_bucket_location", "GetBucketLocation", {}),
    ("head_bucket", "HeadBucket", {}),
    ("list_parts", "ListParts", {"Key": "k", "UploadId": "u"}),
]


@pytest.mark.parametrize(("call", "action", "parameters"), S3_CALLS)
def test_s3_calls_are_told_apart(aws: EmulatedAws, call: str, action: str, parameters: dict[str, Any]):
    aws.faults.add("s3", action, kind="5xx", times=None)

    with pytest.raises(ClientError):
        getattr(client("s3"), call)(Bucket="b-b", **parameters)

    assert [entry.action for entry in aws.journal.entries()] == [action]
    assert aws.journal.entries()[0].params.get("Key") == parameters.get("Key")


def control(aws: EmulatedAws, method: str, path: str, asked: Any = None) -> int:
    body = encode(asked) if asked is not None else None
    request = urllib.request.Request(f"{aws.url}/_cloud/{path}", body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_bad_days_can_be_scripted_from_another_process(aws: EmulatedAws):
    fault = {
        "service": "ec2",
        "action": "RunInstances",
        "when": {"InstanceType": "m6i.large"},
        "kind": "capacity",
    }

    assert control(aws, "POST", "faults", fault) == 200
    assert order() == "InsufficientInstanceCapacity"
    assert control(aws, "POST", "faults", {"service": "ec2"}) == 400
    assert control(aws, "POST", "interrupt", {"instance": "i-none"}) == 400
    assert control(aws, "GET", "nothing") == 404
    assert control(aws, "GET", "journal") == 200


def test_what_the_emulator_cannot_do_is_said_loudly(aws: EmulatedAws):
    with pytest.raises(ClientError) as refused:
        client("service-quotas").request_service_quota_increase(
            ServiceCode="ec2", QuotaCode="L-1", DesiredValue=1
        )

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 501)
