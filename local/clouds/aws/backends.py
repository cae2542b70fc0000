"""The few places where the overlay reaches into moto's own state, in this process."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

ACCOUNT = "123456789012"
STATES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


def ec2(region: str) -> Any:
    """moto's EC2 of a region."""
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][region]


def iam() -> Any:
    """moto's IAM."""
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT]["aws"]


def instance(region: str, id: str) -> Any | None:
    """An instance, or None; also one that the API does not show yet."""
    for reservation in (*list(ec2(region).reservations.values()), *_unseen(region).values()):
        for found in reservation.instances:
            if found.id == id:
                return found
    return None


def shown(region: str, id: str) -> bool:
    """Whether the API knows of an instance by now."""
    found = instance(region, id)
    return found is not None and all(found not in r.instances for r in _unseen(region).values())


def hide(region: str, id: str) -> Callable[[], None]:
    """Takes an instance's reservation out of what the API shows; the result brings it back."""
    shown, unseen = ec2(region).reservations, _unseen(region)
    for name, reservation in list(shown.items()):
        if any(found.id == id for found in reservation.instances):
            unseen[name] = shown.pop(name)

    def show() -> None:
        shown.update(unseen)
        unseen.clear()

    return show


def _unseen(region: str) -> dict[str, Any]:
    """Kept with moto's own state, so that it goes with it."""
    unseen: dict[str, Any] = vars(ec2(region)).setdefault("headnode_unseen", {})
    return unseen


def put_state(found: Any, name: str) -> None:
    """Sets an instance's state by its name."""
    found._state.name, found._state.code = name, STATES[name]


def put_reason(found: Any, code: str, said: str, transition: str) -> None:
    """Why an instance is where it is, as DescribeInstances shows it."""
    found.state_reason.code, found.state_reason.message = code, f"{code}: {said}"
    found._reason = transition


def state_of(region: str, id: str) -> tuple[int, str]:
    """Code and name of an instance's state; one that is unknown was terminated long ago."""
    found = instance(region, id)
    return (found.state_code, found.state) if found else (48, "terminated")


def zone_of(region: str, subnet: str) -> str:
    """A subnet's zone; empty when there is no such subnet (moto then refuses the request itself)."""
    for subnets in list(ec2(region).subnets.values()):
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
    for profile in list(iam().instance_profiles.values()):
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

    key = f'\n "{arn.rpartition("/")[2]}":'  # one space: a name at the top of the document
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
        iam().managed_policies.setdefault(made.arn, made)


def rules(region: str) -> list[Any]:
    """The enabled EventBridge rules of a region's default bus."""
    from moto.events.models import events_backends

    buses = events_backends[ACCOUNT][region].event_buses
    return [rule for rule in list(buses["default"].rules.values()) if rule.state == "ENABLED"]


def role_credentials(region: str, role: Any, session: str, seconds: int) -> Any:
    """Temporary credentials of a role, known to moto's STS: access_key_id, secret_access_key,
    session_token."""
    from moto.sts.models import sts_backends

    sts = sts_backends[ACCOUNT]["aws"]
    return sts.assume_role(region, session, role.arn, "", seconds, "")


def bucket_region(name: str) -> str:
    """The region a bucket is in; empty when there is no such bucket."""
    from moto.s3.models import s3_backends

    for backend in list(s3_backends[ACCOUNT].values()):
        if name in backend.buckets:
            return str(backend.buckets[name].region_name)
    return ""
