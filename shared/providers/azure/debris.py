"""What a machine left behind: network interfaces and public addresses of ours whose VM is gone.

An eviction, or a PUT that failed late, may leave them. They are shown as machines that failed, so that the
sweep and the disposal remove them like any other. An interface stays reserved for its VM for 180 s after
that is gone; its deletion is then refused, and tried again by the next sweep.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from shared.model import tags
from shared.model.machine import FAILED, STOPPING, Machine
from shared.providers.azure import versions
from shared.providers.azure.account import Account, tags_of
from shared.providers.azure.errors import is_gone
from shared.providers.azure.listing import (
    IN_GROUP,
    NOT_OURS,
    PART,
    is_here,
    is_ours,
    number,
    pages,
    side_by_side,
)
from shared.providers.azure.ordering import MACHINE, MACHINE_TAG, READ

INTERFACE = "Microsoft.Network/networkInterfaces"
ADDRESS = "Microsoft.Network/publicIPAddresses"
HELD_BY = {INTERFACE: "virtualMachine", ADDRESS: "ipConfiguration"}
"""Kind -> the property that says who has it."""
ID = re.compile(
    rf"{IN_GROUP}/(?P<kind>microsoft\.network/(?:networkinterfaces|publicipaddresses))/{PART}", re.IGNORECASE
)
IN_USE = {
    "NicInUse": "it is still attached",
    "NicReservedForAnotherVm": "Azure reserves it for 180 s after its machine is gone",
    "PublicIPAddressCannotBeDeleted": "it is still attached",
    "AnotherOperationInProgress": "another operation on it is under way",
}
"""Why Azure does not delete it yet: its code, and words that stay the same from look to look."""


def listed(account: Account) -> list[Machine]:
    """Interfaces and addresses of this installation, in the subscription and region, that nothing has and
    whose VM is gone. The VM is asked for after the listing: one that is just being made is there by then."""
    loose = {
        str(shown["id"]).lower(): shown
        for kind, holder in HELD_BY.items()
        for page in pages(
            account, f"{account.subscription}/providers/{kind}", versions.NETWORK, f"{kind}/read"
        )
        for shown in page
        if is_ours(account, shown) and is_here(account, shown) and is_loose(shown, holder)
    }
    machines = list(dict.fromkeys(map(machine_id, loose.values())))
    alive = side_by_side(functools.partial(has_machine, account), machines)
    return [to_machine(shown) for shown in loose.values() if not alive[machine_id(shown)]]


def is_loose(shown: Mapping[str, Any], holder: str) -> bool:
    """Whether nothing has it, and its tags name the machine that had it."""
    return not (shown.get("properties") or {}).get(holder) and MACHINE_TAG in tags_of(shown)


def machine_id(shown: Mapping[str, Any]) -> str:
    """The id of the VM that it was made with: in the same group, named by its tag."""
    group = str(shown["id"]).partition("/providers/")[0]
    return f"{group}/providers/{MACHINE}/{tags_of(shown)[MACHINE_TAG]}".lower()


def has_machine(account: Account, id: str) -> bool:
    """Whether there is such a VM, in whatever state. An id that is none counts as one: nothing is
    removed on the word of a tag that somebody wrote."""
    if not re.fullmatch(rf"{IN_GROUP}/microsoft\.compute/virtualmachines/{PART}", id, re.IGNORECASE):
        return True
    return not is_gone(account.clients.arm("GET", id, versions.COMPUTE, action=READ, accept=(404,)))


def look(account: Account, id: str) -> Machine | None:
    """One of them as it is now; None when it is gone, not ours, or nothing of the kind."""
    kind = kind_of(id)
    if not kind:
        return None
    shown = account.clients.arm("GET", id, versions.NETWORK, action=f"{kind}/read", accept=(404,))
    if is_gone(shown) or not is_ours(account, shown.body):
        return None
    return to_machine(shown.body)


def remove(account: Account, id: str) -> str:
    """Asks for its deletion; why it was not accepted, or "". What is no such id is gone."""
    kind = kind_of(id)
    if not kind:
        return ""
    shown = account.clients.arm("GET", id, versions.NETWORK, action=f"{kind}/read", accept=(404,))
    if is_gone(shown):
        return ""
    if not is_ours(account, shown.body):
        return NOT_OURS
    answer = account.clients.arm(
        "DELETE", id, versions.NETWORK, action=f"{kind}/delete", accept=(404, *IN_USE)
    )
    name = id.rpartition("/")[2]
    return f"{name}: {IN_USE[answer.code]} ({answer.code})" if answer.code in IN_USE else ""


def kind_of(id: str) -> str:
    """Which kind the id is of; empty for any other."""
    found = ID.fullmatch(id)
    return next((kind for kind in HELD_BY if found and kind.lower() == found["kind"].lower()), "")


def to_machine(shown: Mapping[str, Any]) -> Machine:
    """Debris as a machine that failed."""
    carried = tags_of(shown)
    leaving = (shown.get("properties") or {}).get("provisioningState") == "Deleting"
    return Machine(
        id=str(shown["id"]).lower(),
        state=STOPPING if leaving else FAILED,
        reason=f"left behind by {carried.get(MACHINE_TAG, 'a machine')}",
        run_id=carried.get(tags.RUN, ""),
        attempt=int(number(carried.get(tags.ATTEMPT))),
        environment_id=carried.get(tags.ENVIRONMENT, ""),
        deadline=number(carried.get(tags.DEADLINE)),
        hold_until=number(carried.get(tags.HOLD)),
    )
