"""What EFS and FSx have in common: things that take a few looks to come and to go."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal


class Refused(Exception):
    """A request that the service does not take: its code, its text and its HTTP status."""

    def __init__(self, code: str, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.code, self.status = code, status


class Service:
    """A service of the gateway, every answer of which is ours; what is not modelled answers 501."""

    def __init__(self, name: str, actions: Mapping[str, Callable[[Call], Any]]) -> None:
        self._name = name
        self._actions = actions

    def before(self, call: Call) -> Answer | None:
        """The answer of the action that is called."""
        act = self._actions.get(call.action)
        if act is None:
            said = f"The emulator cannot do {self._name}:{call.action}"
            return refusal(call, "NotImplemented", said, 501)
        try:
            return Answer.json(act(call))
        except Refused as error:
            return self.refused(call, error)

    def after(self, _: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        return answer

    def refused(self, call: Call, error: Refused) -> Answer:
        """How the service says no."""
        return refusal(call, error.code, str(error), error.status)


@dataclass
class Share:
    """A file system or a mount target."""

    id: str
    region: str
    token: str
    body: dict[str, Any]
    looks: int
    """Describes that still show it on its way."""
    state: str = "creating"
    failure: str = ""
    groups: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


class Shares:
    """All of one kind. `fail` holds the text with which the next ones will turn out to have failed."""

    def __init__(self) -> None:
        self.looks = 1
        self.fail: list[str] = []
        self.all: list[Share] = []

    def clear(self) -> None:
        """None."""
        self.looks = 1
        self.fail.clear()
        self.all.clear()

    def add(self, share: Share) -> Share:
        """A new one, on its way."""
        share.failure = self.fail.pop(0) if self.fail else ""
        self.all.append(share)
        return share

    def of(self, region: str, fits: Callable[[Share], bool] = lambda _: True) -> list[Share]:
        """Those of a region that fit, without being looked at."""
        return [each for each in self.all if each.region == region and fits(each)]

    def looked(self, region: str, fits: Callable[[Share], bool]) -> list[Share]:
        """Those that fit, as a describe shows them: each look takes them one move further."""
        for each in self.of(region, fits):
            if each.state not in ("creating", "deleting"):
                continue
            if each.looks > 0:
                each.looks -= 1
            elif each.state == "deleting":
                self.all.remove(each)
            else:
                each.state = "failed" if each.failure else "available"
        return self.of(region, fits)

    def end(self, share: Share) -> None:
        """It begins to go. Again: nothing more."""
        if share.state != "deleting":
            share.state, share.looks = "deleting", self.looks


def new_id(kind: str) -> str:
    """An id of AWS's newer form."""
    return f"{kind}-{secrets.token_hex(9)[:17]}"


def known_groups(region: str, ids: Iterable[str], code: str) -> None:
    """Raises Refused for a security group that does not exist."""
    for each in ids:
        if backends.ec2(region).get_security_group_from_id(each) is None:
            raise Refused(code, f"The security group {each} does not exist")


def subnet_of(region: str, id: str, code: str) -> Any:
    """A subnet of moto's. Raises Refused when there is none."""
    for subnets in list(backends.ec2(region).subnets.values()):
        if id in subnets:
            return subnets[id]
    raise Refused(code, f"The subnet ID '{id}' does not exist")


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as both services show them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read(given: Any) -> dict[str, str]:
    """Tags as both services take them."""
    return {each["Key"]: each["Value"] for each in given or ()}
