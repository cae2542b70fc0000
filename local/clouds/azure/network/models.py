"""Who uses what: addresses belong to interfaces, interfaces stand in subnets and belong to VMs."""

import ipaddress
from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import region
from local.clouds.azure.network import errors

if TYPE_CHECKING:
    from local.clouds.azure.state import State

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = NETWORK + "/subnets"
INTERFACE = "Microsoft.Network/networkInterfaces"
ADDRESS = "Microsoft.Network/publicIPAddresses"
PUBLIC = ipaddress.IPv4Network("198.18.0.0/15")
"""Where emulated public addresses are from: nobody on the internet has one of these (RFC 2544)."""
FIRST = 4
"""Azure keeps the first four addresses of a subnet, and the last, for itself."""


def referenced(state: "State", id: str, by: str) -> Resource:
    """What a request refers to, when it is ready. Raises Refused."""
    found = state.store.get(id)
    if found is None:
        raise errors.no_reference(id, by)
    if found.state not in ("Succeeded", ""):
        raise errors.not_ready(id, found.state, by)
    return found


def id_in(value: Any) -> str:
    """The id in {"id": ...}; empty without one."""
    return str((value or {}).get("id") or "")


def configurations(interface: Resource) -> list[dict[str, Any]]:
    """An interface's IP configurations, their properties."""
    return [each["properties"] for each in interface.properties.get("ipConfigurations", [])]


def users_of(state: "State", subnet: Resource) -> list[Resource]:
    """The interfaces in a subnet."""
    return [
        each
        for each in state.store.of(INTERFACE)
        if any(id_in(c.get("subnet")).lower() == subnet.id.lower() for c in configurations(each))
    ]


def holder_of(state: "State", address: Resource) -> str:
    """The configuration of the interface that has a public address; empty when none has."""
    for each in state.store.of(INTERFACE):
        for configuration in each.properties.get("ipConfigurations", []):
            if id_in(configuration["properties"].get("publicIPAddress")).lower() == address.id.lower():
                return str(configuration["id"])
    return ""


def next_address(state: "State", subnet: Resource) -> str:
    """A free private address of a subnet. Raises Refused when there is none."""
    taken = {c.get("privateIPAddress") for each in users_of(state, subnet) for c in configurations(each)}
    network = ipaddress.ip_network(subnet.properties["addressPrefix"])
    for number in range(FIRST, network.num_addresses - 1):
        if str(network[number]) not in taken:
            return str(network[number])
    raise errors.subnet_full(subnet.name, str(network))


def next_public(state: "State") -> str:
    """A public address that nobody has."""
    taken = {each.properties.get("ipAddress") for each in state.store.of(ADDRESS)}
    return next(str(found) for found in PUBLIC.hosts() if str(found) not in taken)


def interface_properties(
    state: "State", id: str, asked: list[dict[str, Any]], place: dict[str, Any]
) -> dict[str, Any]:
    """What an interface with such IP configurations is like, in the location of the body `place`. Raises
    Refused for what it refers to."""
    shown = []
    for number, each in enumerate(asked):
        wanted = each.get("properties") or {}
        subnet = referenced(state, id_in(wanted.get("subnet")), id)
        network = referenced(state, subnet.id.rpartition("/subnets/")[0], id)
        if region(network.body) != region(place):
            raise errors.no_reference(subnet.id, id)
        properties = {
            "provisioningState": "Succeeded",
            "primary": number == 0,
            "privateIPAddressVersion": "IPv4",
            "privateIPAllocationMethod": "Dynamic",
            **wanted,
        }
        properties.setdefault("privateIPAddress", next_address(state, subnet))
        if wanted.get("publicIPAddress"):
            referenced(state, id_in(wanted["publicIPAddress"]), id)
        name = each.get("name") or f"ipconfig{number + 1}"
        shown.append({"name": name, "id": f"{id}/ipConfigurations/{name}", "properties": properties})
    return {
        "ipConfigurations": shown,
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
        "enableAcceleratedNetworking": False,
        "enableIPForwarding": False,
    }


def check_free(state: "State", interface: Resource) -> None:
    """Raises Refused while a VM has the interface, or had it a moment ago."""
    machine = id_in(interface.properties.get("virtualMachine"))
    if machine:
        raise errors.interface_in_use(interface.id, machine)
    left = interface.kept.get("reserved_until", 0.0) - state.now
    if left > 0:
        raise errors.reserved(interface.id, interface.kept["reserved_for"], left)


def remove_interface(state: "State", interface: Resource) -> None:
    """Takes an interface away, and the public addresses that go with it."""
    for each in configurations(interface):
        public = each.get("publicIPAddress") or {}
        address = state.store.get(id_in(public))
        option = (public.get("properties") or {}).get("deleteOption")
        if address and "Delete" in (option, address.properties.get("deleteOption")):
            state.store.remove(address)
    state.store.remove(interface)
