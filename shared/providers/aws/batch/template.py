"""The launch template of an environment's nodes: disk, metadata, and what a node does when it boots.

Batch adds its own part to the user data, so ours has to be a MIME archive of parts.
"""

import base64
from collections.abc import Sequence
from typing import Any

from shared.errors import Refused
from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.batch.options import FUSION_THROUGHPUT, Work
from shared.providers.aws.errors import asking, code_of

BOUNDARY = "==HEADNODE=="
AGENT = """ECS_IMAGE_PULL_BEHAVIOR=once
ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_CONTAINER_CREATE_TIMEOUT=10m
ECS_CONTAINER_START_TIMEOUT=10m
ECS_CONTAINER_STOP_TIMEOUT=10m
ECS_MANIFEST_PULL_TIMEOUT=10m
"""
"""The ECS agent's settings for long pulls and for Spot."""
MEMORY = """#!/bin/sh
# Written pages are flushed early: else a large copy fills memory and the kernel kills the task.
sysctl -w vm.dirty_bytes=1258291200 vm.dirty_background_bytes=629145600
"""
SCRATCH = """#!/bin/sh
# The fast disks of the node as one file system.
set -u
command -v nvme > /dev/null && command -v lvcreate > /dev/null || yum install -y nvme-cli lvm2
disks=$(nvme list | awk '/Instance Storage/ {print $1}')
[ -n "$disks" ] || exit 0
set -- $disks
disk=$1
if [ "$#" -gt 1 ]; then
  vgcreate scratch "$@"
  lvcreate --yes -l 100%FREE -n volume scratch
  disk=/dev/scratch/volume
fi
mkfs.xfs -f "$disk"
mkdir -p /scratch/fusion
mount -o noatime "$disk" /scratch/fusion
chmod a+w /scratch/fusion
"""


def user_data(account: BatchAccount, work: Work) -> str:
    """A MIME archive of the node's boot scripts. Pure."""
    config = AGENT + (f"{work.ecs_config.strip()}\n" if work.ecs_config else "")
    agent = f"#!/bin/sh\ncat >> /etc/ecs/ecs.config <<'END_OF_CONFIG'\n{config}END_OF_CONFIG\n"
    scripts = [agent, MEMORY, *([SCRATCH] if account.batch.nvme else [])]
    head = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n'
    kind = 'Content-Type: text/x-shellscript; charset="us-ascii"'
    parts = "".join(f"--{BOUNDARY}\n{kind}\n\n{script}\n" for script in scripts)
    return f"{head}{parts}--{BOUNDARY}--\n"


def data(account: BatchAccount, work: Work) -> dict[str, Any]:
    """The template's content. Pure."""
    disk: dict[str, Any] = {"VolumeSize": work.boot_disk, "VolumeType": "gp3", "DeleteOnTermination": True}
    if account.batch.fusion and not account.batch.nvme:
        disk["Throughput"] = FUSION_THROUGHPUT
    pairs = tag_pairs(account)
    return {
        "UserData": base64.b64encode(user_data(account, work).encode()).decode(),
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
        # Two hops: a task's container asks for its node's credentials too.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": [{"ResourceType": kind, "Tags": pairs} for kind in ("instance", "volume")],
    }


def tag_pairs(account: BatchAccount) -> list[dict[str, str]]:
    """Tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in account.carried.items()]


def ensure(account: BatchAccount, name: str) -> str:
    """The template's id, made or found. Raises Refused for one of that name that is not ours."""
    work = account.batch.work
    if work is None:
        raise Refused("a launch template is made with forge only")
    with asking("ec2:CreateLaunchTemplate"):
        try:
            request: Any = {
                "LaunchTemplateName": name,
                "LaunchTemplateData": data(account, work),
                "TagSpecifications": [{"ResourceType": "launch-template", "Tags": tag_pairs(account)}],
            }
            answer = account.clients.ec2.create_launch_template(**request)
            return answer["LaunchTemplate"]["LaunchTemplateId"]
        except Exception as error:
            if "AlreadyExists" not in code_of(error):
                raise
    return str(find(account, name)["LaunchTemplateId"])


def find(account: BatchAccount, name: str) -> dict[str, Any]:
    """The template of that name; empty when there is none. Raises Refused when it is not ours."""
    with asking("ec2:DescribeLaunchTemplates"):
        answer = account.clients.ec2.describe_launch_templates(
            Filters=[{"Name": "launch-template-name", "Values": [name]}]
        )
    shown: Sequence[Any] = answer["LaunchTemplates"]
    for each in shown:
        carried = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        if not account.tags.items() <= carried.items():
            raise Refused(f"launch template {name} exists and is not ours: it lacks our tags")
        return dict(each)
    return {}


def remove(account: BatchAccount, name: str) -> bool:
    """Deletes it; True once EC2 shows none of that name."""
    if not find(account, name):
        return True
    with asking("ec2:DeleteLaunchTemplate"):
        try:
            account.clients.ec2.delete_launch_template(LaunchTemplateName=name)
        except Exception as error:
            if "NotFound" not in code_of(error):
                raise
    return not find(account, name)
