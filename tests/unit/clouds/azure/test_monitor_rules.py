"""Data collection endpoints and rules by the real SDK."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import (
    COLUMNS,
    STREAM,
    Way,
    listed,
    make_endpoint,
    make_table,
    make_way,
    rule_body,
    workspace_body,
)

INSIGHTS = "Microsoft.Insights"


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    return make_way(azure, clients)


def why(act: Any, *arguments: Any) -> str:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments)
    assert (caught.value.status_code, caught.value.error.code) == (400, "InvalidPayload")
    return str(caught.value.error.details[0].code)


def test_writing_an_endpoint_is_how_to_read_it(azure: EmulatedAzure, clients: Clients):
    clients.group()
    azure.enforce(
        "operator", {"actions": [f"{INSIGHTS}/DataCollectionEndpoints/{v}" for v in ("Write", "Delete")]}
    )
    first, again = make_endpoint(clients), make_endpoint(clients)

    assert first.logs_ingestion.endpoint == again.logs_ingestion.endpoint == f"{azure.url}/ingest/dce"
    assert first.immutable_id == again.immutable_id
    assert (first.location, first.provisioning_state) == (LOCATION, "Succeeded")
    with pytest.raises(HttpResponseError) as caught:
        clients.monitor.data_collection_endpoints.get("rg", "dce")
    assert caught.value.error.code == "AuthorizationFailed"
    assert azure.judge.refusals[-1].action == f"{INSIGHTS}/DataCollectionEndpoints/Read"


def test_an_endpoint_is_made_and_removed_at_once(azure: EmulatedAzure, clients: Clients):
    azure.timings.transitions["*"] = 100
    clients.group()
    path = f"/resourceGroups/rg/providers/{INSIGHTS}/dataCollectionEndpoints/dce"
    body = {
        "location": LOCATION,
        "tags": {"a": "b"},
        "properties": {"networkAcls": {"publicNetworkAccess": "x"}},
    }
    assert clients.arm("PUT", path, "2023-03-11", body).json()["error"]["code"] == "InvalidPayload"
    body["properties"] = {}
    assert [clients.arm("PUT", path, "2023-03-11", body).status_code for _ in range(2)] == [201, 200]
    assert clients.monitor.data_collection_endpoints.get("rg", "dce").tags == {"a": "b"}
    assert [each.name for each in clients.monitor.data_collection_endpoints.list_by_subscription()] == ["dce"]
    assert [clients.arm("DELETE", path, "2023-03-11").status_code for _ in range(2)] == [200, 204]
    assert clients.arm("PUT", path, "2021-04-01", body).status_code == 501


def test_a_rule_keeps_its_immutable_id_until_it_is_deleted(way: Way):
    rules = way.clients.monitor.data_collection_rules
    body = rule_body(way.workspace.id, way.endpoint.id)

    assert re.fullmatch("dcr-[0-9a-f]{32}", way.rule.immutable_id)
    assert rules.create("rg", "dcr", body).immutable_id == way.rule.immutable_id
    shown = rules.get("rg", "dcr")
    assert shown.data_flows[0].output_stream == STREAM
    customer = way.workspace.properties.customer_id
    assert shown.destinations.log_analytics[0].workspace_id == customer
    assert [each.name for each in rules.list_by_resource_group("rg")] == ["dcr"]
    rules.delete("rg", "dcr")
    with pytest.raises(ResourceNotFoundError):
        rules.get("rg", "dcr")
    rules.delete("rg", "dcr")
    assert rules.create("rg", "dcr", body).immutable_id != way.rule.immutable_id


def stream(name: str = STREAM, **columns: str) -> Callable[[dict[str, Any]], None]:
    def change(properties: dict[str, Any]) -> None:
        properties["streamDeclarations"] = {name: {"columns": listed({**COLUMNS, **columns})}}

    return change


def flow(**what: Any) -> Callable[[dict[str, Any]], None]:
    def change(properties: dict[str, Any]) -> None:
        properties["dataFlows"][0].update(what)

    return change


def without_time(properties: dict[str, Any]) -> None:
    properties["streamDeclarations"] = {STREAM: {"columns": listed({"message": "string"})}}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            lambda p: p.update(dataCollectionEndpointId=p["dataCollectionEndpointId"] + "x"),
            "InvalidDataCollectionEndpoint",
        ),
        (lambda p: p.update(dataFlows=[]), "InvalidDataFlow"),
        (lambda p: p["streamDeclarations"].clear(), "InvalidStream"),
        (lambda p: p["streamDeclarations"].update({"Nextflow": {"columns": []}}), "InvalidStream"),
        (lambda p: p["streamDeclarations"].update({STREAM: {"columns": []}}), "InvalidStreamDeclaration"),
        (stream(seq="guid"), "InvalidStreamDeclaration"),
        (stream(seq="string"), "InvalidTransformOutput"),
        (without_time, "InvalidTransformOutput"),
        (lambda p: p["destinations"]["logAnalytics"][0].update(name="other"), "InvalidDestination"),
        (
            lambda p: p["destinations"]["logAnalytics"][0].update(workspaceResourceId="/subscriptions/s"),
            "InvalidWorkspace",
        ),
        (flow(streams=["Custom-Other"]), "InvalidStream"),
        (flow(outputStream="Custom-Other_CL"), "InvalidOutputTable"),
        (flow(outputStream="Nextflow_log_CL"), "InvalidOutputTable"),
    ],
)
def test_a_rule_that_could_not_work_is_refused(way: Way, change: Callable[[dict[str, Any]], None], code: str):
    body = rule_body(way.workspace.id, way.endpoint.id)
    change(body["properties"])

    assert why(way.clients.monitor.data_collection_rules.create, "rg", "bad", body) == code
    assert [each.name for each in way.azure.resources(f"{INSIGHTS}/dataCollectionRules")] == ["dcr"]


def test_a_rule_may_leave_out_columns_and_have_more(way: Way):
    body = rule_body(way.workspace.id, way.endpoint.id, {"TimeGenerated": "datetime", "host": "string"})

    assert way.clients.monitor.data_collection_rules.create("rg", "other", body).immutable_id


def test_a_rule_is_where_its_workspace_and_endpoint_are(way: Way):
    rules = way.clients.monitor.data_collection_rules
    elsewhere = make_endpoint(way.clients, "far", "northeurope")
    body = rule_body(way.workspace.id, elsewhere.id)
    assert why(rules.create, "rg", "bad", body) == "InvalidDataCollectionEndpoint"

    body["location"] = "North Europe"
    assert why(rules.create, "rg", "bad", body) == "InvalidWorkspace"
    body = rule_body(way.workspace.id, way.endpoint.id) | {"location": "West Europe"}
    assert rules.create("rg", "good", body).immutable_id


def test_a_rule_waits_for_its_workspace_and_table(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.transitions["*"] = 20
    clients.group()
    endpoint = make_endpoint(clients)
    begin = clients.workspaces.workspaces.begin_create_or_update
    workspace = f"{clients.group()}/providers/Microsoft.OperationalInsights/workspaces/ws"
    body, create = rule_body(workspace, endpoint.id), clients.monitor.data_collection_rules.create

    begin("rg", "ws", workspace_body(), polling=False)
    assert why(create, "rg", "dcr", body) == "InvalidWorkspace"
    azure_clock.advance(20)
    assert why(create, "rg", "dcr", body) == "InvalidOutputTable"
    azure.timings.transitions.clear()
    make_table(clients)
    assert create("rg", "dcr", body).immutable_id


def test_transformations_are_not_modelled(way: Way):
    body = rule_body(way.workspace.id, way.endpoint.id)
    flow(transformKql="source | where seq > 1")(body["properties"])

    with pytest.raises(HttpResponseError) as caught:
        way.clients.monitor.data_collection_rules.create("rg", "bad", body)
    assert (caught.value.status_code, caught.value.error.code) == (501, "NotImplemented")


def test_a_rule_that_is_gone_takes_its_role_assignments_along(azure: EmulatedAzure, way: Way):
    publisher = "/providers/Microsoft.Authorization/roleDefinitions/3913510d-42f4-4e42-8a64-420c390055eb"
    name = "00000000-0000-0000-0000-00000000000a"
    asked = {"roleDefinitionId": publisher, "principalId": name, "principalType": "ServicePrincipal"}
    way.clients.authorization.role_assignments.create(way.rule.id, name, {"properties": asked})
    way.clients.monitor.data_collection_rules.delete("rg", "dcr")

    assert azure.resources("Microsoft.Authorization/roleAssignments") == []
