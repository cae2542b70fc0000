"""The overlay's part of EC2."""

from local.clouds.answer import Answer
from local.clouds.aws import backends, images
from local.clouds.aws.call import Call
from local.clouds.aws.launching import Profiles, Tokens, fault_in


class Launches:
    """RunInstances: tokens first, then the request's own faults."""

    def __init__(self, tokens: Tokens, profiles: Profiles) -> None:
        self._tokens = tokens
        self._profiles = profiles

    def before(self, call: Call) -> Answer | None:
        """The remembered answer of a known token, or what is wrong with the request."""
        if call.action == "RunInstances":
            return self._tokens.recall(call) or fault_in(call, self._profiles)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remembers the token of a success."""
        if call.action == "RunInstances":
            self._tokens.keep(call, answer)
        return answer


class Regions:
    """Fills a region with images when it is first asked for."""

    def __init__(self) -> None:
        self._ready: set[str] = set()

    def before(self, call: Call) -> Answer | None:
        """Makes sure that the images are there."""
        if call.region not in self._ready:
            images.publish(backends.ec2(call.region))
            self._ready.add(call.region)
        return None

    def after(self, _: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        return answer

    def clear(self) -> None:
        """The regions are new again."""
        self._ready.clear()
