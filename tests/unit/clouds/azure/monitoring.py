"""The way of log records through an emulated Azure: workspace, table, endpoint, rule."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients

NAME = "Nextflow_log_CL"
STREAM = f"Custom-{NAME}"
COLUMNS = {
    "TimeGenerated": "datetime",
    "workflowId": "string",
    "attempt": "int",
    "seq": "long",
    "message": "string",
}
MONITOR = "https://monitor.azure.com"
PUBLISHER = "/providers/Microsoft.Authorization/roleDefinitions/3913510d-42f4-4e42-8a64-420c390055eb"


def listed(columns: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": type} for name, type in columns.items()]


def workspace_body(location: str = LOCATION, **properties: Any) -> dict[str, Any]:
    return {"location": location, "properties": {"sku": {"name": "PerGB2018"}, **properties}}


def table_body(name: str = NAME, columns: dict[str, str] = COLUMNS, **properties: Any) -> dict[str, Any]:
    schema = {"name": name, "columns": listed(columns)}
    days = {"plan": "Analytics", "retentionInDays": 7, "totalRetentionInDays": 7}
    return {"properties": {"schema": schema, **days, **properties}}


def rule_body(workspace: str, endpoint: str, columns: dict[str, str] = COLUMNS) -> dict[str, Any]:
    flow = {
        "streams": [STREAM],
        "destinations": ["ws"],
        "transformKql": "source",
        "outputStream": STREAM,
    }
    return {
        "location": LOCATION,
        "properties": {
            "dataCollectionEndpointId": endpoint,
            "streamDeclarations": {STREAM: {"columns": listed(columns)}},
            "destinations": {"logAnalytics": [{"workspaceResourceId": workspace, "name": "ws"}]},
            "dataFlows": [flow],
        },
    }


@dataclass
class Way:
    """All four, in the resource group `rg`."""

    azure: EmulatedAzure
    clients: Clients
    workspace: Any
    table: Any
    endpoint: Any
    rule: Any

    @property
    def ingest(self) -> str:
        return str(self.endpoint.logs_ingestion.endpoint)

    def send(self, *records: dict[str, Any], bearer: str = "") -> None:
        now = datetime.datetime.fromtimestamp(self.azure.state.now, datetime.UTC).isoformat()
        full = [{"TimeGenerated": now, **each} for each in records]
        self.clients.ingestion(self.ingest, bearer).upload(self.rule.immutable_id, STREAM, full)

    def post(
        self,
        body: bytes,
        *,
        bearer: str = "",
        version: str = "2023-01-01",
        stream: str = STREAM,
        **headers: str,
    ) -> httpx.Response:
        url = f"{self.ingest}/dataCollectionRules/{self.rule.immutable_id}/streams/{stream}"
        said = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if not bearer:
            directory = self.azure.state.directory
            bearer = directory.issue(directory.operator, MONITOR, self.azure.state.now)
        said["Authorization"] = f"Bearer {bearer}"
        return httpx.post(url, params={"api-version": version}, content=body, headers=said)

    def ask(self, query: str, timespan: Any = None) -> list[list[Any]]:
        found = self.clients.logs().query_workspace(
            self.workspace.properties.customer_id, query, timespan=timespan
        )
        return [list(row) for row in found.tables[0].rows]


def make_workspace(clients: Clients, name: str = "ws", **properties: Any) -> Any:
    begin = clients.workspaces.workspaces.begin_create_or_update
    return begin("rg", name, workspace_body(**properties)).result()


def make_table(clients: Clients, name: str = NAME, workspace: str = "ws", **properties: Any) -> Any:
    begin = clients.workspaces.tables.begin_create_or_update
    return begin("rg", workspace, name, table_body(name, **properties)).result()


def make_endpoint(clients: Clients, name: str = "dce", location: str = LOCATION) -> Any:
    body = {"location": location, "properties": {}}
    return clients.monitor.data_collection_endpoints.create("rg", name, body)


def make_way(azure: EmulatedAzure, clients: Clients) -> Way:
    clients.group()
    workspace, table, endpoint = make_workspace(clients), make_table(clients), make_endpoint(clients)
    body = rule_body(workspace.id, endpoint.id)
    rule = clients.monitor.data_collection_rules.create("rg", "dcr", body)
    return Way(azure, clients, workspace, table, endpoint, rule)


def some_lines(azure: EmulatedAzure, clients: Clients) -> Way:
    """Three lines of two runs."""
    made = make_way(azure, clients)
    made.send(
        {"workflowId": "r1", "attempt": 1, "seq": 1, "message": "Hello, World"},
        {"workflowId": "r1", "attempt": 2, "seq": 10, "message": 'say "no"'},
        {"workflowId": "r2", "attempt": 1, "seq": 2, "message": "C:\\temp\n'x'"},
    )
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def identity(way: Way) -> tuple[str, str]:
    """The object id of a managed identity, and its token for Logs Ingestion."""
    made = way.clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": LOCATION}
    )
    directory = way.azure.state.directory
    bearer = directory.issue(directory.by_object[made.principal_id], MONITOR, way.azure.state.now, 86400)
    return str(made.principal_id), bearer


def assign(way: Way, principal: str, scope: str, role: str = PUBLISHER) -> None:
    properties = {"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}
    way.clients.authorization.role_assignments.create(scope, str(uuid.uuid4()), {"properties": properties})
