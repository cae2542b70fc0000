"""The overlay's part of IAM."""

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.launching import Profiles
from local.clouds.aws.wire import refusal


class Identities:
    """Makes AWS-managed policies attachable on demand, and tells EC2 when a profile changed."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def before(self, call: Call) -> Answer | None:
        """Loads the one managed policy that is named (all 1,500 would take a second), and answers for a
        role that is not in a profile, on which moto trips."""
        if call.params.get("PolicyArn"):
            backends.offer_managed_policy(call.params["PolicyArn"])
        if call.action == "RemoveRoleFromInstanceProfile" and not holds_role(call):
            role, profile = call.params.get("RoleName"), call.params.get("InstanceProfileName")
            said = f"Role {role} in Instance Profile {profile} cannot be found."
            return refusal(call, "NoSuchEntity", said, 404)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Notes a change."""
        if answer.status == 200:
            self._profiles.note(call)
        return answer


def holds_role(call: Call) -> bool:
    """Whether the profile exists and has the role in it."""
    profile = backends.instance_profile(str(call.params.get("InstanceProfileName")))
    return profile is not None and call.params.get("RoleName") in [role.name for role in profile.roles]
