"""VMs by the real SDK, in the resource group `rg`."""

from typing import Any

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients, vm_body

MACHINE = "Microsoft.Compute/virtualMachines"
NIC = "Microsoft.Network/networkInterfaces"
IP = "Microsoft.Network/publicIPAddresses"
DISK = "Microsoft.Compute/disks"
VERSION = "2026-04-01"
VM = f"/resourceGroups/rg/providers/{MACHINE}/vm"


def put(clients: Clients, subnet: str, name: str = "vm", polling: Any = None, **properties: Any) -> Any:
    body = vm_body(subnet, **properties)
    body["properties"]["storageProfile"]["osDisk"]["name"] = f"{name}-os"
    return begin(clients, body, name, polling)


def begin(clients: Clients, body: dict[str, Any], name: str = "vm", polling: Any = None) -> Any:
    asked = {} if polling is None else {"polling": polling}
    return clients.compute.virtual_machines.begin_create_or_update("rg", name, body, **asked).result()


def view(clients: Clients, name: str = "vm") -> tuple[str, list[str]]:
    """The provisioningState and the codes of the statuses."""
    found = clients.compute.virtual_machines.get("rg", name, expand="instanceView")
    return found.provisioning_state, [each.code for each in found.instance_view.statuses]


def there(azure: EmulatedAzure) -> list[str]:
    """Types of what there is beside group and network."""
    own = ("virtualMachines", "networkInterfaces", "disks", "publicIPAddresses")
    return sorted(each.type.rpartition("/")[2] for each in azure.resources() if each.type.endswith(own))


PUBLIC = {
    "name": "ip",
    "properties": {"deleteOption": "Delete", "publicIPAllocationMethod": "Static"},
    "sku": {"name": "Standard"},
    "tags": {"headnode:run": "r1"},
}


def with_public(subnet: str, nic: str = "Delete", ip: str = "Delete", disk: str = "Delete") -> dict[str, Any]:
    body = vm_body(subnet)
    [interface] = body["properties"]["networkProfile"]["networkInterfaceConfigurations"]
    interface["properties"]["deleteOption"] = nic
    interface["tags"] = {"headnode:run": "r1"}
    public = {**PUBLIC, "properties": {**PUBLIC["properties"], "deleteOption": ip}}
    interface["properties"]["ipConfigurations"][0]["properties"]["publicIPAddressConfiguration"] = public
    body["properties"]["storageProfile"]["osDisk"]["deleteOption"] = disk
    return body


def named(subnet: str, name: str) -> dict[str, Any]:
    body = vm_body(subnet)
    body["properties"]["storageProfile"]["osDisk"]["name"] = f"{name}-os"
    return body
