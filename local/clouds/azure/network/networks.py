"""Answers about virtual networks and their subnets."""

import ipaddress
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, group_of, leaving, make
from local.clouds.azure.call import Call
from local.clouds.azure.errors import not_found
from local.clouds.azure.network import errors
from local.clouds.azure.network.models import NETWORK, SUBNET, users_of

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put(state: "State", call: Call) -> Answer:
    """Makes or replaces a network: subnets that the request leaves out are removed."""
    asked = call.document()
    wanted = asked.get("properties") or {}
    prefixes = (wanted.get("addressSpace") or {}).get("addressPrefixes") or []
    if not prefixes:
        raise errors.bad_prefix("")
    old = state.store.get(call.path)
    if old and old.state == "Updating":
        raise errors.busy(old.id)
    subnets = wanted.get("subnets") or []
    if subnets:
        state.judge.require_linked(call.principal, f"{SUBNET}/write", call.path, call.path)
    for each in subnets:
        _checked(prefixes, each.get("properties") or {})
    gone = _left_out(state, old, {str(each.get("name", "")).lower() for each in subnets})
    network, new = make(
        state, call, {"addressSpace": wanted["addressSpace"], "virtualNetworkPeerings": []}, begins="Updating"
    )
    for each in gone:
        state.store.remove(each)
    for each in subnets:
        _write_subnet(state, network, each["name"], each["properties"])
    _show_subnets(state, network)
    return accepted(state, call, network, new, lambda: _settled(state, network))


def delete(state: "State", call: Call) -> Answer:
    """Only an unused network can go."""
    group_of(state, call)
    network = state.store.get(call.path)
    subnets = state.store.of(SUBNET, call.path)
    for each in subnets:
        _check_unused(state, each)

    def gone() -> None:
        for each in subnets:
            state.store.remove(each)

    return leaving(state, call, network, gone)


def put_subnet(state: "State", call: Call) -> Answer:
    """Makes or changes one; a network takes one change at a time."""
    network = _network(state, call)
    wanted = call.document().get("properties") or {}
    _checked(network.properties["addressSpace"]["addressPrefixes"], wanted)
    new = state.store.get(call.path) is None
    subnet = _write_subnet(state, network, call.names["name"], wanted)
    subnet.state = network.state = "Updating"
    _show_subnets(state, network)

    def done() -> None:
        network.state = "Succeeded"
        _settled(state, network)

    return accepted(state, call, subnet, new, done)


def delete_subnet(state: "State", call: Call) -> Answer:
    """Only an unused one can go."""
    group_of(state, call)
    subnet = state.store.get(call.path)
    if subnet is None:
        return Answer(204)
    network = _network(state, call)
    _check_unused(state, subnet)
    network.state = "Updating"

    def gone() -> None:
        network.state = "Succeeded"
        _show_subnets(state, network)

    return leaving(state, call, subnet, gone)


def _network(state: "State", call: Call) -> Resource:
    group = group_of(state, call, writes=True)
    found = state.store.get(f"{group.id}/providers/{NETWORK}/{call.names['parent']}")
    if found is None:
        raise not_found(NETWORK, call.names["parent"], call.names["group"])
    if found.state in ("Updating", "Deleting"):
        raise errors.busy(found.id)
    return found


def _left_out(state: "State", network: Resource | None, kept: set[str]) -> list[Resource]:
    gone = (
        [each for each in state.store.of(SUBNET, network.id) if each.name.lower() not in kept]
        if network
        else []
    )
    for each in gone:
        _check_unused(state, each)
    return gone


def _check_unused(state: "State", subnet: Resource) -> None:
    for user in users_of(state, subnet):
        raise errors.subnet_in_use(subnet.name, str(user.properties["ipConfigurations"][0]["id"]))


def _write_subnet(state: "State", network: Resource, name: str, wanted: dict[str, Any]) -> Resource:
    id = f"{network.id}/subnets/{name}"
    found = state.store.get(id) or state.store.put(Resource(id, SUBNET, name, made_at=state.now))
    prefix = wanted.get("addressPrefix") or wanted["addressPrefixes"][0]
    found.properties = {**wanted, "addressPrefix": prefix}
    found.properties.setdefault("defaultOutboundAccess", False)  # the default of new networks since 2026
    found.state = found.state or "Updating"
    return found


def _settled(state: "State", network: Resource) -> None:
    for each in state.store.of(SUBNET, network.id):
        if each.state == "Updating":
            each.state = "Succeeded"
    _show_subnets(state, network)


def _show_subnets(state: "State", network: Resource) -> None:
    network.properties["subnets"] = [each.shown() for each in state.store.of(SUBNET, network.id)]


def _checked(prefixes: list[str], subnet: dict[str, Any]) -> None:
    wanted = subnet.get("addressPrefix") or next(iter(subnet.get("addressPrefixes") or []), "")
    try:
        inner = ipaddress.ip_network(wanted)
        around = [ipaddress.ip_network(each) for each in prefixes]
        fits = any(inner.version == each.version and inner.subnet_of(each) for each in around)  # type: ignore[arg-type]
    except ValueError:
        fits = False
    if not fits:
        raise errors.bad_prefix(wanted)
