"""VMs of ours: find, look, list, stop, mark.

Ownership is read from the resource's own tags before anything is done to it. Azure has no filter for tags
of VMs and no call for many at once, so listings are filtered here and single requests go a few at a time
side by side.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Forbidden, Refused
from shared.model import tags
from shared.model.machine import FAILED, PENDING, RUNNING, STOPPED, STOPPING, Machine
from shared.providers.azure import debris, versions
from shared.providers.azure.account import Account, tags_of
from shared.providers.azure.errors import Answer, is_gone
from shared.providers.azure.listing import (
    IN_GROUP,
    NOT_OURS,
    PAGE,
    PART,
    is_here,
    is_ours,
    moment,
    number,
    pages,
    side_by_side,
)
from shared.providers.azure.ordering import MACHINE, READ, WRITE

DELETE = f"{MACHINE}/delete"
FORCED = {"forceDeletion": "true"}
"""The power is cut: nobody waits for a guest that has nothing to save any more."""
STATES = {"Creating": PENDING, "Deleting": STOPPING, "Failed": FAILED}
"""provisioningState -> ours; any other is of a machine that was made."""
STILL = ("stopped", "deallocated")
"""Power states of a machine that does nothing any more, and costs (its disk at least) until deleted."""
ID = re.compile(rf"{IN_GROUP}/microsoft\.compute/virtualmachines/{PART}", re.IGNORECASE)


def find(account: Account, run_id: str, attempt: int) -> Machine | None:
    """The attempt's machine, by its tags in a listing of the environment's group."""
    wanted = {tags.RUN: run_id, tags.ATTEMPT: str(attempt)}
    path = f"{account.group}/providers/{MACHINE}"
    found = [
        to_machine(shown)
        for page in pages(account, path, versions.COMPUTE, READ)
        for shown in page
        if is_ours(account, shown) and wanted.items() <= tags_of(shown).items()
    ]
    known = sorted(found, key=lambda machine: (machine.state == STOPPING, machine.id))
    return next((machine for machine in looked_closer(account, known) if machine.state != FAILED), None)


def look(account: Account, ids: Sequence[str]) -> dict[str, Machine]:
    """These machines as they are now. One that Azure does not know, or that is not ours, is missing. So
    is debris (`debris`) that is gone."""

    def one(id: str) -> Machine | None:
        return seen(account, id) if ID.fullmatch(id) else debris.look(account, id)

    found = side_by_side(one, list(dict.fromkeys(ids)))
    return {id: machine for id, machine in found.items() if machine is not None}


def seen(account: Account, id: str) -> Machine | None:
    """One machine with its power state; None when it is not there or not ours."""
    shown = shown_by_id(account, id)
    return to_machine(shown.body) if shown and is_ours(account, shown.body) else None


def shown_by_id(account: Account, id: str) -> Answer | None:
    """The VM with its instance view, or None."""
    answer = account.clients.arm(
        "GET", id, versions.COMPUTE, action=READ, query={"$expand": "instanceView"}, accept=(404,)
    )
    return None if is_gone(answer) else answer


def machines(account: Account) -> Iterator[list[Machine]]:
    """All machines of this installation in the subscription and region, and then what is left of
    machines that are gone. A page of Azure at a time."""
    path = f"{account.subscription}/providers/{MACHINE}"
    stopped = stopped_ids(account, path)
    for page in pages(account, path, versions.COMPUTE, READ):
        ours = [to_machine(shown) for shown in page if is_ours(account, shown) and is_here(account, shown)]
        if ours:
            yield looked_closer(account, ours, stopped)
    left = debris.listed(account)
    for first in range(0, len(left), PAGE):
        yield left[first : first + PAGE]


def looked_closer(account: Account, known: list[Machine], stopped: Collection[str] = ()) -> list[Machine]:
    """A listing does not say why a VM is Failed, nor whether it runs: those that failed, and those that
    are said to have stopped, are looked at by id."""
    unclear = [machine.id for machine in known if machine.state == FAILED or machine.id in stopped]
    now = look(account, unclear) if unclear else {}
    return [now.get(machine.id, machine) for machine in known]


def stopped_ids(account: Account, path: str) -> set[str]:
    """The VMs of the subscription that do nothing any more, by a listing of how they run (which has no
    tags). Only these are remembered, and only those of ours are looked at."""
    return {
        str(shown["id"]).lower()
        for page in pages(account, path, versions.COMPUTE, READ, {"statusOnly": "true"})
        for shown in page
        if state_of(shown.get("properties") or {})[0] == STOPPED
    }


def stop(account: Account, ids: Sequence[str]) -> dict[str, str]:
    """Deletes machines (and debris) of ours, after a look at their tags. Returns id -> reason for those
    that were not accepted. Raises Retry when an answer is missing (what was accepted stays accepted), and
    Forbidden when the permission is."""

    def one(id: str) -> str:
        return ended(account, id) if ID.fullmatch(id) else debris.remove(account, id)

    return {id: reason for id, reason in side_by_side(one, list(dict.fromkeys(ids))).items() if reason}


def ended(account: Account, id: str) -> str:
    """Asks for one VM's deletion; why it was not accepted, or "". One on its way out is left alone."""
    shown = account.clients.arm("GET", id, versions.COMPUTE, action=READ, accept=(404,))
    if is_gone(shown):
        return ""
    if not is_ours(account, shown.body):
        return NOT_OURS
    if shown.state == "Deleting":
        return ""
    try:
        account.clients.arm("DELETE", id, versions.COMPUTE, action=DELETE, query=FORCED, accept=(404,))
    except Forbidden:
        raise
    except Refused as error:
        return str(error)
    return ""


def mark(account: Account, ids: Sequence[str], tag: str, value: str | None) -> None:
    """Sets a tag on VMs of ours, or takes it away (None). Those that are gone, or leaving, are skipped."""

    def one(id: str) -> None:
        shown = account.clients.arm("GET", id, versions.COMPUTE, action=READ, accept=(404,))
        if is_gone(shown) or not is_ours(account, shown.body) or shown.state == "Deleting":
            return
        carried = {key: text for key, text in tags_of(shown.body).items() if key.lower() != tag.lower()}
        wanted = carried if value is None else {**carried, tag: value}
        if wanted != tags_of(shown.body):
            body = {"tags": wanted}
            account.clients.arm("PATCH", id, versions.COMPUTE, action=WRITE, body=body, accept=(404,))

    side_by_side(one, [id for id in dict.fromkeys(ids) if ID.fullmatch(id)])


def to_machine(shown: Mapping[str, Any]) -> Machine:
    """A VM as Azure shows it, with our tags read back. Azure writes ids now this way, now that: ours are
    in lower case."""
    properties = shown.get("properties") or {}
    state, reason = state_of(properties)
    carried = tags_of(shown)
    return Machine(
        id=str(shown["id"]).lower(),
        state=state,
        reason=reason,
        run_id=carried.get(tags.RUN, ""),
        attempt=int(number(carried.get(tags.ATTEMPT))),
        environment_id=carried.get(tags.ENVIRONMENT, ""),
        started_at=moment(str(properties.get("timeCreated") or "")),
        deadline=number(carried.get(tags.DEADLINE)),
        hold_until=number(carried.get(tags.HOLD)),
        orphan_since=number(carried.get(tags.ORPHAN)),
    )


def state_of(properties: Mapping[str, Any]) -> tuple[str, str]:
    """State and reason. A VM counts as failed when it could not be made, as stopped when its guest ended;
    one whose guest agent was late, or whose newest change failed, is Failed for Azure and still runs."""
    state = STATES.get(str(properties.get("provisioningState") or ""), RUNNING)
    statuses = codes_of(properties.get("instanceView"))
    power = next((code.partition("/")[2] for code in statuses if code.startswith("PowerState/")), "")
    if state == FAILED and power in ("running", "starting"):
        return RUNNING, ""
    if state == FAILED:
        codes = [code.split("/") for code in statuses if code.lower().startswith("provisioningstate/failed/")]
        return FAILED, (codes[0][2] if codes else "") or "Failed"
    if state == RUNNING and power in STILL:
        return STOPPED, f"PowerState/{power}"
    return state, ""


def codes_of(view: Any) -> list[str]:
    """The codes of an instance view's statuses; none of what is no instance view."""
    listed = view.get("statuses") if isinstance(view, dict) else None
    found = listed if isinstance(listed, list) else []
    return [str(each.get("code") or "") for each in found if isinstance(each, dict)]
