"""What is written for each resource of an environment. Pure; the same each time."""

from collections.abc import Mapping
from typing import Any

from shared.model.environment import ResourceRow
from shared.providers.azure import graph
from shared.providers.azure.account import Account

RETENTION = 7
"""Days for which log lines can be queried."""
STREAM_COLUMNS = {
    "TimeGenerated": "datetime",
    "workflowId": "string",
    "attempt": "int",
    "seq": "long",
    "message": "string",
}
"""What a log line is made of; the table's columns are the same."""
SPACE, SUBNET_SPACE = "10.0.0.0/16", "10.0.0.0/20"
"""4,091 machines at once; Azure keeps five addresses of a subnet."""
WRITE_LOGS = "Microsoft.Insights/Telemetry/Write"
DELETE_ITSELF = ["Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/delete"]
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Azure's built-in role Storage Blob Data Contributor."""
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
BLOBS = [f"{CONTAINERS}/blobs/{verb}" for verb in ("read", "write", "delete", "add/action", "move/action")]

Body = dict[str, Any]
Made = Mapping[str, ResourceRow]


def group(account: Account) -> Body:
    """The resource group."""
    return tagged(account)


def identity(account: Account) -> Body:
    """The identity that machines have."""
    return tagged(account)


def workspace(account: Account) -> Body:
    """The workspace; tables have a retention of their own."""
    return tagged(account, {"sku": {"name": "PerGB2018"}, "retentionInDays": 30})


def table(account: Account) -> Body:
    """The table for log lines. Its plan is the one that lets choose the retention."""
    types = {**STREAM_COLUMNS, "TimeGenerated": "dateTime"}
    columns = [{"name": name, "type": kind} for name, kind in types.items()]
    schema = {"name": account.options.table, "columns": columns}
    days = {"retentionInDays": RETENTION, "totalRetentionInDays": RETENTION}
    return {"properties": {"plan": "Analytics", **days, "schema": schema}}


def endpoint(account: Account) -> Body:
    """The endpoint that takes log lines."""
    return tagged(account, {"networkAcls": {"publicNetworkAccess": "Enabled"}})


def rule(account: Account) -> Body:
    """The rule that leads log lines into the table."""
    stream = stream_name(account)
    columns = [{"name": name, "type": kind} for name, kind in STREAM_COLUMNS.items()]
    destination = {"name": "workspace", "workspaceResourceId": graph.path(account, graph.WORKSPACE)}
    flow = {
        "streams": [stream],
        "destinations": ["workspace"],
        "transformKql": "source",
        "outputStream": stream,
    }
    return tagged(
        account,
        {
            "dataCollectionEndpointId": graph.path(account, graph.ENDPOINT),
            "streamDeclarations": {stream: {"columns": columns}},
            "destinations": {"logAnalytics": [destination]},
            "dataFlows": [flow],
        },
    )


def stream_name(account: Account) -> str:
    """What log lines are sent as."""
    return f"Custom-{account.options.table}"


def network(account: Account) -> Body:
    """The network with its one subnet. How machines get out is said: Azure's default for that changes
    with the api-version."""
    subnet = {"addressPrefix": SUBNET_SPACE, "defaultOutboundAccess": True}
    space = {"addressSpace": {"addressPrefixes": [SPACE]}}
    return tagged(account, {**space, "subnets": [{"name": "default", "properties": subnet}]})


def role(account: Account) -> Body:
    """What machines may do in the group: send log lines, and delete themselves where that is wanted."""
    actions = DELETE_ITSELF if account.options.self_delete else []
    data = [] if account.options.own_logs else [WRITE_LOGS]
    return definition(account, graph.name(account, graph.ROLE), account.group, actions, data)


def storage_role(account: Account) -> Body:
    """What machines may do with blobs where the assignment stands at the subscription. The built-in role
    would let them delete containers too, which no condition can limit."""
    name = f"{graph.name(account, graph.STORAGE)}-role"
    return definition(account, name, account.subscription, [f"{CONTAINERS}/read"], BLOBS)


def definition(account: Account, name: str, scope: str, actions: list[str], data: list[str]) -> Body:
    """A custom role. It has no tags: its description says whose it is."""
    permission = {"actions": actions, "notActions": [], "dataActions": data, "notDataActions": []}
    return {
        "properties": {
            "roleName": name,
            "description": described(account),
            "type": "CustomRole",
            "assignableScopes": [scope],
            "permissions": [permission],
        }
    }


def assignment(account: Account, made: Made) -> Body:
    """Gives machines their role in the group."""
    return assigned(account, graph.path(account, graph.ROLE), made)


def storage(account: Account, made: Made, scope: str) -> Body:
    """Gives machines the blobs of the work container: by the scope itself, or by a condition."""
    if scope != account.subscription:
        built_in = f"{account.subscription}/providers/{graph.DEFINITIONS}/{BLOB_CONTRIBUTOR}"
        return assigned(account, built_in, made)
    return assigned(
        account,
        graph.storage_role_path(account),
        made,
        conditionVersion="2.0",
        condition=condition(account.storage_name, account.options.container),
    )


def condition(storage_account: str, container: str) -> str:
    """Of all blobs, those of one container. Names of accounts and containers hold no quotes."""
    return (
        f"((@Resource[Microsoft.Storage/storageAccounts:name] StringEquals '{storage_account}') AND "
        f"(@Resource[{CONTAINERS}:name] StringEquals '{container}'))"
    )


def assigned(account: Account, role_id: str, made: Made, **more: str) -> Body:
    """A role assignment. With the type of the principal, a directory that does not know it yet does
    not matter."""
    return {
        "properties": {
            "roleDefinitionId": role_id,
            "principalId": made[graph.IDENTITY].facts.get("principalId", ""),
            "principalType": "ServicePrincipal",
            "description": described(account),
            **more,
        }
    }


def described(account: Account) -> str:
    """Whose it is, on what has no tags."""
    return f"headnode {account.settings.installation}, machines of environment {account.environment.id}"


def tagged(account: Account, properties: Body | None = None) -> Body:
    """A resource in the environment's region, with our tags and the user's labels."""
    body: Body = {"location": account.options.region, "tags": {**account.labels, **account.tags}}
    return {**body, "properties": properties} if properties is not None else body
