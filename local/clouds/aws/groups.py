"""The overlay's part of security groups: one that a file system wears cannot be deleted."""

from collections.abc import Callable, Iterable

from local.clouds.answer import Answer
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal


class Groups:
    """`worn` tells the groups that network interfaces of other services have in a region."""

    def __init__(self, worn: Callable[[str], Iterable[str]]) -> None:
        self._worn = worn

    def before(self, call: Call) -> Answer | None:
        """EC2's refusal to delete a group that is in use."""
        group = str(call.params.get("GroupId"))
        if call.action == "DeleteSecurityGroup" and group in self._worn(call.region):
            return refusal(call, "DependencyViolation", f"resource {group} has a dependent object")
        return None

    def after(self, _: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        return answer
