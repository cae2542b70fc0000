"""Instances with machines: user data is really carried out, and the state follows the machine."""

import json
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from local.clouds.aws import EmulatedAws
from local.clouds.aws.images import image_id

IMAGE = image_id("us-east-1", "al2023-ami-2023.11.20261109.0-kernel-6.1-x86_64")


def start(user_data: str, **changes) -> str:
    asked = {
        "ImageId": IMAGE,
        "InstanceType": "m6i.large",
        "MinCount": 1,
        "MaxCount": 1,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "UserData": user_data,
    }
    return boto3.client("ec2").run_instances(**asked | changes)["Instances"][0]["InstanceId"]


def shown(id: str) -> dict:
    return boto3.client("ec2").describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]


def printed(cloud: EmulatedAws, id: str, text: str) -> None:
    until = time.monotonic() + 10
    while text not in cloud.room.console(id):
        assert time.monotonic() < until, cloud.room.console(id)
        time.sleep(0.02)


def test_shutdown_on_the_machine_terminates_the_instance(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\necho hello from the machine\nshutdown -h now\n")

    aws_with_machines.until(id, "terminated")

    assert "hello from the machine" in aws_with_machines.room.console(id)
    assert shown(id)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
