"""Answers about network interfaces."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.tracked import accepted, group_of, leaving, make
from local.clouds.azure.call import Call
from local.clouds.azure.errors import invalid
from local.clouds.azure.network import models
from local.clouds.azure.network.models import ADDRESS, SUBNET, id_in

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put(state: "State", call: Call) -> Answer:
    """Makes or changes one; the caller must be allowed to join its subnet and public address."""
    group_of(state, call, writes=True)
    wanted = call.document().get("properties") or {}
    asked = wanted.get("ipConfigurations") or []
    if not asked:
        raise invalid("A network interface needs an ipConfiguration.", "InvalidRequestFormat")
    for each in asked:
        properties = each.get("properties") or {}
        state.judge.require_linked(
            call.principal, f"{SUBNET}/join/action", call.path, id_in(properties.get("subnet"))
        )
        if properties.get("publicIPAddress"):
            state.judge.require_linked(
                call.principal, f"{ADDRESS}/join/action", call.path, id_in(properties["publicIPAddress"])
            )
    old = state.store.get(call.path)
    before = old.properties if old else {}
    shown = models.interface_properties(state, call.path.rstrip("/"), asked, call.document())
    for name in ("enableAcceleratedNetworking", "enableIPForwarding"):
        shown[name] = bool(wanted.get(name, shown[name]))
    if before.get("virtualMachine"):
        shown["virtualMachine"] = before["virtualMachine"]
    resource, new = make(state, call, shown, begins="Updating")
    return accepted(state, call, resource, new)


def delete(state: "State", call: Call) -> Answer:
    """Not while a VM has it, nor while it is kept for one that is gone."""
    group_of(state, call)
    found = state.store.get(call.path)
    if found:
        models.check_free(state, found)
    return leaving(state, call, found, (lambda: models.remove_interface(state, found)) if found else None)
