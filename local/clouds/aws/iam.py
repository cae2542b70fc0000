"""The overlay's part of IAM."""

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.launching import Profiles
from local.clouds.aws.wire import Answer


class Identities:
    """Makes AWS-managed policies attachable on demand, and tells EC2 when a profile changed."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def before(self, call: Call) -> Answer | None:
        """Loads the one managed policy that is named; all 1,500 would take a second."""
        if call.params.get("PolicyArn"):
            backends.offer_managed_policy(call.params["PolicyArn"])
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Notes a change."""
        if answer.status == 200:
            self._profiles.note(call)
        return answer
