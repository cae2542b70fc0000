"""Answers about public IP addresses."""

from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, existing, group_of, leaving, make
from local.clouds.azure.call import Call
from local.clouds.azure.errors import invalid
from local.clouds.azure.network import errors, models

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put(state: "State", call: Call) -> Answer:
    """Makes or changes one. Only the Standard SKU is left, and it is static."""
    asked = call.document()
    wanted = asked.get("properties") or {}
    if (asked.get("sku") or {}).get("name") != "Standard" or wanted.get(
        "publicIPAllocationMethod"
    ) != "Static":
        raise invalid(
            "Standard sku publicIp must have AllocationMethod set to Static.",
            "StandardSkuPublicIPAddressesMustBeStatic",
        )
    old = state.store.get(call.path)
    properties = {
        "ipAddress": old.properties["ipAddress"] if old else models.next_public(state),
        "idleTimeoutInMinutes": 4,
        "publicIPAddressVersion": "IPv4",
        **wanted,
    }
    resource, new = make(state, call, properties, begins="Updating")
    return accepted(state, call, resource, new)


def shown(state: "State", address: Resource) -> dict[str, Any]:
    """One, with who has it."""
    found, holder = address.shown(), models.holder_of(state, address)
    if holder:
        found["properties"]["ipConfiguration"] = {"id": holder}
    return found


def get(state: "State", call: Call) -> Answer:
    """One."""
    return Answer.json(shown(state, existing(state, call)))


def delete(state: "State", call: Call) -> Answer:
    """Not while an interface has it."""
    group_of(state, call)
    found = state.store.get(call.path)
    holder = models.holder_of(state, found) if found else ""
    if holder:
        raise errors.address_in_use(call.path, holder)
    return leaving(state, call, found)
