"""What an environment is made of: names, ids and what needs what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Refused
from shared.model.environment import Resource, ResourceRow
from shared.providers.azure import versions
from shared.providers.azure.account import Account

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "Microsoft.Authorization/roleDefinitions"


@dataclass(frozen=True)
class Kind:
    """A row of the graph. `type` is ours, `arm` Azure's; `suffix` ends its name."""

    type: str
    arm: str
    version: str
    suffix: str
    needs: tuple[str, ...] = ()
    tagged: bool = True


GROUP, IDENTITY, ROLE, ASSIGNMENT, STORAGE = "group", "identity", "role", "assignment", "storage"
WORKSPACE, TABLE, ENDPOINT, RULE, NETWORK = "workspace", "table", "endpoint", "rule", "network"

KINDS: Mapping[str, Kind] = {
    GROUP: Kind("ResourceGroup", "Microsoft.Resources/subscriptions/resourceGroups", versions.GROUPS, ""),
    IDENTITY: Kind(
        "ManagedIdentity",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        versions.IDENTITIES,
        "identity",
        (GROUP,),
    ),
    ROLE: Kind("RoleDefinition", DEFINITIONS, versions.ROLES, "role", (GROUP,), False),
    ASSIGNMENT: Kind(
        "RoleAssignment", ASSIGNMENTS, versions.ROLES, "assignment", (GROUP, IDENTITY, ROLE), False
    ),
    STORAGE: Kind("StorageAssignment", ASSIGNMENTS, versions.ROLES, "storage", (IDENTITY,), False),
    WORKSPACE: Kind(
        "LogWorkspace", "Microsoft.OperationalInsights/workspaces", versions.WORKSPACES, "logs", (GROUP,)
    ),
    TABLE: Kind(
        "LogTable",
        "Microsoft.OperationalInsights/workspaces/tables",
        versions.WORKSPACES,
        "",
        (WORKSPACE,),
        False,
    ),
    ENDPOINT: Kind(
        "DataCollectionEndpoint",
        "Microsoft.Insights/dataCollectionEndpoints",
        versions.COLLECTION,
        "dce",
        (GROUP,),
    ),
    RULE: Kind(
        "DataCollectionRule",
        "Microsoft.Insights/dataCollectionRules",
        versions.COLLECTION,
        "dcr",
        (TABLE, ENDPOINT),
    ),
    NETWORK: Kind("VirtualNetwork", "Microsoft.Network/virtualNetworks", versions.NETWORK, "vnet", (GROUP,)),
}
"""Key -> kind, in an order in which each one's needs come first."""


def resources(account: Account) -> list[Resource]:
    """The graph, without what the user brings: a group, an identity (with its rights), a network, or
    places for logs."""
    absent = users_own(account)
    return [
        Resource(
            key=key,
            type=kind.type,
            name=name(account, key),
            needs=tuple(need for need in kind.needs if need not in absent),
        )
        for key, kind in KINDS.items()
        if key not in absent
    ]


def users_own(account: Account) -> set[str]:
    """Keys of what is not made."""
    options = account.options
    found: set[str] = set()
    if options.group:
        found.add(GROUP)
    if options.identity_id:
        found |= {IDENTITY, ROLE, ASSIGNMENT, STORAGE}
    if options.network_id:
        found.add(NETWORK)
    if options.own_logs:
        found |= {WORKSPACE, TABLE, ENDPOINT, RULE}
        if not options.self_delete:
            found |= {ROLE, ASSIGNMENT}
    return found


def name(account: Account, key: str) -> str:
    """What a resource is called; all but the table have the environment's id in it."""
    return account.options.table if key == TABLE else account.named(key, KINDS[key].suffix)


def path(account: Account, key: str) -> str:
    """A resource's id. That of the storage assignment depends on what the account shows (`scopes`)."""
    if key == GROUP:
        return account.group
    if key == ROLE:
        return f"{account.group}/providers/{DEFINITIONS}/{account.guid('role')}"
    if key == ASSIGNMENT:
        return f"{account.group}/providers/{ASSIGNMENTS}/{account.guid('assignment')}"
    if key == TABLE:
        return f"{path(account, WORKSPACE)}/tables/{name(account, key)}"
    if key == STORAGE:
        return storage_paths(account)[0]
    return account.of(KINDS[key].arm, name(account, key))


def storage_paths(account: Account) -> list[str]:
    """Where the storage assignment can be: at the container, in the group that the user named, or at the
    subscription."""
    groups = dict.fromkeys(filter(None, (account.options.storage_group, account.options.group)))
    scopes = [*(container_id(account, group) for group in groups), account.subscription]
    return [f"{scope}/providers/{ASSIGNMENTS}/{account.guid('storage')}" for scope in scopes]


def container_id(account: Account, group: str) -> str:
    """The work container's id, if its account is in that group."""
    home = f"{account.subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts"
    return f"{home}/{account.storage_name}/blobServices/default/containers/{account.options.container}"


def storage_role_path(account: Account) -> str:
    """The id of the role that machines have at a storage account whose group nobody told."""
    return f"{account.subscription}/providers/{DEFINITIONS}/{account.guid('storage-role')}"


def kind_of(row: ResourceRow) -> Kind:
    """The kind of a row. Raises Refused for one that this version does not know."""
    if row.key not in KINDS:
        raise Refused(f"{row.key}: no such resource")
    return KINDS[row.key]
