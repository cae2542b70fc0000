"""The permissions that EC2 calls need (AWS's service authorization reference for EC2)."""

import re
from collections.abc import Iterator
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.permissions.policy import Need

_KINDS = {
    "i": "instance",
    "vol": "volume",
    "eni": "network-interface",
    "subnet": "subnet",
    "sg": "security-group",
    "vpc": "vpc",
    "ami": "image",
    "snap": "snapshot",
    "lt": "launch-template",
    "sir": "spot-instances-request",
}
_ON_INSTANCES = ("TerminateInstances", "StopInstances", "StartInstances", "RebootInstances")


def needs(call: Call) -> list[Need] | None:
    """What a call needs; None for one that is not modelled."""
    if call.action.startswith("Describe"):
        return [Need(f"ec2:{call.action}", context=_place(call))]
    if call.action in _ON_INSTANCES:
        ids = numbered(call.params, "InstanceId")
        return [Need(f"ec2:{call.action}", (arn(call, id),), _of(call, id)) for id in ids]
    if call.action in ("CreateTags", "DeleteTags"):
        tags = _tags(call.params, "Tag")
        return [
            Need(f"ec2:{call.action}", (arn(call, id),), _of(call, id) | requested(tags))
            for id in numbered(call.params, "ResourceId")
        ]
    if call.action in ("CreateLaunchTemplate", "DeleteLaunchTemplate"):
        return list(_made(call, arn(call, "*", "launch-template")))
    if call.action == "CreateSecurityGroup":
        vpc = Need(
            "ec2:CreateSecurityGroup", (arn(call, call.params.get("VpcId", "vpc-none")),), _place(call)
        )
        return [*_made(call, arn(call, "*", "security-group")), vpc]
    if call.action in ("DeleteSecurityGroup", "AuthorizeSecurityGroupIngress"):
        group = call.params.get("GroupId", "sg-none")
        return [Need(f"ec2:{call.action}", (arn(call, group),), _of(call, group))]
    return list(_launch(call)) if call.action == "RunInstances" else None


def _made(call: Call, anyone: str) -> Iterator[Need]:
    """Something that is made or deleted, and the permission to tag it where it is made with tags."""
    made = dict(_specified(call.params))
    tagged = requested({key: value for tags in made.values() for key, value in tags.items()})
    yield Need(f"ec2:{call.action}", (anyone,), _place(call) | tagged)
    for kind, tags in made.items():
        context = _place(call) | requested(tags) | {"ec2:CreateAction": call.action}
        yield Need("ec2:CreateTags", (arn(call, "*", kind),), context)


def _launch(call: Call) -> Iterator[Need]:
    """RunInstances is asked of every resource that it uses or makes, of CreateTags for each kind it
    tags, and of PassRole for the role that the machine will have."""
    place, made = _place(call), dict(_specified(call.params))
    profile = backends.instance_profile(_profile(call.params))
    about = place | _instance(call.params) | ({"ec2:InstanceProfile": profile.arn} if profile else {})
    for kind, context in (
        ("instance", about),
        ("volume", place | _volume(call.params)),
        ("network-interface", place),
    ):
        tagged = requested(made[kind]) if kind in made else {}
        yield Need("ec2:RunInstances", (arn(call, "*", kind),), dict(context) | tagged)
    for id in _used(call):
        yield Need("ec2:RunInstances", (arn(call, id),), _of(call, id))
    if call.params.get("KeyName"):
        yield Need("ec2:RunInstances", (arn(call, call.params["KeyName"], "key-pair"),), place)
    for kind, tags in made.items():
        context = place | requested(tags) | {"ec2:CreateAction": "RunInstances"}
        yield Need("ec2:CreateTags", (arn(call, "*", kind),), context)
    for role in profile.roles if profile else ():
        yield Need("iam:PassRole", (role.arn,), {"iam:PassedToService": "ec2.amazonaws.com"})


def _used(call: Call) -> list[str]:
    """The existing resources a launch names, or takes by default."""
    params, ec2 = call.params, backends.ec2(call.region)
    subnets = [
        v for k, v in params.items() if k == "SubnetId" or re.fullmatch(r"NetworkInterface\.\d+\.SubnetId", k)
    ]
    groups = [
        v
        for k, v in params.items()
        if re.search(r"(^|\.)SecurityGroup(Id)?\.\d+$", k) and v.startswith("sg-")
    ]
    vpc = ec2.get_default_vpc()
    if not subnets:
        zone = params.get("Placement.AvailabilityZone") or f"{call.region}a"
        default = ec2.get_default_subnets().get(zone)
        subnets = [default.id] if default else []
    if not groups and vpc:
        groups = [group.id for group in ec2.groups[vpc.id].values() if group.name == "default"]
    return [params.get("ImageId", "ami-unknown"), *subnets, *groups]


def _profile(params: dict[str, Any]) -> str:
    return str(params.get("IamInstanceProfile.Arn") or params.get("IamInstanceProfile.Name") or "")


def _instance(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "ec2:InstanceType": params.get("InstanceType", "m1.small"),
        "ec2:InstanceMarketType": params.get("InstanceMarketOptions.MarketType", "on-demand"),
        "ec2:MetadataHttpTokens": params.get("MetadataOptions.HttpTokens", "optional"),
        "ec2:MetadataHttpPutResponseHopLimit": params.get("MetadataOptions.HttpPutResponseHopLimit", "1"),
        "ec2:EbsOptimized": params.get("EbsOptimized", "false"),
        "ec2:Tenancy": params.get("Placement.Tenancy", "default"),
    }


def _volume(params: dict[str, Any]) -> dict[str, Any]:
    start = "BlockDeviceMapping.1.Ebs."
    known = {
        "ec2:Encrypted": params.get(f"{start}Encrypted", "false"),
        "ec2:VolumeSize": params.get(f"{start}VolumeSize"),
        "ec2:VolumeType": params.get(f"{start}VolumeType", "gp2"),
        "ec2:KmsKeyId": params.get(f"{start}KmsKeyId"),
    }
    return {key: value for key, value in known.items() if value is not None}


def arn(call: Call, id: str, kind: str = "") -> str:
    """A resource's ARN; images and snapshots have no account in theirs."""
    kind = kind or _KINDS.get(id.partition("-")[0], "unknown")
    account = "" if kind in ("image", "snapshot") else backends.ACCOUNT
    return f"arn:aws:ec2:{call.region}:{account}:{kind}/{id}"


def _place(call: Call) -> dict[str, Any]:
    return {"ec2:Region": call.region, "aws:RequestedRegion": call.region}


def _of(call: Call, id: str) -> dict[str, Any]:
    """The context of an existing resource: its tags, under both of their names."""
    context = _place(call)
    for tag in backends.ec2(call.region).describe_tags(filters={"resource-id": [id]}):
        context[f"aws:ResourceTag/{tag['key']}"] = context[f"ec2:ResourceTag/{tag['key']}"] = tag["value"]
    return context


def requested(tags: dict[str, str]) -> dict[str, Any]:
    """The context that tags in a request make."""
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()} | (
        {"aws:TagKeys": tuple(tags)} if tags else {}
    )


def _specified(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The tags of TagSpecifications by kind of resource."""
    for key, kind in params.items():
        match = re.fullmatch(r"TagSpecification\.(\d+)\.ResourceType", key)
        if match:
            yield kind, _tags(params, f"TagSpecification.{match[1]}.Tag")


def _tags(params: dict[str, Any], start: str) -> dict[str, str]:
    keys = {
        k[: -len(".Key")]: v for k, v in params.items() if k.startswith(f"{start}.") and k.endswith(".Key")
    }
    return {key: params.get(f"{at}.Value", "") for at, key in keys.items()}


def numbered(params: dict[str, Any], name: str) -> list[str]:
    """The members of a list parameter of the query protocol."""
    return [value for key, value in params.items() if re.fullmatch(rf"{name}\.\d+", key)]
