"""One start is one RunInstances call, and each refusal has its meaning."""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Forbidden, Invalid, NoCapacity, NotYet, Refused, Retry, Throttled, Unreachable
from shared.model import tags
from shared.model.machine import GONE, Order
from shared.model.run import Run
from shared.providers.aws import policies
from shared.providers.aws.cloud import AwsCloud
from shared.providers.aws.options import DEFAULT_ARM_TYPE, DEFAULT_TYPE
from tests.clock import FakeClock
from tests.contracts.provider_suite import make, order
from tests.unit.aws.conftest import REGION, Bind

RUN = Run(id="run1", name="r", session_id="s")


@pytest.fixture
def ready(bind: Bind, bucket: str) -> AwsCloud:
    """With its profile made and its choices in the record, as after the create step."""
    provider = bind()
    make(provider)
    return bind(provider.details())


def params(aws: EmulatedAws) -> dict[str, Any]:
    return aws.journal.entries("ec2", "RunInstances")[-1].params


def shown(machine: str) -> Any:
    answer = boto3.client("ec2", REGION).describe_instances(InstanceIds=[machine])
    return answer["Reservations"][0]["Instances"][0]


def test_a_start_is_one_call(aws: EmulatedAws, ready: AwsCloud) -> None:
    wanted = order(ready)
    before = aws.journal.count
    ready.start(wanted)
    assert aws.journal.totals(since=before) == {"ec2:RunInstances": 1}


def test_without_a_record_the_choices_are_looked_up_once(
    aws: EmulatedAws, bind: Bind, bucket: str, clock: FakeClock
) -> None:
    make(bind())
    before = aws.journal.count
    for attempt in (1, 2, 3):
        provider = bind()
        provider.start(order(provider, attempt=attempt))
    calls = aws.journal.totals(since=before)
    assert calls == {"ec2:RunInstances": 3, "ec2:DescribeImages": 1, "ec2:DescribeSubnets": 1}
    clock.advance(3601)
    provider.start(order(provider, attempt=4))
    assert aws.journal.totals(since=before)["ec2:DescribeImages"] == 2


def test_the_machine_is_as_promised(aws: EmulatedAws, ready: AwsCloud) -> None:
    machine = shown(ready.start(order(ready, labels={"team": "genomics", tags.RUN: "forged", "aws:x": "y"})))
    asked = params(aws)
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert asked["MetadataOptions.HttpPutResponseHopLimit"] == "2"
    assert asked["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert (asked["MinCount"], asked["MaxCount"], asked["ClientToken"]) == ("1", "1", "run1-1")
    assert asked["BlockDeviceMapping.1.DeviceName"] == "/dev/xvda"
    disk = {key.rpartition(".")[2]: value for key, value in asked.items() if ".Ebs." in key}
    assert disk == {"VolumeSize": "50", "VolumeType": "gp3", "DeleteOnTermination": "true"}
    assert "InstanceMarketOptions.MarketType" not in asked
    found = {each["Key"]: each["Value"] for each in machine["Tags"]}
    assert found == {
        "Name": "headnode-run1-1",
        "team": "genomics",
        tags.INSTALLATION: "this",
        tags.ENVIRONMENT: "3nvironment0000000001",
        tags.RUN: "run1",
        tags.ATTEMPT: "1",
        tags.OWNER: "ada",
        tags.DEADLINE: "1800003600",
    }
    volume = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    volumes = boto3.client("ec2", REGION).describe_volumes(VolumeIds=[volume])["Volumes"]
    assert {each["Key"]: each["Value"] for each in volumes[0]["Tags"]} == found


def test_every_option_reaches_the_machine(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    ec2 = boto3.client("ec2", REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=subnet["VpcId"])["GroupId"]
    ec2.create_key_pair(KeyName="mine")
    iam = boto3.client("iam")
    profile = iam.create_instance_profile(InstanceProfileName="theirs")["InstanceProfile"]["Arn"]
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=policies.trust(REGION))
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName="theirs")
    key = boto3.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
    config = {
        "instanceType": "c6g.xlarge",
        "arm64Enabled": True,
        "ec2KeyPair": "mine",
        "subnetIds": [subnet["SubnetId"]],
        "securityGroups": [group],
        "instanceProfileArn": profile,
        "ebsBootSize": 120,
        "ebsEncrypted": True,
        "ebsKmsKeyId": key,
        "spot": "only",
    }
    provider = bind(**config)
    assert provider.check() == []
    assert provider.resources() == []
    machine = shown(bind(provider.details(), **config).start(order(provider)))
    asked = params(aws)
    assert machine["InstanceType"] == "c6g.xlarge"
    assert machine["Architecture"] == "arm64"
    assert machine["KeyName"] == "mine"
    assert machine["SubnetId"] == subnet["SubnetId"]
    assert [each["GroupId"] for each in machine["SecurityGroups"]] == [group]
    assert machine["IamInstanceProfile"]["Arn"] == profile
    assert asked["InstanceMarketOptions.MarketType"] == "spot"
    assert asked["InstanceMarketOptions.SpotOptions.SpotInstanceType"] == "one-time"
    assert asked["BlockDeviceMapping.1.Ebs.VolumeSize"] == "120"
    assert asked["BlockDeviceMapping.1.Ebs.KmsKeyId"] == key
    assert asked["BlockDeviceMapping.1.Ebs.Encrypted"] == "true"


def test_offers_put_spot_before_on_demand_and_keep_the_users_order(bind: Bind) -> None:
    subnets = ["subnet-0000000b", "subnet-0000000a"]
    config = {"instanceType": "m6i.large", "instanceTypes": ["c6i.large", "m6i.large"], "subnetIds": subnets}
    assert [str(each) for each in bind(**config, spot="first").offers(RUN)] == [
        "m6i.large subnet-0000000b spot",
        "m6i.large subnet-0000000a spot",
        "c6i.large subnet-0000000b spot",
        "c6i.large subnet-0000000a spot",
        "m6i.large subnet-0000000b on-demand",
        "m6i.large subnet-0000000a on-demand",
        "c6i.large subnet-0000000b on-demand",
        "c6i.large subnet-0000000a on-demand",
    ]
    assert {each.spot for each in bind(**config, spot="only").offers(RUN)} == {True}
    assert {each.spot for each in bind(**config).offers(RUN)} == {False}


def test_the_defaults_are_those_that_are_documented(aws: EmulatedAws, bind: Bind) -> None:
    subnets = boto3.client("ec2", REGION).describe_subnets()["Subnets"]
    offers = bind().offers(RUN)
    assert {each.machine_type for each in offers} == {DEFAULT_TYPE}
    assert {each.place for each in offers} == {each["SubnetId"] for each in subnets}
    assert {each.machine_type for each in bind(arm64Enabled=True).offers(RUN)} == {DEFAULT_ARM_TYPE}


def test_without_leave_to_look_aws_chooses_the_subnet(aws: EmulatedAws, bind: Bind) -> None:
    aws.faults.add("ec2", "DescribeSubnets", kind="denied", times=None)
    assert [each.place for each in bind().offers(RUN)] == [""]
    with pytest.raises(Forbidden) as refused:
        bind(vpcId="vpc-12345678").offers(RUN)
    assert refused.value.action == "ec2:DescribeSubnets"


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_default_image_is_the_newest_plain_amazon_linux(
    aws: EmulatedAws, bind: Bind, architecture: str
) -> None:
    chosen = bind(arm64Enabled=architecture == "arm64").details()
    image = boto3.client("ec2", REGION).describe_images(ImageIds=[chosen["imageId"]])["Images"][0]
    assert image["Name"].startswith("al2023-ami-2023.11.20261109.0-kernel-")
    assert image["Architecture"] == architecture
    assert chosen["rootDevice"] == "/dev/xvda"


def test_user_data_over_the_limit_is_refused_before_the_call(aws: EmulatedAws, ready: AwsCloud) -> None:
    fits = order(ready, boot="#" + "é" * 8191 + "x")
    assert len(fits.boot.encode()) == 16384
    ready.start(fits)
    before = aws.journal.count
    with pytest.raises(Invalid, match="16385 bytes"):
        ready.start(fits.but(boot=fits.boot + "x", token="other"))
    assert aws.journal.count == before


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("capacity", NoCapacity),
        ("VcpuLimitExceeded", NoCapacity),
        ("throttle", Throttled),
        ("5xx", Unreachable),
        ("503", Unreachable),
        ("reset-before", Unreachable),
        ("denied", Forbidden),
        ("InvalidKeyPair.NotFound", Refused),
    ],
)
def test_a_refusal_is_asked_once_and_said_as_what_it_is(
    aws: EmulatedAws, ready: AwsCloud, kind: str, error: type[Exception]
) -> None:
    wanted = order(ready)
    aws.faults.add("ec2", "RunInstances", kind=kind, times=None)
    before = aws.journal.count
    with pytest.raises(error):
        ready.start(wanted)
    assert aws.journal.totals(since=before) == {"ec2:RunInstances": 1}


def test_a_lost_answer_is_found_by_asking_again(aws: EmulatedAws, ready: AwsCloud) -> None:
    aws.faults.add("ec2", "RunInstances", kind="reset-after")
    with pytest.raises(Unreachable):
        ready.start(order(ready))
    machine = ready.start(order(ready))
    assert [each.id for page in ready.machines() for each in page] == [machine]


def test_a_token_with_other_parameters_returns_its_machine(aws: EmulatedAws, ready: AwsCloud) -> None:
    machine = ready.start(order(ready))
    assert ready.start(order(ready, boot="#cloud-config\n{}\n")) == machine


def test_a_token_whose_machine_is_gone_returns_it_too(aws: EmulatedAws, ready: AwsCloud) -> None:
    machine = ready.start(order(ready))
    ready.stop([machine])
    assert ready.start(order(ready)) == machine
    assert ready.look([machine])[machine].state == GONE


def test_a_spent_token_whose_machine_nobody_shows(aws: EmulatedAws, ready: AwsCloud) -> None:
    aws.faults.add("ec2", "RunInstances", kind="IdempotentInstanceTerminated")
    with pytest.raises(NoCapacity) as refused:
        ready.start(order(ready))
    assert refused.value.code == "IdempotentInstanceTerminated"
    aws.faults.add("ec2", "RunInstances", kind="IdempotentParameterMismatch")
    with pytest.raises(Retry):
        ready.start(order(ready))


def test_our_profile_that_ec2_does_not_know_yet(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    with pytest.raises(NotYet):
        bind().start(order(bind()))


def test_the_users_profile_may_be_young_but_not_missing(
    aws: EmulatedAws, bind: Bind, clock: FakeClock
) -> None:
    provider = bind(instanceProfileArn="arn:aws:iam::123456789012:instance-profile/nobody")
    clock.advance(-900)  # 100 s after the environment was made
    with pytest.raises(NotYet):
        provider.start(order(provider))
    clock.advance(900)
    with pytest.raises(Refused, match="instanceProfileArn"):
        provider.start(order(provider))


def test_a_subnet_that_is_gone(aws: EmulatedAws, ready: AwsCloud, bind: Bind) -> None:
    gone = order(ready).offer.but(place="subnet-0123456789abcdef0")
    with pytest.raises(NoCapacity) as refused:
        ready.start(order(ready, offer=gone))
    assert refused.value.code == "InvalidSubnetID.NotFound"
    with pytest.raises(Refused, match="subnetIds"):
        bind(subnetIds=[gone.place]).start(order(ready, offer=gone))


def test_a_default_image_that_is_gone_is_looked_up_anew(
    aws: EmulatedAws, bind: Bind, ready: AwsCloud
) -> None:
    wanted: Order = order(ready)
    aged = {"imageId": "ami-0123456789abcdef0", "rootDevice": "/dev/xvda"}
    with pytest.raises(Retry):
        bind(aged).start(wanted)
    assert shown(bind(aged).start(wanted))["ImageId"] == ready.details()["imageId"]
    with pytest.raises(Refused, match="imageId"):
        bind(aged, imageId="ami-0123456789abcdef0").start(wanted.but(token="other"))


def test_labels_beyond_what_ec2_takes(aws: EmulatedAws, ready: AwsCloud) -> None:
    labels = {f"label{number:03}": "v" * 300 for number in range(100)} | {"k" * 200: "v", "": "v"}
    machine = shown(ready.start(order(ready, labels=labels)))
    found = {each["Key"]: each["Value"] for each in machine["Tags"]}
    assert len(found) <= 50
    assert len(found["label000"]) == 256
    assert found[tags.RUN] == "run1"
