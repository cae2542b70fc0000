"""The launch template of an environment's nodes: disks, metadata, tags, and the boot scripts."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import Refused
from shared.model.environment import Made, ResourceRow
from shared.providers.aws.batch.account import BatchAccount, detail, tag_pairs
from shared.providers.aws.batch.options import FUSION_THROUGHPUT, Work
from shared.providers.aws.batch.userdata import DEVICE, user_data
from shared.providers.aws.errors import asking, code_of


def data(account: BatchAccount, work: Work, made: Mapping[str, ResourceRow]) -> dict[str, Any]:
    """The template's content. Pure."""
    pairs = tag_pairs(account)
    return {
        "UserData": base64.b64encode(user_data(account, work, made).encode()).decode(),
        "BlockDeviceMappings": disks(account, work),
        # Two hops: a task's container asks for its node's credentials too.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": [{"ResourceType": kind, "Tags": pairs} for kind in ("instance", "volume")],
    }


def disks(account: BatchAccount, work: Work) -> list[dict[str, Any]]:
    """The root disk, and the first volume of one that grows. They go with their node."""
    root = disk(work.boot_disk, work)
    if account.batch.fusion and not account.batch.nvme and work.disk_type == "gp3":
        root["Throughput"] = FUSION_THROUGHPUT
    found = [{"DeviceName": detail(account, "rootDevice") or "/dev/xvda", "Ebs": root}]
    return [*found, {"DeviceName": DEVICE, "Ebs": disk(work.expanding, work)}] if work.expanding else found


def disk(size: int, work: Work) -> dict[str, Any]:
    """One volume, of `size` GiB."""
    return {"VolumeSize": size, "VolumeType": work.disk_type, "DeleteOnTermination": True}


def ensure(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
    """The template, made or found. Raises Refused for one of that name that is not ours."""
    work, name = account.batch.work, row.name
    if work is None:
        raise Refused("a launch template is made with forge only")
    with asking("ec2:CreateLaunchTemplate"):
        try:
            request: Any = {
                "LaunchTemplateName": name,
                "LaunchTemplateData": data(account, work, made),
                "TagSpecifications": [{"ResourceType": "launch-template", "Tags": tag_pairs(account)}],
            }
            answer = account.clients.ec2.create_launch_template(**request)
            return Made(cloud_id=answer["LaunchTemplate"]["LaunchTemplateId"])
        except Exception as error:
            if "AlreadyExists" not in code_of(error):
                raise
    return Made(cloud_id=str(find(account, name)["LaunchTemplateId"]))


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
