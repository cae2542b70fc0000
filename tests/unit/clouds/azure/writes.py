"""Writes that are like those of the official examples, and what we leave out of the answers."""

from dataclasses import dataclass
from typing import Any

from tests.azure_cloud import LOCATION, vm_body
from tests.unit.clouds.azure.monitoring import NAME, rule_body, table_body, workspace_body
from tests.unit.clouds.azure.official import example

PROVIDERS = "/resourceGroups/rg/providers"
NET = f"{PROVIDERS}/Microsoft.Network"
LOGS = f"{PROVIDERS}/Microsoft.OperationalInsights/workspaces/ws"
INSIGHTS = f"{PROVIDERS}/Microsoft.Insights"
MACHINES = f"{PROVIDERS}/Microsoft.Compute/virtualMachines"
ROLES = "/providers/Microsoft.Authorization/roleDefinitions"
ROLE = "00000000-0000-0000-0000-00000000000c"
WHO = ("systemData.",)
"""Who wrote a resource, and when: nobody here asks."""
AGENT = ("properties.dataSources.",)
"""The example's rule is for an agent on a machine; ours are for senders."""
WINDOWS = (
    "properties.osProfile.secrets",
    "properties.osProfile.windowsConfiguration.",
    "properties.diagnosticsProfile.bootDiagnostics.storageUri",
)
"""The example's machine is another, with a storage account for its console."""
GUEST = (
    *("vmAgent.", "extensions[]", "patchStatus.", "osName", "osVersion", "bootDiagnostics."),
    *("platformUpdateDomain", "platformFaultDomain", "hyperVGeneration", "isVMInStandbyPool"),
)
"""What an agent in the guest would tell, and what hardware it is on."""


@dataclass(frozen=True)
class Case:
    """A write that is like that of an example. `without` is what we leave out: names, or how they begin.
    `then` is what to GET when all is written, where the write's own answer is not what is compared."""

    path: str
    version: str
    body: Any
    without: tuple[str, ...] = ()
    then: str = ""


def cases(group: str) -> dict[str, Case]:
    """By the example's name, in an order in which they can be made in the group `rg` of this id."""
    return {**networks(group), **roles(group), **logs(group), **machines(group)}


def networks(group: str) -> dict[str, Case]:
    network = example("network-arm__VirtualNetworkCreateSubnet")["parameters"]["parameters"]
    nic = example("network-arm__NetworkInterfaceCreate")["parameters"]["parameters"]
    [configuration] = nic["properties"]["ipConfigurations"]
    address = f"{group}/providers/Microsoft.Network/publicIPAddresses/ip"
    configuration["properties"] = {"subnet": {"id": subnet(group)}, "publicIPAddress": {"id": address}}
    public = {"sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    return {
        "network-arm__VirtualNetworkCreateSubnet": Case(
            f"{NET}/virtualNetworks/net", "2026-03-01", here(network)
        ),
        "network-arm__PublicIpAddressCreateDefaults": Case(
            f"{NET}/publicIPAddresses/ip", "2026-03-01", here(public), then=f"{NET}/publicIPAddresses/ip"
        ),
        "network-arm__NetworkInterfaceCreate": Case(f"{NET}/networkInterfaces/nic", "2026-03-01", here(nic)),
    }


def roles(group: str) -> dict[str, Case]:
    subscription = group.partition("/resourceGroups")[0]
    return {
        "msi-arm__IdentityCreate": Case(
            f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/id",
            "2024-11-30",
            example("msi-arm__IdentityCreate")["parameters"]["parameters"],
        ),
        "authorization-arm__PutRoleDefinition": Case(
            f"{ROLES}/{ROLE}", "2022-04-01", definition(subscription)
        ),
        "authorization-arm__RoleAssignments_CreateForResourceGroup": Case(
            f"{PROVIDERS}/Microsoft.Authorization/roleAssignments/{ROLE}",
            "2022-04-01",
            assignment(f"{subscription}{ROLES}/{ROLE}"),
        ),
    }


def logs(group: str) -> dict[str, Case]:
    home = f"{group}/providers"
    tags = {"tags": {"tag1": "A", "tag2": "B"}}
    rule = rule_body(
        f"{home}/Microsoft.OperationalInsights/workspaces/ws",
        f"{home}/Microsoft.Insights/dataCollectionEndpoints/dce",
    )
    endpoint = example("monitor-arm__DataCollectionEndpointsCreate")["parameters"]["body"]
    table = f"{LOGS}/tables/{NAME}"
    return {
        "operationalinsights-arm__WorkspacesCreate": Case(
            LOGS, "2025-07-01", {**workspace_body(retentionInDays=30), "tags": {"tag1": "val1"}}
        ),
        "operationalinsights-arm__TablesUpsert": Case(table, "2025-07-01", table_body(), then=table),
        "monitor-arm__DataCollectionEndpointsCreate": Case(
            f"{INSIGHTS}/dataCollectionEndpoints/dce", "2023-03-11", here(endpoint) | tags, WHO
        ),
        "monitor-arm__DataCollectionRulesCreate": Case(
            f"{INSIGHTS}/dataCollectionRules/dcr", "2023-03-11", rule | tags, WHO + AGENT
        ),
    }


def machines(group: str) -> dict[str, Case]:
    one, version, body = f"{MACHINES}/vm", "2026-04-01", machine(subnet(group))
    return {
        "compute-arm__VirtualMachine_Create_WithUserData": Case(one, version, body, WINDOWS),
        "compute-arm__VirtualMachine_Get_InstanceView": Case(
            one, version, body, GUEST, f"{one}/instanceView"
        ),
        "compute-arm__VirtualMachine_List_MinimumSet_Gen": Case(one, version, body, then=MACHINES),
    }


def here(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"location": LOCATION}


def subnet(group: str) -> str:
    return f"{group}/providers/Microsoft.Network/virtualNetworks/net/subnets/test-1"


def definition(subscription: str) -> dict[str, Any]:
    asked = example("authorization-arm__PutRoleDefinition")["parameters"]["body"]["roleDefinition"]
    kept = {key: asked[key] for key in ("roleName", "description", "permissions")}
    return {"properties": {**kept, "type": "CustomRole", "assignableScopes": [subscription]}}


def assignment(role: str) -> dict[str, Any]:
    who = {"principalId": ROLE, "principalType": "ServicePrincipal"}
    return {"properties": {"roleDefinitionId": role, **who}}


def machine(subnet: str) -> dict[str, Any]:
    boot = {"bootDiagnostics": {"enabled": True}}
    body = vm_body(subnet, userData="RXhhbXBsZSBVc2VyRGF0YQ==", diagnosticsProfile=boot)
    disk = {"caching": "ReadWrite", "managedDisk": {"storageAccountType": "Standard_LRS"}}
    body["properties"]["storageProfile"]["osDisk"].update(disk)
    return body
