"""Is it really gone? Asked of the cloud and of the kernel, not of our own records."""

import json
from typing import Any

from local.demo.stage import BUCKET, Stage

CHECKPOINTS = "/.headnode/"


def cloud_leftovers(stage: Stage) -> list[str]:
    """Everything that still exists in the emulated account, but for what the demo's user owns
    himself: the bucket, the network that every account begins with, and the kept log."""
    if stage.aws is None:
        return []
    import boto3

    ec2, iam = boto3.client("ec2"), boto3.client("iam")
    alive = [
        f"instance {instance['InstanceId']} ({instance['State']['Name']})"
        for page in ec2.get_paginator("describe_instances").paginate()
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
    volumes = [f"volume {each['VolumeId']}" for each in ec2.describe_volumes()["Volumes"]]
    networks = [f"network interface {each['NetworkInterfaceId']}" for each in interfaces(ec2)]
    roles = [f"role {each['RoleName']}" for each in iam.list_roles()["Roles"]]
    profiles = [
        f"instance profile {each['InstanceProfileName']}"
        for each in iam.list_instance_profiles()["InstanceProfiles"]
    ]
    return [*alive, *volumes, *networks, *roles, *profiles]


def interfaces(ec2: Any) -> list[dict[str, Any]]:
    """The network interfaces of the account."""
    found: list[dict[str, Any]] = ec2.describe_network_interfaces()["NetworkInterfaces"]
    return found


def kept(stage: Stage) -> list[str]:
    """What stays because it is the user's: the run's files and its log."""
    if stage.aws is None:
        return [f"file {path.name}" for path in sorted(stage.work.rglob("nf-*")) if path.is_file()]
    import boto3

    keys = objects(boto3.client("s3"))
    files = [f"s3://{BUCKET}/{key}" for key in keys if CHECKPOINTS not in key]
    if saved := len(keys) - len(files):
        files.append(f"s3://{BUCKET}/work{CHECKPOINTS} ({saved} files, for a later --resume)")
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    return [*files, *(f"log group {group['logGroupName']}" for group in groups)]


def objects(s3: Any) -> list[str]:
    """The keys in the demo's bucket; none when it was interrupted before it had one."""
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        return []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [each["Key"] for page in pages for each in page.get("Contents", ())]


def result(stage: Stage, run: str) -> Any:
    """The `summary.json` that the run left in its work directory; None when there is none."""
    place = f"results/{run}/summary.json"
    if stage.aws is None:
        path = stage.work / place
        return json.loads(path.read_text()) if path.is_file() else None
    import boto3
    from botocore.exceptions import ClientError

    try:
        found = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"work/{place}")["Body"].read()
    except ClientError:
        return None
    return json.loads(found)
