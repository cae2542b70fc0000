"""What is wrong with an environment's config: by its own words (`form`), and held against the account
(`check`). Every fault at once, each with its field; a field that is malformed is not asked about."""

import functools
from collections.abc import Callable, Iterable

from shared.errors import Fault, Forbidden, Refused
from shared.providers.aws import choices
from shared.providers.aws.account import Account
from shared.providers.aws.errors import asking
from shared.providers.aws.form import form

__all__ = ["check", "form"]


def check(account: Account) -> list[Fault]:
    """The config's own faults, then the account's. No call is made for a region that is not ours."""
    faults = form(account.environment.config)
    bad = {fault.field for fault in faults}
    if "region" in bad:
        return faults
    for fields, look in LOOKS:
        if not bad & set(fields):
            faults += looked(functools.partial(look, account))
    return list(dict.fromkeys(faults))


def looked(look: Callable[[], Iterable[Fault]]) -> list[Fault]:
    """The faults that a look finds. What the credentials may not see, or cannot do at all, is a fault
    of the credentials."""
    try:
        return list(look())
    except Refused as error:
        return [Fault("credentialsId", str(error))]


def instance_types(account: Account) -> Iterable[Fault]:
    """Each type exists in the region, runs the architecture, and is sold as spot where spot is asked."""
    options = account.options
    with asking("ec2:DescribeInstanceTypes"):
        found = {
            each.get("InstanceType", ""): each
            for page in account.clients.ec2.get_paginator("describe_instance_types").paginate(
                Filters=[{"Name": "instance-type", "Values": list(options.types)}]
            )
            for each in page["InstanceTypes"]
        }
    for name in options.types:
        field = "instanceType" if name == options.types[0] else "instanceTypes"
        shown = found.get(name)
        if shown is None:
            yield Fault(field, f"{name} does not exist in {options.region}")
            continue
        runs = shown.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
        if options.architecture not in runs:
            wish = "arm64Enabled is on" if options.arm else "arm64Enabled is off"
            yield Fault(field, f"{name} is {'/'.join(runs)}, not {options.architecture} ({wish})")
        if True in options.markets and "spot" not in shown.get("SupportedUsageClasses", ["spot"]):
            yield Fault(field, f"{name} cannot be had as spot")


def image(account: Account) -> Iterable[Fault]:
    """The image exists, is usable, is of the architecture, and fits the boot disk."""
    options = account.options
    if options.image_id:
        found = choices.images_by_id(account, options.image_id)
    else:
        found = sorted(choices.default_images(account), key=lambda each: (each.created, each.name))
    if not found:
        what = options.image_id or f"default Amazon Linux 2023 image for {options.architecture}"
        yield Fault("imageId", f"{what} does not exist in {options.region}, or is not visible")
        return
    shown = found[-1]
    if shown.state != "available":
        yield Fault("imageId", f"{shown.id} is {shown.state}, not available")
    if shown.architecture != options.architecture:
        yield Fault("imageId", f"{shown.id} is {shown.architecture}, not {options.architecture}")
    if options.disk < shown.size:
        yield Fault("ebsBootSize", f"{options.disk} GB is less than the image's {shown.size} GB")


def network(account: Account) -> Iterable[Fault]:
    """Subnets exist in the one VPC that is meant, and so do the security groups."""
    vpc, faults = vpc_of(account)
    yield from faults
    if account.options.groups:
        yield from security_groups(account, vpc)


def vpc_of(account: Account) -> tuple[str, list[Fault]]:
    """The VPC that machines go to (empty when unknown), and what is wrong with the subnets."""
    options = account.options
    if options.subnets:
        return subnets(account)
    found = choices.subnets_of(account, options.vpc_id)
    if found:
        return found[0][1], []
    missing = f"{options.vpc_id} does not exist or has no subnets"
    what = missing if options.vpc_id else "there is no default VPC"
    return options.vpc_id, [Fault("vpcId", f"{what} in {options.region}")]


def subnets(account: Account) -> tuple[str, list[Fault]]:
    """The VPC of the config's subnets, and what is wrong with them."""
    options = account.options
    found = {
        each["id"]: each for each in choices.described_subnets(account, "subnet-id", list(options.subnets))
    }
    vpc = options.vpc_id or next((each["vpc"] for each in found.values()), "")
    faults = []
    for name in options.subnets:
        if name not in found:
            faults.append(Fault("subnetIds", f"{name} does not exist in {options.region}"))
        elif found[name]["vpc"] != vpc:
            faults.append(Fault("subnetIds", f"{name} belongs to {found[name]['vpc']}, not to {vpc}"))
    return vpc, faults


def security_groups(account: Account, vpc: str) -> Iterable[Fault]:
    """Each group exists and belongs to the VPC."""
    options = account.options
    with asking("ec2:DescribeSecurityGroups"):
        answer = account.clients.ec2.describe_security_groups(
            Filters=[{"Name": "group-id", "Values": list(options.groups)}]
        )
    found = {each["GroupId"]: each.get("VpcId", "") for each in answer["SecurityGroups"]}
    for name in options.groups:
        if name not in found:
            yield Fault("securityGroups", f"{name} does not exist in {options.region}")
        elif vpc and found[name] != vpc:
            yield Fault("securityGroups", f"{name} belongs to {found[name]}, not to {vpc}")


def key_pair(account: Account) -> Iterable[Fault]:
    """The key pair exists. The permission to look is optional: without it, this is not checked."""
    wanted = account.options.key_pair
    if not wanted:
        return
    try:
        with asking("ec2:DescribeKeyPairs"):
            answer = account.clients.ec2.describe_key_pairs(
                Filters=[{"Name": "key-name", "Values": [wanted]}]
            )
    except Forbidden:
        return
    if not answer["KeyPairs"]:
        yield Fault("ec2KeyPair", f"{wanted} does not exist in {account.options.region}")


def work_bucket(account: Account) -> Iterable[Fault]:
    """The bucket exists in the environment's region. Asked without credentials: S3 tells a bucket's
    region to anybody, in a refusal too. No usable answer is no fault."""
    options = account.options
    name = options.buckets[0]
    region, status = bucket_region(account, name)
    if status == 404:
        yield Fault("workDir", f"bucket {name} does not exist")
    elif region and region != options.region:
        yield Fault("workDir", f"bucket {name} is in {region}, the compute environment in {options.region}")


def bucket_region(account: Account, bucket: str) -> tuple[str, int]:
    """The bucket's region and the HTTP status of the answer; ("", 0) when there was none."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        meta = account.clients.s3_unsigned.head_bucket(Bucket=bucket)["ResponseMetadata"]
    except ClientError as error:
        meta = error.response.get("ResponseMetadata", {})  # type: ignore[assignment]
    except BotoCoreError:
        return "", 0
    headers = meta.get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", "")), int(meta.get("HTTPStatusCode", 0))


LOOKS: tuple[tuple[tuple[str, ...], Callable[[Account], Iterable[Fault]]], ...] = (
    (("instanceType", "instanceTypes", "arm64Enabled", "spot"), instance_types),
    (("imageId", "arm64Enabled", "ebsBootSize"), image),
    (("vpcId", "subnetIds", "securityGroups"), network),
    (("ec2KeyPair",), key_pair),
    (("workDir",), work_bucket),
)
"""Fields that a look depends on (skipped when one of them is malformed) -> the look."""
