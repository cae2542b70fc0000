"""The emulated AWS under the scenarios."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from local.clouds.aws import EmulatedAws
from shared.model.run import Run
from shared.providers.aws.permissions import policy
from tests.scenarios.clouds import Shown

REGION = "eu-west-1"
BUCKET = "rig-bucket"
KEY = "AKIARIGRIGRIGRIGRIG0"
CALLS = {"launch": "RunInstances", "list": "DescribeInstances", "remove": "TerminateInstances"}
NOTHING = {"Version": "2012-10-17", "Statement": []}


@dataclass
class Aws:
    """`Cloud` on moto with its strict overlay."""

    emulated: EmulatedAws
    platform = "aws-cloud"
    types = ("m6i.large", "c6i.large")
    capacity = "InsufficientInstanceCapacity"
    made = ["IamRole", "IamInstanceProfile"]
    refuses = True

    def __post_init__(self) -> None:
        place = {"LocationConstraint": REGION}
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)

    @cached_property
    def ec2(self) -> Any:
        return boto3.client("ec2", region_name=REGION)

    def config(self) -> dict[str, Any]:
        return {"region": REGION, "workDir": f"s3://{BUCKET}/work"}

    def credentials(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        return "aws", {"accessKey": KEY}, {"secretKey": "rig-secret"}

    def instances(self) -> Iterator[dict[str, Any]]:
        for page in self.ec2.get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                yield from reservation["Instances"]

    def machines(self) -> list[Shown]:
        return [
            Shown(
                each["InstanceId"],
                {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])},
                each["State"]["Name"] not in ("shutting-down", "terminated"),
            )
            for each in self.instances()
        ]

    def started(self, run: Run) -> list[str]:
        return [each.id for each in self.machines() if each.tags.get("headnode:run") == run.id]

    def resources(self) -> list[str]:
        iam = boto3.client("iam")
        roles = [each["RoleName"] for each in iam.list_roles()["Roles"]]
        return roles + [
            each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]
        ]

    def tag(self, id: str, key: str, value: str) -> None:
        self.ec2.create_tags(Resources=[id], Tags=[{"Key": key, "Value": value}])

    def end(self, id: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[id])

    def stranger(self, tags: dict[str, str]) -> str:
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self.ec2.run_instances(
            ImageId=image,
            InstanceType="m6i.large",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )
        return str(made["Instances"][0]["InstanceId"])

    def keep(self, run: Run) -> None:
        key = f"work/nf-{run.id}.txt"
        boto3.client("s3", region_name=REGION).put_object(Bucket=BUCKET, Key=key, Body=b"done\n")

    def strike(self, call: str, kind: str, times: int | None = 1) -> None:
        if call != "forge":
            self.emulated.faults.add("ec2", CALLS[call], kind=kind, times=times)
            return
        seen: set[str] = set()

        def first(each: Any) -> bool:
            return each.action not in seen and not seen.add(each.action)

        self.emulated.faults.add("iam", "*", when=first, kind=kind, times=None)

    def no_capacity(self, type: str | None = None, times: int | None = None) -> None:
        when = {"InstanceType": type} if type else None
        self.emulated.faults.add("ec2", "RunInstances", when=when, kind="capacity", times=times)

    def enforce(self, step: str | None, without: str = "") -> None:
        self.emulated.enforce(KEY, statements(step, without) if step else NOTHING)

    def refused(self) -> list[str]:
        # An unsigned call asks for no permission: it learns a bucket's region from the refusal.
        return [
            str(each)
            for each in self.emulated.journal.entries()
            if each.status in (401, 403) and each.principal != "anonymous"
        ]

    def cut(self, write: Callable[[Callable[[], Any]], Any], monkeypatch: Any) -> None:
        from botocore.httpsession import URLLib3Session

        send = URLLib3Session.send
        monkeypatch.setattr(URLLib3Session, "send", lambda self, request: write(lambda: send(self, request)))


def statements(step: str, without: str) -> dict[str, Any]:
    """The step's policy with the work directory put in, as people do."""
    found = json.loads(json.dumps(policy(step)).replace("<BUCKET_NAME>/WORKDIR", f"{BUCKET}/work"))
    found["Statement"] = [each for each in found["Statement"] if each["Sid"] != without]
    return dict(found)
