"""Log Analytics workspaces and tables by the real SDK: states, schemas, and names that stay taken."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.operationalinsights.models import RECOVERABLE
from tests.azure_cloud import LOCATION, Clients, by_resource
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

WORKSPACE = "Microsoft.OperationalInsights/workspaces"
VERSION = "2025-07-01"
HERE = f"/resourceGroups/rg/providers/{WORKSPACE}"


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, caught.value.error.code


def test_a_workspace_takes_its_time_and_has_a_customer_id(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.transitions[f"{WORKSPACE}/write"] = 20
    clients.group()
    begin, get = clients.workspaces.workspaces.begin_create_or_update, clients.workspaces.workspaces.get
    begin("rg", "ws", workspace_body(retentionInDays=31), polling=False)

    made = get("rg", "WS")
    assert (made.name, made.location, made.properties.provisioning_state) == ("ws", LOCATION, "Creating")
    assert refused(begin, "rg", "ws", workspace_body(), polling=False) == (409, "Conflict")
    azure_clock.advance(20)
    made = get("rg", "ws")
    assert (made.properties.provisioning_state, made.properties.retention_in_days) == ("Succeeded", 31)
    begin("rg", "ws", workspace_body(retentionInDays=60), polling=False)
    azure_clock.advance(20)
    again = get("rg", "ws")
    assert (again.properties.customer_id, again.properties.retention_in_days) == (
        made.properties.customer_id,
        60,
    )


def test_workspaces_are_listed_in_their_scope(clients: Clients):
    for group in ("rg", "other"):
        clients.group(group)
    make_workspace(clients, "one")

    operations = clients.workspaces.workspaces
    assert [each.name for each in operations.list()] == ["one"]
    assert [each.name for each in operations.list_by_resource_group("rg")] == ["one"]
    assert list(operations.list_by_resource_group("other")) == []


def test_a_workspace_needs_a_group_and_a_place(clients: Clients):
    begin = clients.workspaces.workspaces.begin_create_or_update
    assert refused(begin, "rg", "ws", workspace_body()) == (404, "ResourceGroupNotFound")
    clients.group()
    assert refused(begin, "rg", "ws", {"properties": {}}) == (400, "LocationRequired")
    begin("rg", "ws", workspace_body())
    assert refused(begin, "rg", "ws", workspace_body("northeurope")) == (409, "InvalidResourceLocation")


def deleted(clients: Clients) -> list[str]:
    return [each.name for each in clients.workspaces.deleted_workspaces.list()]


def test_a_deleted_workspace_comes_back_as_it_was(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    way = make_way(azure, clients)
    way.send({"message": "kept"})
    clients.workspaces.workspaces.begin_delete("rg", "ws").result()

    with pytest.raises(ResourceNotFoundError):
        clients.workspaces.workspaces.get("rg", "ws")
    assert deleted(clients) == ["ws"]
    begin = clients.workspaces.workspaces.begin_create_or_update
    assert refused(begin, "rg", "ws", workspace_body("northeurope")) == (409, "Conflict")
    azure_clock.advance(RECOVERABLE / 14)
    way.clients = Clients(azure)  # whose token has not expired
    back = make_workspace(way.clients)
    assert back.properties.customer_id == way.workspace.properties.customer_id
    assert way.ask(f"{NAME} | project message") == [["kept"]]
    assert deleted(way.clients) == []


@pytest.mark.parametrize("how", ["force", "two weeks"])
def test_a_workspace_that_is_gone_for_good_does_not_come_back(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, how: str
):
    way = make_way(azure, clients)
    clients.workspaces.workspaces.begin_delete("rg", "ws", force=how == "force").result()
    azure_clock.advance(RECOVERABLE if how == "two weeks" else 0)

    clients = Clients(azure)
    assert deleted(clients) == []
    new = make_workspace(clients)
    assert new.properties.customer_id != way.workspace.properties.customer_id
    assert list(clients.workspaces.tables.list_by_workspace("rg", "ws")) == []


def test_a_group_that_goes_leaves_its_workspaces_to_be_recovered(azure: EmulatedAzure, clients: Clients):
    way = make_way(azure, clients)
    clients.resources.resource_groups.begin_delete("rg").result()

    assert (azure.resources(), deleted(clients)) == ([], ["ws"])
    clients.group()
    assert make_workspace(clients).properties.customer_id == way.workspace.properties.customer_id
    assert clients.workspaces.tables.get("rg", "ws", NAME).name == NAME


def test_forcing_while_a_deletion_is_under_way_counts(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.transitions[f"{WORKSPACE}/delete"] = 5
    clients.group()
    make_workspace(clients)
    delete = clients.workspaces.workspaces.begin_delete
    delete("rg", "ws", polling=False)
    delete("rg", "ws", force=True, polling=False)

    assert clients.workspaces.workspaces.get("rg", "ws").properties.provisioning_state == "Deleting"
    azure_clock.advance(5)
    assert (azure.resources(WORKSPACE), deleted(clients)) == ([], [])
    delete("rg", "ws", polling=False)  # 204: there is none


def test_shared_keys_are_given_to_who_asks(clients: Clients):
    clients.group()
    make_workspace(clients)

    keys = clients.workspaces.shared_keys.get_shared_keys("rg", "ws")
    assert keys.primary_shared_key and keys.primary_shared_key != keys.secondary_shared_key


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


def test_polling_a_workspaces_operation_is_refused_under_the_published_role(
    azure: EmulatedAzure, clients: Clients
):
    clients.group()
    azure.enforce("operator", {"actions": [f"{WORKSPACE}/{verb}" for verb in ("read", "write")]})
    begin = clients.workspaces.workspaces.begin_create_or_update

    poller = begin("rg", "ws", workspace_body())
    assert refused(poller.result) == (403, "AuthorizationFailed")
    assert azure.judge.refusals[-1].action == "Microsoft.OperationalInsights/locations/operationStatuses/read"
    other = begin("rg", "other", workspace_body(), polling=by_resource()).result()
    assert other.properties.provisioning_state == "Succeeded"
    assert refused(clients.workspaces.tables.get, "rg", "ws", NAME) == (403, "AuthorizationFailed")


def test_old_versions_are_not_modelled(azure: EmulatedAzure, clients: Clients):
    clients.group()
    for path in (f"{HERE}/ws", f"{HERE}/ws/tables/{NAME}"):
        answer = clients.arm("PUT", path, "2015-03-20", workspace_body())
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotImplemented")
