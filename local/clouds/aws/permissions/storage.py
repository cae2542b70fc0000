"""The permissions that calls to EFS, FSx and SSM need (AWS's service authorization references)."""

from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.permissions.ec2 import requested
from local.clouds.aws.permissions.policy import Need

_ANY_EFS = ("CreateFileSystem", "DescribeMountTargets", "DescribeFileSystems")
_ON_EFS = (
    "DeleteFileSystem",
    "PutLifecycleConfiguration",
    "DescribeLifecycleConfiguration",
    "CreateMountTarget",
)


def efs(call: Call) -> list[Need] | None:
    """EFS: a mount target is judged by its file system; making something with tags needs TagResource."""
    name, start = (
        f"elasticfilesystem:{call.action}",
        f"arn:aws:elasticfilesystem:{call.region}:{backends.ACCOUNT}",
    )
    system = f"{start}:file-system/{call.params.get('FileSystemId') or '*'}"
    if call.action == "DeleteMountTarget":
        return [Need(name, (f"{start}:file-system/*",))]
    if call.action not in (*_ANY_EFS, *_ON_EFS):
        return None
    context = _tags(call)
    found = [Need(name, (system,), context)]
    if context:
        found.append(Need("elasticfilesystem:TagResource", (system,), context))
    return found


def fsx(call: Call) -> list[Need] | None:
    """FSx."""
    if call.action == "DescribeFileSystems":
        return [Need("fsx:DescribeFileSystems")]
    if call.action not in ("CreateFileSystem", "DeleteFileSystem"):
        return None
    system = (
        f"arn:aws:fsx:{call.region}:{backends.ACCOUNT}:file-system/{call.params.get('FileSystemId') or '*'}"
    )
    context = _tags(call)
    found = [Need(f"fsx:{call.action}", (system,), context)]
    if context:
        found.append(Need("fsx:TagResource", (system,), context))
    return found


def ssm(call: Call) -> list[Need] | None:
    """SSM's parameters; AWS's own have no account in their ARN."""
    if call.action not in ("GetParameter", "GetParameters"):
        return None
    names = call.params.get("Names") or [call.params.get("Name", "")]
    return [
        Need(f"ssm:{call.action}", (f"arn:aws:ssm:{call.region}::parameter/{str(each).lstrip('/')}",))
        for each in names
    ]


def secrets(call: Call) -> list[Need] | None:
    """Secrets Manager: a secret's ARN ends in a random part."""
    if call.action == "ListSecrets":
        return [Need("secretsmanager:ListSecrets")]
    if call.action not in ("CreateSecret", "DescribeSecret", "DeleteSecret", "GetSecretValue"):
        return None
    named = str(call.params.get("SecretId") or call.params.get("Name", ""))
    arn = f"arn:aws:secretsmanager:{call.region}:{backends.ACCOUNT}:secret:{named}-abcdef"
    return [Need(f"secretsmanager:{call.action}", (named if named.startswith("arn:") else arn,))]


def _tags(call: Call) -> dict[str, Any]:
    given = call.params.get("Tags") or () if call.action.startswith("Create") else ()
    return requested({each["Key"]: each["Value"] for each in given})
