"""Networks and what is in them by the real SDK, in the resource group `rg`."""

from typing import Any

from tests.azure_cloud import LOCATION, Clients, vm_body

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"
NIC = "Microsoft.Network/networkInterfaces"
IP = "Microsoft.Network/publicIPAddresses"


def network_body(*subnets: str, space: str = "10.0.0.0/16", **extra: Any) -> dict[str, Any]:
    """Subnets as name=prefix."""
    parts = [each.partition("=") for each in subnets]
    return {
        "location": LOCATION,
        "properties": {
            "addressSpace": {"addressPrefixes": [space]},
            "subnets": [{"name": n, "properties": {"addressPrefix": p, **extra}} for n, _, p in parts],
        },
    }


def put_network(clients: Clients, *subnets: str, name: str = "net", **extra: Any) -> Any:
    begin = clients.network.virtual_networks.begin_create_or_update
    return begin("rg", name, network_body(*subnets, **extra)).result()


def put_nic(clients: Clients, subnet: str, name: str = "nic", public: str = "", **extra: Any) -> Any:
    properties: dict[str, Any] = {"subnet": {"id": subnet}}
    if public:
        properties["publicIPAddress"] = {"id": public, "properties": {"deleteOption": "Delete"}}
    body = {
        "location": LOCATION,
        "properties": {"ipConfigurations": [{"name": "ip", "properties": properties}]},
        **extra,
    }
    return clients.network.network_interfaces.begin_create_or_update("rg", name, body).result()


def put_ip(clients: Clients, name: str = "ip", sku: str = "Standard", method: str = "Static") -> Any:
    body = {
        "location": LOCATION,
        "sku": {"name": sku},
        "properties": {"publicIPAllocationMethod": method, "publicIPAddressVersion": "IPv4"},
    }
    return clients.network.public_ip_addresses.begin_create_or_update("rg", name, body).result()


def vm_on(clients: Clients, nic: str, option: str = "Delete", name: str = "vm") -> Any:
    body = vm_body("")
    entry = {"id": nic, "properties": {"primary": True, "deleteOption": option}}
    body["properties"]["networkProfile"] = {"networkInterfaces": [entry]}
    body["properties"]["storageProfile"]["osDisk"]["name"] = f"{name}-os"
    return clients.compute.virtual_machines.begin_create_or_update("rg", name, body).result()
