"""Log Analytics workspaces by the real SDK: states, and names that stay taken."""

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.operationalinsights.models import RECOVERABLE
from tests.azure_cloud import LOCATION, Clients, by_resource
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import NAME, make_way, make_workspace, workspace_body
from tests.unit.clouds.azure.refusals import refused

WORKSPACE = "Microsoft.OperationalInsights/workspaces"
HERE = f"/resourceGroups/rg/providers/{WORKSPACE}"


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
