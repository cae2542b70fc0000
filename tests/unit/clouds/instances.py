"""Instances of the emulated EC2, as its tests start and see them."""

from typing import Any

import boto3

from local.clouds.aws.images import image_id

IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")
FOR_EVER = "#!/bin/sh\necho up\nexec sleep 1000\n"


def start(user_data: str = FOR_EVER, **changes: Any) -> str:
    asked = {
        "ImageId": IMAGE,
        "InstanceType": "m6i.large",
        "MinCount": 1,
        "MaxCount": 1,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "UserData": user_data,
    }
    return boto3.client("ec2").run_instances(**asked | changes)["Instances"][0]["InstanceId"]


def shown(id: str) -> dict[str, Any]:
    return boto3.client("ec2").describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
