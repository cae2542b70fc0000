"""The few places where the overlay reaches into moto's own state, in this process."""

import json
from functools import cache
from typing import Any

ACCOUNT = "123456789012"


def ec2(region: str) -> Any:
    """moto's EC2 of a region."""
    from moto.ec2 import ec2_backends

    return ec2_backends[ACCOUNT][region]


def iam() -> Any:
    """moto's IAM."""
    from moto.iam import iam_backends

    return iam_backends[ACCOUNT]["aws"]


def instance(region: str, id: str) -> Any | None:
    """An instance, or None."""
    for reservation in list(ec2(region).reservations.values()):
        for found in reservation.instances:
            if found.id == id:
                return found
    return None


def state_of(region: str, id: str) -> tuple[int, str]:
    """Code and name of an instance's state; one that is unknown was terminated long ago."""
    found = instance(region, id)
    return (found.state_code, found.state) if found else (48, "terminated")


def zone_of(region: str, subnet: str) -> str:
    """A subnet's zone; empty when there is no such subnet (moto then refuses the request itself)."""
    for subnets in ec2(region).subnets.values():
        if subnet in subnets:
            return str(subnets[subnet].availability_zone)
    return ""


@cache
def machine_types(region: str) -> frozenset[str]:
    """The instance types that a region offers."""
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

    return frozenset(offer["InstanceType"] for offer in INSTANCE_TYPE_OFFERINGS["region"].get(region, ()))


def architectures(machine_type: str) -> tuple[str, ...]:
    """What an instance type can run; empty when unknown."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    found = INSTANCE_TYPES.get(machine_type, {})
    return tuple(found.get("ProcessorInfo", {}).get("SupportedArchitectures", ()))


def instance_profile(named: str) -> Any | None:
    """An instance profile by its name or ARN."""
    for profile in iam().instance_profiles.values():
        if named in (profile.name, profile.arn):
            return profile
    return None


def reset() -> None:
    """Forgets everything that any service holds."""
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()


def policy(arn: str) -> dict[str, Any] | None:
    """One AWS-managed policy from moto's copy of them, without reading the other 1,500."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    key = json.dumps(arn.rpartition("/")[2]) + ": "
    at = aws_managed_policies_data.find(key)
    return json.JSONDecoder().raw_decode(aws_managed_policies_data, at + len(key))[0] if at >= 0 else None


def offer_managed_policy(arn: str) -> None:
    """Makes an AWS-managed policy attachable, if there is one of that name."""
    from moto.iam.models import AWSManagedPolicy

    if not arn.startswith("arn:aws:iam::aws:policy/") or arn in iam().managed_policies:
        return
    data = policy(arn)
    if data:
        made = AWSManagedPolicy.from_data(arn.rpartition("/")[2], ACCOUNT, "aws", data)
        iam().managed_policies[made.arn] = made
