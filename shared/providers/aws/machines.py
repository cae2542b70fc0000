"""EC2 instances of ours: start, find, look, list, stop, mark.

Ownership is read from the instance's own tags before anything is done to it: the ids that come in
are looked at in one batched read, and what lacks this installation's tag is left alone.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from shared.errors import Forbidden, HeadnodeError, NoCapacity, Refused
from shared.model import tags
from shared.model.machine import GONE, PENDING, RUNNING, STOPPING, Machine, Order
from shared.providers.aws import ordering
from shared.providers.aws.account import Account
from shared.providers.aws.errors import asking, code_of, from_sdk

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef

STATES = {
    "pending": PENDING,
    "running": RUNNING,
    "shutting-down": STOPPING,
    "stopping": STOPPING,
    # Nobody stops our machines, and a stopped one still costs its disk: it is on its way out.
    "stopped": STOPPING,
    "terminated": GONE,
}
ALIVE = ["pending", "running", "shutting-down", "stopping", "stopped"]
PAGE = 1000
"""Instances in a page of a listing (EC2's limit)."""
FILTER_VALUES = 200
"""Values in one filter (EC2's limit)."""
BATCH = 500
"""Instances in one TerminateInstances or CreateTags (EC2 takes 1,000; half of it answers sooner)."""
NOT_OURS = "it does not carry this installation's tag"


def start(account: Account, order: Order) -> str:
    """Starts the order's machine with one RunInstances call, or returns the one that the same token
    started before. Raises NoCapacity, NotYet, Refused or Retry."""
    try:
        return ordering.run_instance(account, order)
    except ordering.TokenSpent as spent:
        known = of_attempt(account, order.run_id, order.attempt)
        if known:
            return known[0].id
        if "IdempotentInstanceTerminated" in str(spent):
            raise NoCapacity(str(spent), "IdempotentInstanceTerminated") from spent
        raise


def find(account: Account, run_id: str, attempt: int) -> Machine | None:
    """The attempt's machine that is not gone."""
    return next((each for each in of_attempt(account, run_id, attempt) if each.state != GONE), None)


def of_attempt(account: Account, run_id: str, attempt: int) -> list[Machine]:
    """Every machine of that attempt that the cloud still shows, those that are not gone first."""
    wanted = {tags.RUN: run_id, tags.ATTEMPT: str(attempt)}
    found = [machine for page in listed(account, wanted) for machine in page]
    return sorted(found, key=lambda machine: (machine.state == GONE, machine.state == STOPPING, machine.id))


def look(account: Account, ids: Sequence[str]) -> dict[str, Machine]:
    """These machines as they are now, also gone ones for as long as EC2 shows them (about an hour).
    One that EC2 does not show, or that is not ours, is missing."""
    shown = [each for each in shown_by_id(account, ids) if is_ours(account, each)]
    return {each["InstanceId"]: to_machine(each) for each in shown}


def machines(account: Account) -> Iterator[list[Machine]]:
    """All machines of this installation that are not gone, a page at a time."""
    return listed(account, {}, ALIVE)


def listed(account: Account, wanted: dict[str, str], states: Sequence[str] = ()) -> Iterator[list[Machine]]:
    """Pages of this installation's machines that carry the wanted tags too."""
    exact = {tags.INSTALLATION: account.settings.installation, **wanted}
    filters: list[FilterTypeDef] = [
        {"Name": f"tag:{key}", "Values": [literally(value)]} for key, value in exact.items()
    ]
    if states:
        filters.append({"Name": "instance-state-name", "Values": list(states)})
    for shown in pages(account, filters):
        ours = [each for each in shown if exact.items() <= tags_of(each).items()]
        yield [to_machine(each) for each in ours]


def pages(account: Account, filters: "list[FilterTypeDef]") -> Iterator["list[InstanceTypeDef]"]:
    """DescribeInstances page by page, at most PAGE in each; nothing is held beyond the page."""
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        with asking("ec2:DescribeInstances"):
            answer = account.clients.ec2.describe_instances(Filters=filters, MaxResults=PAGE, **more)  # type: ignore[arg-type]
        found = [instance for each in answer["Reservations"] for instance in each.get("Instances", [])]
        for first in range(0, len(found), PAGE):
            yield found[first : first + PAGE]
        token = answer.get("NextToken") or ""
        if not token:
            return


def shown_by_id(account: Account, ids: Sequence[str]) -> Iterator["InstanceTypeDef"]:
    """What EC2 shows of these ids. By filter: asked by id, one missing id fails them all."""
    for batch in batches(ids, FILTER_VALUES):
        for page in pages(account, [{"Name": "instance-id", "Values": batch}]):
            yield from page


def stop(account: Account, ids: Sequence[str]) -> dict[str, str]:
    """Terminates machines of ours: a batched read of their tags, then batches of TerminateInstances.
    Returns id -> reason for those that were not accepted. Raises Retry when an answer is missing
    (what was accepted by then stays accepted), Forbidden when the permission is."""
    mine, refused = owned(account, ids)
    ending = [machine.id for machine in mine if machine.state != GONE]

    def terminate(batch: list[str]) -> None:
        account.clients.ec2.terminate_instances(InstanceIds=batch)

    return {**refused, **in_batches(ending, terminate, "ec2:TerminateInstances")}


def mark(account: Account, ids: Sequence[str], tag: str, value: str | None) -> None:
    """Sets a tag on machines of ours, or takes it away (None). Those that are gone are skipped."""
    mine, _ = owned(account, ids)
    living = [machine.id for machine in mine if machine.state != GONE]

    def write(batch: list[str]) -> None:
        if value is None:
            account.clients.ec2.delete_tags(Resources=batch, Tags=[{"Key": tag}])
        else:
            account.clients.ec2.create_tags(Resources=batch, Tags=[{"Key": tag, "Value": value}])

    action = "ec2:DeleteTags" if value is None else "ec2:CreateTags"
    if refused := in_batches(living, write, action):
        raise Refused(f"{action}: {next(iter(refused.values()))}")


def owned(account: Account, ids: Sequence[str]) -> tuple[list[Machine], dict[str, str]]:
    """Those that carry our tag, and id -> reason for those that exist without it."""
    mine: list[Machine] = []
    refused: dict[str, str] = {}
    for shown in shown_by_id(account, ids):
        if is_ours(account, shown):
            mine.append(to_machine(shown))
        else:
            refused[shown["InstanceId"]] = NOT_OURS
    return mine, refused


def in_batches(ids: Sequence[str], act: Callable[[list[str]], None], action: str) -> dict[str, str]:
    """Acts on batches. EC2 refuses a whole batch for one bad id: such a batch is halved until the bad
    one stands alone. Returns id -> reason for those; a machine that vanished meanwhile is fine."""
    refused: dict[str, str] = {}
    waiting = list(batches(ids, BATCH))
    while waiting:
        batch = waiting.pop()
        try:
            act(batch)
        except Exception as error:
            refusal = permanent(error, action)
            if len(batch) > 1:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
            elif code_of(error) != "InvalidInstanceID.NotFound":
                refused[batch[0]] = str(refusal)
    return refused


def permanent(error: Exception, action: str) -> HeadnodeError:
    """The refusal of one bad id in a batch; anything else is raised."""
    translated = from_sdk(error, action)
    if translated is None:
        raise error
    if not isinstance(translated, Refused) or isinstance(translated, Forbidden):
        raise translated from error
    return translated


def batches(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most `size`, without repeats."""
    rest = iter(dict.fromkeys(ids))
    while batch := list(itertools.islice(rest, size)):
        yield batch


def is_ours(account: Account, shown: "InstanceTypeDef") -> bool:
    """Whether this installation made it."""
    return tags_of(shown).get(tags.INSTALLATION) == account.settings.installation


def tags_of(shown: "InstanceTypeDef") -> dict[str, str]:
    """The instance's tags."""
    return {each.get("Key", ""): each.get("Value", "") for each in shown.get("Tags", [])}


def literally(value: str) -> str:
    """A filter value without wildcards."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def to_machine(shown: "InstanceTypeDef") -> Machine:
    """An instance as AWS shows it, with our tags read back."""
    found = tags_of(shown)
    reason = shown.get("StateReason", {}).get("Code") or shown.get("StateTransitionReason", "")
    launched = shown.get("LaunchTime")
    return Machine(
        id=shown["InstanceId"],
        state=STATES.get(shown.get("State", {}).get("Name", ""), PENDING),
        reason=reason,
        # `Server.*`: AWS ended it (spot, failed hardware, no capacity, a scheduled event); what a
        # person, the machine itself or a wrong setting ended is `Client.*`.
        interrupted=reason.startswith("Server."),
        run_id=found.get(tags.RUN, ""),
        attempt=int(number(found.get(tags.ATTEMPT))),
        environment_id=found.get(tags.ENVIRONMENT, ""),
        started_at=launched.timestamp() if launched else 0.0,
        deadline=number(found.get(tags.DEADLINE)),
        hold_until=number(found.get(tags.HOLD)),
        orphan_since=number(found.get(tags.ORPHAN)),
    )


def number(text: str | None) -> float:
    """A tag's number; 0.0 when people made something else of it."""
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e12 else 0.0
