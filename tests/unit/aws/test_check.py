"""Every fault at once, each naming its field."""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Throttled
from shared.providers.aws.form import form
from shared.providers.aws.options import DEFAULT_ARM_TYPE, DEFAULT_TYPE
from shared.providers.aws.regions import REGIONS
from tests.unit.aws.conftest import CONFIG, REGION, Bind

VALIDATE = {
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeImages",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
}
OPTIONAL = {"ec2:DescribeKeyPairs"}
ABSENT = "0123456789abcdef0"


@pytest.fixture
def ec2(aws: EmulatedAws) -> Any:
    return boto3.client("ec2", REGION)


def fields(faults: list[Any]) -> list[str]:
    return sorted(fault.field for fault in faults)


def test_a_good_config_has_no_fault_and_needs_the_published_permissions_only(
    aws: EmulatedAws, bind: Bind, bucket: str
) -> None:
    mark = aws.journal.count
    assert bind().check() == []
    calls = aws.journal.entries(since=mark)
    unsigned = [each for each in calls if each.service == "s3"]
    assert {f"{each.service}:{each.action}" for each in calls if each.service == "ec2"} <= VALIDATE | OPTIONAL
    assert [each.principal for each in unsigned] == ["anonymous"]
    mark = aws.journal.count
    bind().details()
    assert set(aws.journal.totals(since=mark)) <= VALIDATE


BAD_FORMS: list[tuple[str, Any]] = [
    ("region", "mars-north-1"),
    ("region", ""),
    ("region", 5),
    ("region", ["eu-west-1"]),
    ("workDir", "s3://work-bucket"),
    ("workDir", "s3://work-bucket/"),
    ("workDir", "s3://work-bucket//"),
    ("workDir", "/scratch"),
    ("workDir", "az://container/dir"),
    ("workDir", None),
    ("workDir", {"a": 1}),
    ("instanceType", "large"),
    ("instanceType", "m6i.large; rm -rf /"),
    ("instanceType", 7),
    ("instanceTypes", "m6i.large"),
    ("instanceTypes", ["m6i.large", "x"]),
    ("imageId", "ami-xyz"),
    ("imageId", "ami-0123456789abcdef0\n; x"),
    ("vpcId", "vpc-1"),
    ("subnetIds", ["subnet-1"]),
    ("subnetIds", "subnet-12345678"),
    ("subnetIds", [None]),
    ("subnetIds", ["subnet-12345678"] * 201),
    ("securityGroups", ["default"]),
    ("instanceProfileArn", "arn:aws:iam::1:instance-profile/x"),
    ("instanceProfileArn", "my-profile"),
    ("ebsBootSize", 0),
    ("ebsBootSize", 20_000),
    ("ebsBootSize", "50"),
    ("ebsBootSize", True),
    ("ebsBootSize", 50.5),
    ("ebsEncrypted", "yes"),
    ("ebsKmsKeyId", "not a key"),
    ("arm64Enabled", 1),
    ("preRunScript", ["rm"]),
    ("postRunScript", 5),
    ("nextflowConfig", {"process": 1}),
    ("labels", ["a=b"]),
    ("spot", "sometimes"),
    ("spot", ["only"]),
    ("maxResumes", -1),
    ("forgePrefix", "has space"),
    ("forgePrefix", "x" * 29),
    ("logGroup", "a b"),
    ("allowBuckets", ["UPPER"]),
    ("allowBuckets", ["s3://x*y"]),
    ("environment", {"A": "b"}),
    ("environment", [{"name": "A B", "value": "c"}]),
    ("environment", [{"name": "A", "value": {"b": 1}}]),
    ("environment", ["A=b"]),
]


@pytest.mark.parametrize(("field", "value"), BAD_FORMS, ids=lambda value: repr(value)[:40])
def test_a_malformed_field_is_named(field: str, value: Any) -> None:
    assert {fault.field for fault in form({**CONFIG, "ebsEncrypted": True, field: value})} == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instanceType", "m6i.large; x"),
        ("imageId", "ami-canary"),
        ("vpcId", "vpc-canary"),
        ("subnetIds", ["subnet-canary"]),
        ("securityGroups", ["sg-canary"]),
        ("workDir", "s3://canary"),
    ],
)
def test_a_malformed_field_is_not_asked_about_and_the_others_are(
    aws: EmulatedAws, bind: Bind, field: str, value: Any
) -> None:
    mark = aws.journal.count
    other = {"ec2KeyPair": "nobody"}
    assert {field, "ec2KeyPair"} <= set(fields(bind(**other, **{field: value}).check()))
    asked = " ".join(str(entry.params) for entry in aws.journal.entries(since=mark))
    assert "canary" not in asked
    assert "; x" not in asked


def test_a_malformed_region_means_no_call_at_all(aws: EmulatedAws, bind: Bind) -> None:
    mark = aws.journal.count
    assert fields(bind(region="nowhere").check()) == ["region"]
    assert aws.journal.count == mark


@pytest.mark.parametrize("value", [None, ""])
def test_null_and_empty_are_absent(value: Any) -> None:
    optional = [
        "instanceType",
        "imageId",
        "vpcId",
        "subnetIds",
        "securityGroups",
        "instanceProfileArn",
        "spot",
    ]
    assert form(CONFIG | dict.fromkeys(optional, value)) == []


def test_every_fault_is_reported_at_once(aws: EmulatedAws, ec2: Any, bind: Bind) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    elsewhere = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    boto3.client("s3", "us-east-1").create_bucket(Bucket="far-away")
    faults = bind(
        instanceType="m6g.large",
        instanceTypes=["m9z.huge"],
        imageId=f"ami-{ABSENT}",
        vpcId=default["VpcId"],
        subnetIds=[elsewhere, f"subnet-{ABSENT}"],
        securityGroups=[group, f"sg-{ABSENT}"],
        ec2KeyPair="nobody",
        workDir="s3://far-away/work",
        logGroup="not a group",
    ).check()
    assert {str(fault) for fault in faults} == {
        "logGroup: 'not a group' is not a log group's name",
        "instanceType: m6g.large is arm64, not x86_64 (arm64Enabled is off)",
        f"instanceTypes: m9z.huge does not exist in {REGION}",
        f"imageId: ami-{ABSENT} does not exist in {REGION}, or is not visible",
        f"subnetIds: {elsewhere} belongs to {vpc}, not to {default['VpcId']}",
        f"subnetIds: subnet-{ABSENT} does not exist in {REGION}",
        f"securityGroups: {group} belongs to {vpc}, not to {default['VpcId']}",
        f"securityGroups: sg-{ABSENT} does not exist in {REGION}",
        f"ec2KeyPair: nobody does not exist in {REGION}",
        f"workDir: bucket far-away is in us-east-1, the compute environment in {REGION}",
    }


def test_subnets_without_a_vpc_must_share_one(ec2: Any, bind: Bind, bucket: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    mine = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    assert bind(subnetIds=[mine]).check() == []
    assert fields(bind(subnetIds=[mine, default["SubnetId"]]).check()) == ["subnetIds"]
    assert bind(vpcId=vpc).check() == []
    assert bind(vpcId=vpc).details()["subnetIds"] == [mine]


def test_a_vpc_that_does_not_exist_and_no_default_one(ec2: Any, bind: Bind, bucket: str) -> None:
    assert fields(bind(vpcId=f"vpc-{ABSENT}").check()) == ["vpcId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    [fault] = bind().check()
    assert str(fault) == f"vpcId: there is no default VPC in {REGION}"


def test_the_image_must_fit_architecture_and_disk(ec2: Any, bind: Bind, bucket: str) -> None:
    arm = bind(arm64Enabled=True).details()["imageId"]
    assert fields(bind(imageId=arm).check()) == ["imageId"]
    assert bind(imageId=arm, arm64Enabled=True).check() == []
    small = bind(ebsBootSize=1).check()
    assert fields(small) == ["ebsBootSize"]
    assert "less than the image's" in small[0].message


@pytest.mark.parametrize("region", REGIONS)
def test_the_default_types_exist_everywhere(aws: EmulatedAws, region: str) -> None:
    offered = boto3.client("ec2", region).describe_instance_types(
        InstanceTypes=[DEFAULT_TYPE, DEFAULT_ARM_TYPE]
    )["InstanceTypes"]
    for each in offered:
        assert each["VCpuInfo"]["DefaultVCpus"] == 2
        assert each["MemoryInfo"]["SizeInMiB"] == 8192
    assert len(offered) == 2


def test_a_bucket_that_does_not_exist(bind: Bind) -> None:
    [fault] = bind().check()
    assert str(fault) == "workDir: bucket work-bucket does not exist"


@pytest.mark.parametrize("kind", ["denied", "5xx", "reset-before"])
def test_a_bucket_that_does_not_answer_is_no_fault(
    aws: EmulatedAws, bind: Bind, bucket: str, kind: str
) -> None:
    aws.faults.add("s3", "*", kind=kind, times=None)
    assert bind().check() == []


def test_a_missing_optional_permission_is_no_fault(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    aws.faults.add("ec2", "DescribeKeyPairs", kind="denied", times=None)
    assert bind(ec2KeyPair="unseen").check() == []


def test_missing_permissions_are_faults_of_the_credentials(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    aws.faults.add("ec2", "*", kind="denied", times=None)
    found = bind(securityGroups=[f"sg-{ABSENT}"]).check()
    assert {fault.field for fault in found} == {"credentialsId"}
    text = " ".join(fault.message for fault in found)
    assert all(action in text for action in VALIDATE - {"ec2:DescribeSecurityGroups"})


def test_bad_keys_are_said_once(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    aws.faults.add("ec2", "*", kind="AuthFailure", times=None, status=401, message="not able to validate")
    faults = bind().check()
    assert {fault.field for fault in faults} == {"credentialsId"}


def test_a_throttled_check_is_tried_again_later(aws: EmulatedAws, bind: Bind, bucket: str) -> None:
    aws.faults.add("ec2", "DescribeImages", kind="throttle")
    with pytest.raises(Throttled):
        bind().check()
    assert bind().check() == []
