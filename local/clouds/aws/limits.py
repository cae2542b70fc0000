"""Limits and rules of services that moto does not keep, for the calls that we make."""

import json
import re
from collections.abc import Callable, Iterator

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal

Fault = tuple[str, str] | None
VOLUME_SIZES = {
    "gp2": (1, 16_384),
    "gp3": (1, 65_536),
    "io1": (4, 16_384),
    "io2": (4, 65_536),
    "standard": (1, 1_024),
}
"""GiB, least and most (EBS user guide, volume types)."""
LOG_BATCH_BYTES, LOG_BATCH_EVENTS, LOG_EVENT_OVERHEAD = 1_048_576, 10_000, 26
"""PutLogEvents (CloudWatch Logs quotas)."""
INLINE_POLICIES = 10_240
"""Characters of all inline policies of a role together, white space aside (IAM quotas)."""


class Limits:
    """Refuses what the real service would, for any service."""

    def before(self, call: Call) -> Answer | None:
        """The first rule that the call breaks."""
        for check in _CHECKS.get((call.service, call.action), ()):
            found = check(call)
            if found:
                return refusal(call, *found)
        return None

    def after(self, _: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        return answer


def _tags(call: Call) -> Fault:
    seen: set[tuple[str, str]] = set()
    for at, key in _named(call, r"((?:TagSpecification\.\d+\.)?Tag|Tags\.member)\.(\d+)\.Key"):
        value = str(call.params.get(at.removesuffix(".Key") + ".Value", ""))
        if key.startswith("aws:"):
            return (
                "InvalidParameterValue",
                f"Tag keys starting with 'aws:' are reserved for internal use: {key}",
            )
        if len(key) > 128 or len(value) > 256:
            return (
                "InvalidParameterValue",
                f"Tag {key[:40]} exceeds 128 characters in its key or 256 in its value",
            )
        place = at.rpartition(".Tag.")[0]
        if (place, key) in seen:
            return "InvalidParameterValue", f"Duplicate tag key '{key}' specified."
        seen.add((place, key))
    return None


def _named(call: Call, pattern: str) -> Iterator[tuple[str, str]]:
    return ((key, str(value)) for key, value in call.params.items() if re.fullmatch(pattern, key))


def _counts(call: Call) -> Fault:
    least, most = int(call.params.get("MinCount", 1)), int(call.params.get("MaxCount", 1))
    if not 1 <= least <= most:
        return "InvalidParameterValue", f"MinCount {least} and MaxCount {most} do not fit together."
    return None


def _behaviour(call: Call) -> Fault:
    asked = call.params.get("InstanceInitiatedShutdownBehavior", "stop")
    if asked not in ("stop", "terminate"):
        return "InvalidParameterValue", f"Value ({asked}) for instanceInitiatedShutdownBehavior is invalid."
    return None


def _volumes(call: Call) -> Fault:
    image = backends.ec2(call.region).amis.get(call.params.get("ImageId"))
    for at, device in _named(call, r"BlockDeviceMapping\.\d+\.DeviceName"):
        ebs = at.replace("DeviceName", "Ebs")
        kind, size = call.params.get(f"{ebs}.VolumeType", "gp2"), call.params.get(f"{ebs}.VolumeSize")
        if kind not in VOLUME_SIZES:
            return "InvalidParameterValue", f"Value ({kind}) for parameter volumeType is invalid."
        least, most = VOLUME_SIZES[kind]
        if size and not least <= int(size) <= most:
            return (
                "InvalidParameterValue",
                f"Volume of {size}GiB is invalid; it must be {least} to {most} for {kind}.",
            )
        root = image.block_device_mappings[0] if image else {}
        if size and device == root.get("DeviceName") and int(size) < root["Ebs"]["VolumeSize"]:
            snapshot, wanted = root["Ebs"]["SnapshotId"], root["Ebs"]["VolumeSize"]
            said = f"Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size >= {wanted}GB"
            return "InvalidBlockDeviceMapping", said
    return None


def _network(call: Call) -> Fault:
    """A machine's groups are of the VPC of its subnet, or of the default VPC when it names none."""
    ec2 = backends.ec2(call.region)
    subnet = call.params.get("SubnetId")
    found = next((subnets[subnet] for subnets in list(ec2.subnets.values()) if subnet in subnets), None)
    default = ec2.get_default_vpc()
    vpc = found.vpc_id if found else default.id if default and not subnet else None
    for _, group in _named(call, r"SecurityGroupId\.\d+"):
        known = ec2.get_security_group_from_id(group)
        if known and vpc and known.vpc_id != vpc:
            place = f"subnet {subnet}" if subnet else "the default VPC"
            said = f"Security group {group} and {place} belong to different networks."
            return "InvalidParameter", said
    return None


def _page(call: Call) -> Fault:
    size = call.params.get("MaxResults")
    if size is not None and not 5 <= int(size) <= 1_000:
        return (
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting 5 to 1000.",
        )
    return None


def _instances(call: Call) -> Fault:
    for _, id in _named(call, r"(InstanceId|ResourceId)\.\d+"):
        if call.action.endswith("Instances") and not re.fullmatch(r"i-([0-9a-f]{8}|[0-9a-f]{17})", id):
            return "InvalidInstanceID.Malformed", f'Invalid id: "{id}"'
        if id.startswith("i-") and not backends.shown(call.region, id):
            return "InvalidInstanceID.NotFound", f"The instance ID '{id}' does not exist"
    return None


def _iam_names(call: Call) -> Fault:
    for name, longest in (("RoleName", 64), ("InstanceProfileName", 128), ("PolicyName", 128)):
        if not re.fullmatch(rf"[\w+=,.@-]{{1,{longest}}}", call.params.get(name, "x"), re.ASCII):
            return (
                "ValidationError",
                f"Value at '{name}' must be 1 to {longest} of letters, digits and _+=,.@-",
            )
    return None


def _trust(call: Call) -> Fault:
    try:
        document = json.loads(call.params.get("AssumeRolePolicyDocument", ""))
    except ValueError:
        document = None
    fine = isinstance(document, dict)
    return None if fine else ("MalformedPolicyDocument", "This policy contains invalid Json")


def _inline_size(call: Call) -> Fault:
    name = call.params.get("RoleName", "")
    role = next((role for role in list(backends.iam().roles.values()) if role.name == name), None)
    kept = dict(role.policies) if role else {}
    kept[call.params.get("PolicyName", "")] = call.params.get("PolicyDocument", "")
    texts = (text if isinstance(text, str) else json.dumps(text) for text in kept.values())
    if sum(len(re.sub(r"\s", "", text)) for text in texts) > INLINE_POLICIES:
        return "LimitExceeded", f"Maximum policy size of {INLINE_POLICIES} bytes exceeded for role {name}"
    return None


def _log_events(call: Call) -> Fault:
    events = call.params.get("logEvents", [])
    size = sum(len(str(event.get("message", "")).encode()) + LOG_EVENT_OVERHEAD for event in events)
    if not 1 <= len(events) <= LOG_BATCH_EVENTS:
        return (
            "InvalidParameterException",
            f"A batch has 1 to {LOG_BATCH_EVENTS} log events, this one {len(events)}",
        )
    if not all(event.get("message") for event in events):
        return "InvalidParameterException", "A log event's message must have a length of at least 1"
    if size > LOG_BATCH_BYTES:
        return (
            "InvalidParameterException",
            f"Upload too large: {size} bytes exceeds limit of {LOG_BATCH_BYTES}",
        )
    if events[-1]["timestamp"] - events[0]["timestamp"] > 86_400_000:
        return (
            "InvalidParameterException",
            "A batch of log events in a single request cannot span more than 24 hours",
        )
    return None


Checks = tuple[Callable[[Call], Fault], ...]
_CHECKS: dict[tuple[str, str], Checks] = {
    ("ec2", "RunInstances"): (_counts, _behaviour, _tags, _volumes, _network),
    ("ec2", "CreateTags"): (_tags, _instances),
    ("ec2", "DeleteTags"): (_instances,),
    ("ec2", "DescribeInstances"): (_page, _instances),
    ("ec2", "TerminateInstances"): (_instances,),
    ("iam", "CreateRole"): (_iam_names, _tags, _trust),
    ("iam", "CreateInstanceProfile"): (_iam_names, _tags),
    ("iam", "PutRolePolicy"): (_iam_names, _inline_size),
    ("logs", "PutLogEvents"): (_log_events,),
}
