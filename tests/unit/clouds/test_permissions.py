"""Permissions are enforced as IAM would, call by call, with each service's own refusal."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws
from local.clouds.aws.images import image_id

KEY = "AKIALIMITED000000000"
IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def client(service: str, key: str | None = KEY, **more: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    more = {"aws_access_key_id": key, "aws_secret_access_key": "secret"} | more if key else more
    return boto3.client(service, config=config, **more)


def allow(action: str | list[str], resource: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": condition} if condition else {})],
    }


def code(call: Any, **parameters: Any) -> str:
    """The error code that a call is refused with; "" when it is done."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def launch(key: str | None = KEY, **changes: Any) -> str:
    asked = {"ImageId": IMAGE, "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1} | changes
    return code(client("ec2", key).run_instances, **asked)


def tagged(kind: str, **tags: str) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def machine(**tags: str) -> str:
    asked: dict[str, Any] = {"ImageId": IMAGE, "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1}
    if tags:
        asked["TagSpecifications"] = [tagged("instance", **tags)]
    return client("ec2", None).run_instances(**asked)["Instances"][0]["InstanceId"]


def make_profile(name: str = "TowerForge-a", role: str = "TowerForge-a") -> None:
    iam = client("iam", None)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def test_a_key_without_an_owner_may_do_everything(aws: EmulatedAws):
    assert launch(None) == ""


REFUSALS = [
    ("ec2", "describe_instances", {}, "UnauthorizedOperation", 403),
    ("iam", "get_role", {"RoleName": "a"}, "AccessDenied", 403),
    ("s3", "get_object", {"Bucket": "some-bucket", "Key": "a"}, "AccessDenied", 403),
    ("logs", "create_log_group", {"logGroupName": "a"}, "AccessDeniedException", 400),
    ("sqs", "list_queues", {}, "AccessDeniedException", 400),
    ("dynamodb", "describe_table", {"TableName": "abc"}, "AccessDeniedException", 400),
    ("kms", "list_keys", {}, "AccessDeniedException", 400),
    (
        "sts",
        "assume_role",
        {"RoleArn": "arn:aws:iam::123456789012:role/none", "RoleSessionName": "ab"},
        "AccessDenied",
        403,
    ),
]


@pytest.mark.parametrize(("service", "call", "parameters", "wanted", "status"), REFUSALS)
def test_each_service_refuses_in_its_own_words(
    aws: EmulatedAws, service: str, call: str, parameters: dict[str, Any], wanted: str, status: int
):
    aws.enforce(KEY, allow("nothing:AtAll"))

    with pytest.raises(ClientError) as refused:
        getattr(client(service), call)(**parameters)

    assert refused.value.response["Error"]["Code"] == wanted
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert not [entry for entry in aws.journal.entries() if entry.status == 200]


def test_a_refused_call_has_no_effect(aws: EmulatedAws):
    aws.enforce(KEY, allow("iam:GetRole"))

    assert code(client("iam").create_role, RoleName="a", AssumeRolePolicyDocument=TRUST) == "AccessDenied"
    assert client("iam", None).list_roles()["Roles"] == []


def test_an_unmodelled_call_of_an_enforced_key_is_refused_whatever_its_policy_says(aws: EmulatedAws):
    aws.enforce(KEY, allow("*"))

    assert code(client("ec2").create_vpc, CidrBlock="10.0.0.0/16") == "UnauthorizedOperation"
    assert "no model" in aws.judge.refusals[-1].why
    assert code(client("ecs").list_clusters) == "AccessDeniedException"


def test_resource_patterns_hold_for_names_that_do_not_exist_yet(aws: EmulatedAws):
    aws.enforce(KEY, allow("iam:CreateRole", "arn:aws:iam::*:role/TowerForge-*"))
    iam = client("iam")

    assert code(iam.create_role, RoleName="TowerForge-x", AssumeRolePolicyDocument=TRUST) == ""
    assert code(iam.create_role, RoleName="Other-x", AssumeRolePolicyDocument=TRUST) == "AccessDenied"


def test_making_a_role_with_tags_needs_the_permission_to_tag(aws: EmulatedAws):
    aws.enforce(KEY, allow("iam:CreateRole"))
    tags = [{"Key": "a", "Value": "b"}]

    assert (
        code(client("iam").create_role, RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=tags)
        == "AccessDenied"
    )
    aws.enforce(KEY, allow(["iam:CreateRole", "iam:TagRole"]))
    assert code(client("iam").create_role, RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=tags) == ""


@pytest.mark.parametrize("passed", ["role/TowerForge-*", "role/Other-*"])
def test_a_machine_gets_only_a_role_that_may_be_passed(aws: EmulatedAws, passed: str):
    make_profile()
    run = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    give = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::*:{passed}"}
    aws.enforce(KEY, {"Statement": [run, give]})

    refused = launch(IamInstanceProfile={"Name": "TowerForge-a"})

    assert refused == ("" if "Tower" in passed else "UnauthorizedOperation")


def test_adding_a_role_to_a_profile_passes_it(aws: EmulatedAws):
    iam = client("iam", None)
    iam.create_role(RoleName="TowerForge-a", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="TowerForge-a")
    aws.enforce(KEY, allow("iam:AddRoleToInstanceProfile"))
    call = client("iam").add_role_to_instance_profile
    names = {"InstanceProfileName": "TowerForge-a", "RoleName": "TowerForge-a"}

    assert code(call, **names) == "AccessDenied"
    aws.enforce(KEY, allow(["iam:AddRoleToInstanceProfile", "iam:PassRole"]))
    assert code(call, **names) == ""


def test_tagging_at_launch_needs_the_permission_to_tag(aws: EmulatedAws):
    aws.enforce(KEY, allow("ec2:RunInstances"))

    assert launch() == ""
    assert launch(TagSpecifications=[tagged("instance", run="1")]) == "UnauthorizedOperation"


def test_a_condition_on_the_requested_tag_is_a_fence(aws: EmulatedAws):
    fence = {"StringEquals": {"aws:RequestTag/headnode:installation": "mine"}}
    machines = {
        "Effect": "Allow",
        "Action": "ec2:RunInstances",
        "Resource": "arn:aws:ec2:*:*:instance/*",
        "Condition": fence,
    }
    rest = {"Effect": "Allow", "Action": "ec2:RunInstances", "NotResource": "arn:aws:ec2:*:*:instance/*"}
    tag = {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*"}
    aws.enforce(KEY, {"Statement": [machines, rest, tag]})

    assert launch(TagSpecifications=[tagged("instance", **{"headnode:installation": "mine"})]) == ""
    assert launch(TagSpecifications=[tagged("instance", **{"headnode:installation": "theirs"})]) != ""
    assert launch(TagSpecifications=[tagged("volume", **{"headnode:installation": "mine"})]) != ""
    assert launch() == "UnauthorizedOperation"


@pytest.mark.parametrize("key", ["aws:ResourceTag/owner", "ec2:ResourceTag/owner"])
def test_termination_is_fenced_by_the_tags_of_the_machine(aws: EmulatedAws, key: str):
    ours, theirs = machine(owner="us"), machine(owner="them")
    aws.enforce(KEY, allow("ec2:TerminateInstances", StringEquals={key: "us"}))
    terminate = client("ec2").terminate_instances

    assert code(terminate, InstanceIds=[ours, theirs]) == "UnauthorizedOperation"
    assert code(terminate, InstanceIds=[machine()]) == "UnauthorizedOperation"
    assert code(terminate, InstanceIds=[ours]) == ""


def test_two_allows_are_ored_so_a_condition_in_one_of_them_is_void(aws: EmulatedAws):
    fenced = allow("ec2:TerminateInstances", StringEquals={"ec2:ResourceTag/environment": "e1"})
    other = allow("ec2:TerminateInstances", StringEquals={"ec2:ResourceTag/application": "runner"})
    foreign = machine(environment="e2", application="runner")
    aws.enforce(KEY, fenced, other)

    assert code(client("ec2").terminate_instances, InstanceIds=[foreign]) == ""


@pytest.fixture
def bucket(aws: EmulatedAws) -> Iterator[str]:
    client("s3", None).create_bucket(Bucket="work-bucket")
    client("s3", None).put_object(Bucket="work-bucket", Key="runs/a.txt", Body=b"text")
    yield "work-bucket"


def test_objects_are_fenced_by_prefix(aws: EmulatedAws, bucket: str):
    aws.enforce(KEY, allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/runs/*"))
    s3 = client("s3")

    assert code(s3.get_object, Bucket=bucket, Key="runs/a.txt") == ""
    assert code(s3.put_object, Bucket=bucket, Key="runs/b.txt", Body=b"") == ""
    assert code(s3.put_object, Bucket=bucket, Key="other/b.txt", Body=b"") == "AccessDenied"
    assert code(s3.delete_object, Bucket=bucket, Key="runs/a.txt") == "AccessDenied"
    assert code(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"


def test_a_missing_object_is_403_for_who_may_not_list(aws: EmulatedAws, bucket: str):
    may_read = allow("s3:GetObject")
    aws.enforce(KEY, may_read)
    assert code(client("s3").get_object, Bucket=bucket, Key="none") == "AccessDenied"
    assert code(client("s3").head_object, Bucket=bucket, Key="none") == "403"

    aws.enforce(KEY, may_read, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    assert code(client("s3").get_object, Bucket=bucket, Key="none") == "NoSuchKey"


def test_a_refused_bucket_still_tells_its_region(aws: EmulatedAws, bucket: str):
    aws.enforce(KEY, allow("nothing:AtAll"))

    with pytest.raises(ClientError) as refused:
        client("s3").head_bucket(Bucket=bucket)

    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"


def test_log_streams_are_resources(aws: EmulatedAws):
    logs = client("logs", None)
    logs.create_log_group(logGroupName="/headnode/e1")
    logs.create_log_stream(logGroupName="/headnode/e1", logStreamName="r1/1")
    asked = {"logGroupName": "/headnode/e1", "logStreamName": "r1/1"}

    aws.enforce(KEY, allow("logs:GetLogEvents", "arn:aws:logs:*:*:log-group:/headnode/*:log-stream:*"))
    assert code(client("logs").get_log_events, **asked) == ""
    aws.enforce(KEY, allow("logs:GetLogEvents", "arn:aws:logs:*:*:log-group:/other/*:log-stream:*"))
    assert code(client("logs").get_log_events, **asked) == "AccessDeniedException"


def test_an_index_is_a_resource_of_its_own(aws: EmulatedAws):
    name = {"AttributeName": "a", "AttributeType": "S"}
    key = [{"AttributeName": "a", "KeyType": "HASH"}]
    index = {"IndexName": "by-a", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
    client("dynamodb", None).create_table(
        TableName="records",
        AttributeDefinitions=[name],
        KeySchema=key,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index],
    )
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/records"
    query = {
        "TableName": "records",
        "KeyConditionExpression": "a = :a",
        "ExpressionAttributeValues": {":a": {"S": "x"}},
    }
    aws.enforce(KEY, allow(["dynamodb:Query", "dynamodb:PutItem"], table))
    db = client("dynamodb")

    assert code(db.query, **query) == ""
    assert code(db.query, **query, IndexName="by-a") == "AccessDeniedException"
    item = {"TableName": "records", "Item": {"a": {"S": "x"}}}
    assert code(db.transact_write_items, TransactItems=[{"Put": item}]) == ""
    gone = {"Delete": {"TableName": "records", "Key": {"a": {"S": "x"}}}}
    assert code(db.transact_write_items, TransactItems=[gone]) == "AccessDeniedException"


def test_a_key_is_found_behind_its_alias_and_inside_a_ciphertext(aws: EmulatedAws):
    kms = client("kms", None)
    mine, other = (kms.create_key()["KeyMetadata"] for _ in range(2))
    kms.create_alias(AliasName="alias/mine", TargetKeyId=mine["KeyId"])
    aws.enforce(KEY, allow(["kms:Encrypt", "kms:Decrypt"], mine["Arn"]))
    limited = client("kms")

    sealed = limited.encrypt(KeyId="alias/mine", Plaintext=b"x")["CiphertextBlob"]
    assert limited.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    foreign = kms.encrypt(KeyId=other["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert code(limited.decrypt, CiphertextBlob=foreign) == "AccessDeniedException"


def trusting(**condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Statement": [statement | ({"Condition": condition} if condition else {})]})


def test_a_role_is_assumed_only_with_its_external_id(aws: EmulatedAws):
    trust = trusting(StringEquals={"sts:ExternalId": "shared-word"})
    arn = client("iam", None).create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assume = client("sts", None).assume_role
    asked = {"RoleArn": arn, "RoleSessionName": "session"}

    assert code(assume, **asked) == "AccessDenied"
    assert code(assume, **asked, ExternalId="wrong") == "AccessDenied"
    assert code(assume, **asked, ExternalId="shared-word") == ""


def test_a_role_that_does_not_exist_cannot_be_assumed(aws: EmulatedAws):
    arn = "arn:aws:iam::123456789012:role/none"

    assert code(client("sts", None).assume_role, RoleArn=arn, RoleSessionName="session") == "AccessDenied"


def test_an_assumed_role_may_do_what_its_policies_say_at_that_moment(aws: EmulatedAws):
    iam = client("iam", None)
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting())["Role"]["Arn"]
    made = client("sts", None).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    limited = client(
        "ec2",
        made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )

    assert code(limited.describe_instances) == "UnauthorizedOperation"
    document = json.dumps(allow("ec2:Describe*"))
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)
    assert code(limited.describe_instances) == ""


def test_an_attached_policy_counts_and_a_detached_one_does_not(aws: EmulatedAws):
    iam = client("iam", None)
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting())["Role"]["Arn"]
    reading = {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}
    iam.attach_role_policy(**reading)
    made = client("sts", None).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    s3 = client("s3", made["AccessKeyId"], aws_session_token=made["SessionToken"])

    assert code(s3.list_buckets) == ""
    assert code(s3.create_bucket, Bucket="work-bucket") == "AccessDenied"
    iam.detach_role_policy(**reading)
    assert code(s3.list_buckets) == "AccessDenied"


def test_unsigned_requests_for_a_bucket_are_refused_with_its_region(aws: EmulatedAws, bucket: str):
    from botocore import UNSIGNED

    anonymous = boto3.client(
        "s3", config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    )

    with pytest.raises(ClientError) as refused:
        anonymous.head_bucket(Bucket=bucket)

    answer = refused.value.response["ResponseMetadata"]
    assert (answer["HTTPStatusCode"], answer["HTTPHeaders"]["x-amz-bucket-region"]) == (403, "us-east-1")
    assert code(anonymous.head_bucket, Bucket="no-such-bucket") == "404"
