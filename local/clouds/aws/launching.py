"""RunInstances as EC2 does it, where moto is lenient: client tokens, and requests that EC2 refuses."""

import base64
import binascii
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal

LARGEST_USER_DATA = 16_384
"""Bytes before base64 (EC2 user guide, instance user data)."""
LONGEST_TOKEN = 64
_STATE = re.compile(r"<instanceState>.*?</instanceState>", re.DOTALL)
_IDS = re.compile(r"<instanceId>(i-[0-9a-f]+)</instanceId>")


@dataclass(frozen=True)
class Kept:
    """What a token stands for."""

    parameters: str
    instances: tuple[str, ...]
    answer: Answer


class Tokens:
    """Client tokens, each good within a region, or within a zone when the request names one: the same
    token in another zone is another machine."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Kept] = {}

    def recall(self, call: Call) -> Answer | None:
        """The first answer again, with today's states; a refusal; or None for a token that is new."""
        kept = self._kept.get(_scope(call))
        if kept is None:
            return None
        if kept.parameters != _fingerprint(call):
            return refusal(
                call,
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous "
                "request(s).",
            )
        states = [backends.state_of(call.region, id) for id in kept.instances]
        if any(name == "terminated" for _, name in states):
            return refusal(
                call,
                "IdempotentInstanceTerminated",
                "The client token you have provided is associated with a terminated instance. "
                "Please use a different client token.",
            )
        return Answer(200, with_states(kept.answer.body, iter(states)), kept.answer.headers)

    def keep(self, call: Call, answer: Answer) -> None:
        """Remembers a success."""
        if call.params.get("ClientToken") and answer.status == 200:
            self._kept[_scope(call)] = Kept(_fingerprint(call), instances_in(answer), answer)

    def clear(self) -> None:
        """Forgets them all."""
        self._kept.clear()


def _scope(call: Call) -> tuple[str, str, str]:
    zone = call.params.get("Placement.AvailabilityZone", "")
    subnet = call.params.get("SubnetId") or call.params.get("NetworkInterface.1.SubnetId")
    if subnet:
        zone = backends.zone_of(call.region, subnet)
    return call.region, zone, call.params.get("ClientToken", "")


def _fingerprint(call: Call) -> str:
    asked = {
        key: value for key, value in call.params.items() if key not in ("Action", "Version", "ClientToken")
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def instances_in(answer: Answer) -> tuple[str, ...]:
    """The instances a RunInstances answer names."""
    return tuple(dict.fromkeys(_IDS.findall(answer.body.decode())))


def with_states(body: bytes, states: Iterator[tuple[int, str]]) -> bytes:
    """A RunInstances answer with other instance states, in the order of its instances."""

    def state(_: re.Match[str]) -> str:
        code, name = next(states)
        return f"<instanceState><code>{code}</code><name>{name}</name></instanceState>"

    return _STATE.sub(state, body.decode()).encode()


class Profiles:
    """Instance profiles become usable some time after they were made: IAM is eventually consistent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.delay = 0.0
        """Seconds from the last change of a profile until EC2 accepts it; set to 0 and it does at once."""
        self._clock = clock
        self._changed: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, call: Call) -> None:
        """Remembers when a profile changed."""
        if call.action in ("CreateInstanceProfile", "AddRoleToInstanceProfile"):
            with self._lock:
                self._changed[call.params.get("InstanceProfileName", "")] = self._clock()

    def visible(self, name: str) -> bool:
        """Whether EC2 knows of the profile's latest change."""
        return self._clock() - self._changed.get(name, float("-inf")) >= self.delay

    def clear(self) -> None:
        """Forgets all changes and the delay."""
        self.delay = 0.0
        self._changed.clear()


def fault_in(call: Call, profiles: Profiles) -> Answer | None:
    """What EC2 finds wrong with a RunInstances request and moto would let pass; None when all is well."""
    checks = (_token, _machine_type, _user_data, _image, _key_pair)
    for check in checks:
        found = check(call)
        if found:
            return refusal(call, *found)
    found = _profile(call, profiles)
    return refusal(call, *found) if found else None


def _token(call: Call) -> tuple[str, str] | None:
    if len(call.params.get("ClientToken", "")) > LONGEST_TOKEN:
        return "InvalidParameterValue", f"The client token may have at most {LONGEST_TOKEN} characters."
    return None


def _machine_type(call: Call) -> tuple[str, str] | None:
    asked = call.params.get("InstanceType")
    if asked and asked not in backends.machine_types(call.region):
        return "InvalidParameterValue", f"Invalid value '{asked}' for InstanceType."
    return None


def _user_data(call: Call) -> tuple[str, str] | None:
    try:
        size = len(base64.b64decode(call.params.get("UserData", ""), validate=True))
    except binascii.Error:
        return "InvalidParameterValue", "Invalid BASE64 encoding of user data."
    if size > LARGEST_USER_DATA:
        return "InvalidParameterValue", f"User data is limited to {LARGEST_USER_DATA} bytes"
    return None


def _image(call: Call) -> tuple[str, str] | None:
    asked = call.params.get("ImageId")
    if not asked:
        return (
            None
            if "LaunchTemplate.LaunchTemplateId" in call.params
            or "LaunchTemplate.LaunchTemplateName" in (call.params)
            else ("MissingParameter", "The request must contain the parameter ImageId")
        )
    image = backends.ec2(call.region).amis.get(asked)
    if image is None:
        return "InvalidAMIID.NotFound", f"The image id '[{asked}]' does not exist"
    fits = backends.architectures(call.params.get("InstanceType", ""))
    if fits and image.architecture not in fits:
        return (
            "InvalidParameterValue",
            f"The architecture '{','.join(fits)}' of the specified instance type does not match the "
            f"architecture '{image.architecture}' of the specified AMI.",
        )
    return None


def _key_pair(call: Call) -> tuple[str, str] | None:
    asked = call.params.get("KeyName")
    if asked and asked not in backends.ec2(call.region).key_pairs:
        return "InvalidKeyPair.NotFound", f"The key pair '{asked}' does not exist"
    return None


def _profile(call: Call, profiles: Profiles) -> tuple[str, str] | None:
    arn, name = call.params.get("IamInstanceProfile.Arn"), call.params.get("IamInstanceProfile.Name")
    if not arn and not name:
        return None
    profile = backends.instance_profile(str(arn or name))
    if profile is None or not profiles.visible(profile.name):
        part = "arn" if arn else "name"
        said = "Invalid IAM Instance Profile ARN" if arn else "Invalid IAM Instance Profile name"
        return (
            "InvalidParameterValue",
            f"Value ({arn or name}) for parameter iamInstanceProfile.{part} is invalid. {said}",
        )
    if not profile.roles:
        return "InvalidParameterValue", f'IAM Instance Profile "{profile.arn}" has no associated IAM Roles'
    return None
