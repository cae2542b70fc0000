"""An emulated AWS account. Is it really gone? Asked of the cloud itself, not of our own records."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.clouds.aws import EmulatedAws

REGION = "us-east-1"
BUCKET = "headnode-demo"
ACCESS_KEY = "AKIAHEADNODEDEMO0000"
"""The control plane's own key, so that its calls can be told from the machines'."""
CHECKPOINTS = "/.headnode/"
NOTICE = 15.0
"""Seconds between the spot notice and the end, so that a demo need not wait two minutes."""


class EmulatedAccount:
    """`Place` for the platform `aws-cloud`. Its clients read the process's environment."""

    platform = "aws-cloud"
    role = "aws-cloud"
    plugin = ""
    carried = ""

    def __init__(self, directory: Path, spot: bool) -> None:
        self._spot = spot
        self._secret = secrets.token_hex(20)
        self._cloud = EmulatedAws(directory=directory / "cloud")

    @property
    def title(self) -> str:
        """With its address."""
        return f"an emulated AWS at {self._cloud.url}"

    def start(self) -> Mapping[str, str]:
        """The emulator runs when it returns."""
        return self._cloud.start().environment(REGION)

    def stop(self) -> None:
        """Machines are ended first."""
        self._cloud.stop()

    def open(self, shared: list[Path]) -> None:
        """The user's bucket."""
        import boto3

        boto3.client("s3").create_bucket(Bucket=BUCKET)
        self._cloud.room.share = shared

    def enforce(self, permissions: Any) -> None:
        """An IAM policy document for the control plane's key."""
        self._cloud.enforce(ACCESS_KEY, permissions)

    def credentials(self) -> list[dict[str, Any]]:
        """Access keys, as a user would store them."""
        keys = {"accessKey": ACCESS_KEY, "secretKey": self._secret}
        return [{"name": "demo", "provider": "aws", "keys": {"discriminator": "aws", **keys}}]

    def config(self) -> dict[str, Any]:
        """A small machine; spot when it is to be taken away."""
        return {
            "discriminator": "aws-cloud",
            "region": REGION,
            "workDir": f"s3://{BUCKET}/work",
            "instanceType": "m5.large",
            "spot": "first" if self._spot else "never",
        }

    def interrupt(self) -> str:
        """By a spot notice."""
        import boto3

        wanted = [{"Name": "instance-state-name", "Values": ["running"]}]
        found = boto3.client("ec2").describe_instances(Filters=wanted)["Reservations"]
        instance = str(found[0]["Instances"][0]["InstanceId"])
        self._cloud.interrupt(instance, notice=NOTICE)
        return instance

    @property
    def mark(self) -> int:
        """How many calls there were."""
        return self._cloud.journal.count

    def calls(self, since: int) -> list[str]:
        """Those with the control plane's key."""
        entries = self._cloud.journal.entries(since=since)
        return [f"{each.service}:{each.action}" for each in entries if each.principal.endswith(ACCESS_KEY)]

    def reads_log(self, call: str) -> bool:
        """CloudWatch Logs and reads of objects."""
        return call.startswith(("logs:", "s3:Get", "s3:Head"))

    def leftovers(self) -> list[str]:
        """Instances, volumes, interfaces, roles and profiles; the network that every account begins
        with is the user's."""
        import boto3

        ec2, iam = boto3.client("ec2"), boto3.client("iam")
        profiles = iam.list_instance_profiles()["InstanceProfiles"]
        return [
            *alive(ec2),
            *(f"volume {each['VolumeId']}" for each in ec2.describe_volumes()["Volumes"]),
            *(f"network interface {each['NetworkInterfaceId']}" for each in interfaces(ec2)),
            *(f"role {each['RoleName']}" for each in iam.list_roles()["Roles"]),
            *(f"instance profile {each['InstanceProfileName']}" for each in profiles),
        ]

    def kept(self) -> list[str]:
        """Objects and log groups."""
        import boto3

        keys = objects(boto3.client("s3"))
        files = [f"s3://{BUCKET}/{key}" for key in keys if CHECKPOINTS not in key]
        if saved := len(keys) - len(files):
            files.append(f"s3://{BUCKET}/work{CHECKPOINTS} ({saved} files, for a later --resume)")
        groups = boto3.client("logs").describe_log_groups()["logGroups"]
        return [*files, *(f"log group {group['logGroupName']}" for group in groups)]

    def result(self, run: str) -> Any:
        """From the bucket."""
        import boto3
        from botocore.exceptions import ClientError

        try:
            key = f"work/results/{run}/summary.json"
            found = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except ClientError:
            return None
        return json.loads(found)


def alive(ec2: Any) -> list[str]:
    """Instances that are not terminated."""
    return [
        f"instance {instance['InstanceId']} ({instance['State']['Name']})"
        for page in ec2.get_paginator("describe_instances").paginate()
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]


def interfaces(ec2: Any) -> list[dict[str, Any]]:
    """The network interfaces of the account."""
    found: list[dict[str, Any]] = ec2.describe_network_interfaces()["NetworkInterfaces"]
    return found


def objects(s3: Any) -> list[str]:
    """The keys in the demo's bucket; none when it was interrupted before it had one."""
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        return []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [each["Key"] for page in pages for each in page.get("Contents", ())]
