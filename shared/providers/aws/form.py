"""What is wrong with an `aws-cloud` config by its own words; nothing is called."""

import re
from typing import Any

from shared.errors import Fault
from shared.providers import fields
from shared.providers.aws.options import SPOT
from shared.providers.aws.regions import REGIONS
from shared.providers.fields import Add, given, shown

BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
ID = "-(?:[0-9a-f]{8}|[0-9a-f]{17})"
PATTERNS = {
    "imageId": (f"ami{ID}", "an image id (ami-...)"),
    "vpcId": (f"vpc{ID}", "a VPC id (vpc-...)"),
    "instanceType": (r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as m6i.large"),
    "instanceProfileArn": (
        r"arn:aws[a-z-]*:iam::\d{12}:instance-profile/[\w+=,.@/-]{1,600}",
        "an instance profile's ARN",
    ),
    "ebsKmsKeyId": (
        r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?(key/|alias/)?[A-Za-z0-9/_-]{1,256}",
        "a KMS key's id, alias or ARN",
    ),
    "ec2KeyPair": (r"[ -~]{1,255}", "a key pair's name"),
    "logGroup": (r"[.\-_/#A-Za-z0-9]{1,512}", "a log group's name"),
    "forgePrefix": (r"[\w+=,.@-]{1,28}", "a prefix for IAM names (at most 28 characters)"),
}
"""Field -> what all of it must match, and what that is."""
LISTS = {
    "subnetIds": (f"subnet{ID}", "a subnet id (subnet-...)"),
    "securityGroups": (f"sg{ID}", "a security group id (sg-...)"),
    "instanceTypes": PATTERNS["instanceType"],
    "allowBuckets": (f"(s3://)?{BUCKET}(/.*)?", "a bucket (s3://name)"),
}
LIST_LIMIT = 200
"""Items in a list: what one EC2 filter takes."""
TEXTS = ("preRunScript", "postRunScript", "nextflowConfig", "engineContainer")
BOOLEANS = ("arm64Enabled", "ebsEncrypted")
NUMBERS = {"ebsBootSize": (1, 16384), "maxResumes": (0, 1000)}
"""Field -> least and most. The disk in GiB: gp3's documented 16 TiB."""
WORK_DIR = re.compile(f"s3://{BUCKET}/(?!/).*[^/].*")


def form(config: dict[str, Any]) -> list[Fault]:
    """Every fault, in the order of the fields' importance. Pure."""
    faults: list[Fault] = []
    add: Add = lambda field, message: faults.append(Fault(field, message))  # noqa: E731
    region(config, add)
    work_dir(config, add)
    fields.faulty_patterns(config, PATTERNS, add)
    fields.faulty_lists(config, LISTS, LIST_LIMIT, add)
    scalars(config, add)
    together(config, add)
    return faults


def region(config: dict[str, Any], add: Add) -> None:
    """Which region: every environment needs one."""
    value = config.get("region")
    if value not in REGIONS:
        unknown = f"{shown(value)} is not supported; supported: {', '.join(REGIONS)}"
        add("region", unknown if value else "missing")


def work_dir(config: dict[str, Any], add: Add) -> None:
    """The work directory in a bucket: likewise."""
    value = config.get("workDir")
    if not value:
        add("workDir", "missing")
    elif not isinstance(value, str) or not WORK_DIR.fullmatch(value.strip()):
        add("workDir", f"{shown(value)} is not a directory in a bucket (s3://bucket/directory)")


def scalars(config: dict[str, Any], add: Add) -> None:
    """Switches, numbers and words."""
    fields.faulty_texts(config, TEXTS, add)
    fields.faulty_switches(config, BOOLEANS, add)
    fields.faulty_numbers(config, NUMBERS, add)
    if given(config, "spot") and config["spot"] not in SPOT:
        add("spot", f"{shown(config['spot'])} is not one of {', '.join(SPOT)}")


def together(config: dict[str, Any], add: Add) -> None:
    """What only makes sense together, and the environment variables."""
    if given(config, "ebsKmsKeyId") and not config.get("ebsEncrypted"):
        add("ebsKmsKeyId", "needs ebsEncrypted")
    fields.faulty_variables(config, add)
