"""The security group between nodes and the file systems that Forge makes: whoever wears it may reach the
file systems' ports on whoever wears it."""

from typing import Any

from shared.errors import NotYet, Refused
from shared.model.environment import Made, ResourceRow
from shared.providers.aws import choices
from shared.providers.aws.batch.account import BatchAccount, subnets, tag_pairs
from shared.providers.aws.errors import asking, code_of

KEY = "storage-group"
EFS_PORTS = ((2049, 2049),)
FSX_PORTS = ((988, 988), (1018, 1023))
"""NFS, and Lustre's own (first, last)."""


def ensure(account: BatchAccount, row: ResourceRow) -> Made:
    """The group with its rules, whatever of it is there already."""
    found = find(account, row.name)
    group = str(found["GroupId"]) if found else create(account, row.name)
    if not group:
        raise NotYet(f"security group {row.name} cannot be seen yet")
    work = account.batch.work
    assert work is not None
    ports = [
        *(EFS_PORTS if work.efs and work.efs.made else ()),
        *(FSX_PORTS if work.fsx and work.fsx.made else ()),
    ]
    for first, last in ports:
        allow(account, group, first, last)
    return Made(cloud_id=group)


def create(account: BatchAccount, name: str) -> str:
    """A new one in the VPC of the nodes; empty when an earlier try made it and it is not shown yet."""
    shown = choices.described_subnets(account, "subnet-id", subnets(account)[:1])
    if not shown:
        raise Refused("the subnets of the environment do not exist any more")
    tagged: Any = [{"ResourceType": "security-group", "Tags": tag_pairs(account)}]
    with asking("ec2:CreateSecurityGroup"):
        try:
            answer = account.clients.ec2.create_security_group(
                GroupName=name,
                Description="File systems of a headnode compute environment",
                VpcId=shown[0]["vpc"],
                TagSpecifications=tagged,
            )
        except Exception as error:
            if code_of(error) != "InvalidGroup.Duplicate":
                raise
            return ""
    return answer["GroupId"]


def allow(account: BatchAccount, group: str, first: int, last: int) -> None:
    """Lets those who wear the group reach each other on these ports. Idempotent."""
    rule: Any = {
        "IpProtocol": "tcp",
        "FromPort": first,
        "ToPort": last,
        "UserIdGroupPairs": [{"GroupId": group}],
    }
    with asking("ec2:AuthorizeSecurityGroupIngress"):
        try:
            account.clients.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        except Exception as error:
            if code_of(error) != "InvalidPermission.Duplicate":
                raise


def find(account: BatchAccount, name: str) -> dict[str, Any]:
    """The group of that name; empty when there is none. Raises Refused when it is not ours."""
    with asking("ec2:DescribeSecurityGroups"):
        answer = account.clients.ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [name]}]
        )
    for each in answer["SecurityGroups"]:
        carried = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        if not account.tags.items() <= carried.items():
            raise Refused(f"security group {name} exists and is not ours: it lacks our tags")
        return dict(each)
    return {}


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """Deletes it; True once EC2 shows none of that name. Raises Retry while something wears it."""
    found = find(account, row.name)
    if not found:
        return True
    with asking("ec2:DeleteSecurityGroup"):
        try:
            account.clients.ec2.delete_security_group(GroupId=found["GroupId"])
        except Exception as error:
            if "NotFound" not in code_of(error):
                raise
    return not find(account, row.name)
