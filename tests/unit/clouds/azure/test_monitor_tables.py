"""Tables of Log Analytics by the real SDK: states, schemas and days."""

from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import (
    COLUMNS,
    NAME,
    make_table,
    make_way,
    make_workspace,
    table_body,
    workspace_body,
)
from tests.unit.clouds.azure.refusals import refused

WORKSPACE = "Microsoft.OperationalInsights/workspaces"
VERSION = "2025-07-01"
HERE = f"/resourceGroups/rg/providers/{WORKSPACE}"


def test_a_table_is_accepted_and_then_there(azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients):
    clients.group()
    make_workspace(clients)
    azure.timings.transitions[f"{WORKSPACE}/tables/write"] = 15
    path = f"{HERE}/ws/tables/{NAME}"

    first = clients.arm("PUT", path, VERSION, table_body())
    assert (first.status_code, first.content) == (202, b"")
    assert "/locations/westeurope/operationstatuses/" in first.headers["Azure-AsyncOperation"]
    assert clients.arm("GET", path, VERSION).json()["properties"]["provisioningState"] == "InProgress"
    assert clients.arm("PUT", path, VERSION, table_body()).json()["error"]["code"] == "Conflict"
    azure_clock.advance(15)
    again = clients.arm("PUT", path, VERSION, table_body())
    assert (again.status_code, again.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    assert clients.arm("PUT", path, VERSION, table_body(retentionInDays=5)).status_code == 202


def test_the_sdk_finds_a_tables_schema(clients: Clients):
    clients.group()
    make_workspace(clients)
    found = make_table(clients)

    assert (found.retention_in_days, found.total_retention_in_days, found.plan) == (7, 7, "Analytics")
    assert found.schema.table_type == "CustomLog"
    types = {each.name: getattr(each.type, "value", each.type) for each in found.schema.columns}
    assert {name: type.lower() for name, type in types.items()} == COLUMNS
    assert types["TimeGenerated"] == "dateTime"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Nextflow_log", {}),
        (NAME, {"columns": {"workflowId": "string"}}),
        (NAME, {"columns": {"TimeGenerated": "string"}}),
        (NAME, {"columns": {**COLUMNS, "1st": "string"}}),
        (NAME, {"columns": {**COLUMNS, "x" * 46: "string"}}),
        (NAME, {"columns": {**COLUMNS, "Type": "string"}}),
        (NAME, {"columns": {**COLUMNS, "x": "text"}}),
        (NAME, {"retentionInDays": 3}),
        (NAME, {"retentionInDays": 731}),
        (NAME, {"totalRetentionInDays": 6}),
        (NAME, {"totalRetentionInDays": 4384}),
        (NAME, {"plan": "Gold"}),
        (NAME, {"plan": "Basic"}),
        (NAME, {"schema": {"name": "Other_CL", "columns": []}}),
    ],
    ids=str,
)
def test_a_table_that_could_not_be_is_refused(clients: Clients, name: str, change: dict[str, Any]):
    clients.group()
    make_workspace(clients)

    begin = clients.workspaces.tables.begin_create_or_update
    assert refused(begin, "rg", "ws", name, table_body(name, **change)) == (400, "InvalidParameter")
    assert list(clients.workspaces.tables.list_by_workspace("rg", "ws")) == []


def test_a_table_keeps_the_days_of_its_workspace_unless_told(clients: Clients):
    clients.group()
    make_workspace(clients, retentionInDays=90)
    found = make_table(clients, retentionInDays=-1, totalRetentionInDays=-1)

    assert (found.retention_in_days, found.retention_in_days_as_default) == (90, True)
    basic = make_table(clients, "Basic_CL", plan="Basic", retentionInDays=-1, totalRetentionInDays=-1)
    assert (basic.retention_in_days, basic.plan) == (30, "Basic")


def test_the_type_of_a_column_is_for_ever(clients: Clients):
    clients.group()
    make_workspace(clients)
    make_table(clients)

    begin = clients.workspaces.tables.begin_create_or_update
    changed = table_body(columns={**COLUMNS, "seq": "string"})
    assert refused(begin, "rg", "ws", NAME, changed) == (400, "InvalidParameter")
    more = make_table(clients, columns={**COLUMNS, "host": "string"})
    assert "host" in [each.name for each in more.schema.columns]


def test_a_table_needs_a_workspace_that_is_ready(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    clients.group()
    begin = clients.workspaces.tables.begin_create_or_update
    assert refused(begin, "rg", "ws", NAME, table_body()) == (404, "ParentResourceNotFound")
    azure.timings.transitions[f"{WORKSPACE}/write"] = 20
    clients.workspaces.workspaces.begin_create_or_update("rg", "ws", workspace_body(), polling=False)
    assert refused(begin, "rg", "ws", NAME, table_body()) == (409, "Conflict")


def test_a_deleted_table_takes_its_rows_along(azure: EmulatedAzure, clients: Clients):
    way = make_way(azure, clients)
    way.send({"message": "lost"})
    clients.workspaces.tables.begin_delete("rg", "ws", NAME).result()

    with pytest.raises(ResourceNotFoundError):
        clients.workspaces.tables.get("rg", "ws", NAME)
    clients.workspaces.tables.begin_delete("rg", "ws", NAME).result()
    make_table(clients)
    assert way.ask(NAME) == []
