"""The custom role that people give to a control plane on Azure Cloud, whole and by step."""

_VM = "Microsoft.Compute/virtualMachines"
_GROUP = "Microsoft.Resources/subscriptions/resourceGroups"
_NET = "Microsoft.Network"
_ID = "Microsoft.ManagedIdentity/userAssignedIdentities"

LAUNCH = {
    "actions": [
        f"{_VM}/read",
        f"{_VM}/write",
        f"{_VM}/delete",
        f"{_VM}/deallocate/action",
        f"{_NET}/publicIPAddresses/read",
        f"{_NET}/publicIPAddresses/write",
        f"{_NET}/publicIPAddresses/delete",
        f"{_NET}/publicIPAddresses/join/action",
        f"{_NET}/networkInterfaces/read",
        f"{_NET}/networkInterfaces/write",
        f"{_NET}/networkInterfaces/join/action",
        f"{_NET}/virtualNetworks/subnets/join/action",
        f"{_ID}/assign/action",
    ]
}
CREATE = {
    "actions": [
        f"{_GROUP}/read",
        f"{_GROUP}/write",
        f"{_NET}/virtualNetworks/read",
        f"{_NET}/virtualNetworks/write",
        f"{_NET}/virtualNetworks/subnets/read",
        f"{_NET}/virtualNetworks/subnets/write",
        f"{_ID}/read",
        f"{_ID}/write",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleDefinitions/read",
        "Microsoft.Authorization/roleDefinitions/write",
    ]
}
