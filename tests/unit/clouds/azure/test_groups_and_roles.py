"""Resource groups, identities, role definitions and assignments."""

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, vm_body
from tests.clock import FakeClock

GROUP_DELETE = "Microsoft.Resources/subscriptions/resourceGroups/delete"


def identity(clients: Clients, name: str = "id", group: str = "rg") -> Any:
    return clients.identities.user_assigned_identities.create_or_update(group, name, {"location": LOCATION})


def define(clients: Clients, scope: str, name: str = "", role: str = "headnode-machine") -> Any:
    properties = {
        "roleName": role,
        "description": "",
        "type": "CustomRole",
        "assignableScopes": [scope],
        "permissions": [{"actions": ["Microsoft.Compute/virtualMachines/read"], "notActions": []}],
    }
    name = name or str(uuid.uuid4())
    return clients.authorization.role_definitions.create_or_update(scope, name, {"properties": properties})


def assign(clients: Clients, scope: str, role: str, principal: str, name: str = "", **extra: str) -> Any:
    properties = {"roleDefinitionId": role, "principalId": principal, **extra}
    name = name or str(uuid.uuid4())
    return clients.authorization.role_assignments.create(scope, name, {"properties": properties})


SERVICE = {"principalType": "ServicePrincipal"}


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, caught.value.error.code


def test_a_group_is_made_changed_found_and_listed(azure: EmulatedAzure, clients: Clients):
    groups = clients.resources.resource_groups
    made = groups.create_or_update("rg", {"location": LOCATION, "tags": {"a": "1"}})
    groups.create_or_update("other", {"location": LOCATION})

    assert (made.properties.provisioning_state, made.tags, made.type) == (
        "Succeeded",
        {"a": "1"},
        "Microsoft.Resources/resourceGroups",
    )
    assert groups.create_or_update("rg", {"location": LOCATION, "tags": {"b": "2"}}).tags == {"b": "2"}
    assert groups.check_existence("rg") and not groups.check_existence("no")
    assert [g.name for g in groups.list(filter="tagName eq 'b' and tagValue eq '2'")] == ["rg"]
    assert refused(groups.create_or_update, "rg", {"location": "eastus"}) == (
        409,
        "InvalidResourceGroupLocation",
    )
    assert refused(groups.get, "no") == (404, "ResourceGroupNotFound")
    assert refused(groups.create_or_update, "bad name", {"location": LOCATION}) == (
        400,
        "InvalidResourceGroup",
    )


def test_listings_come_in_pages(azure: EmulatedAzure, clients: Clients):
    azure.state.page_size = 2
    for number in range(5):
        clients.group(f"rg{number}")

    assert [g.name for g in clients.resources.resource_groups.list()] == [
        f"rg{number}" for number in range(5)
    ]
    assert azure.journal.totals()["resources:subscriptions/resourceGroups/read"] == 3


def test_a_group_takes_everything_along_but_role_definitions(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.transitions = {GROUP_DELETE: 60}
    group = clients.group()
    clients.compute.virtual_machines.begin_create_or_update("rg", "vm", vm_body(clients.subnet())).result()
    made = identity(clients)
    role = define(clients, group)
    assign(clients, group, role.id, made.principal_id, **SERVICE)

    clients.resources.resource_groups.begin_delete("rg", polling=False)

    groups = clients.resources.resource_groups
    assert groups.get("rg").properties.provisioning_state == "Deleting"
    assert refused(identity, clients, "late") == (409, "ResourceGroupBeingDeleted")
    assert refused(groups.create_or_update, "rg", {"location": LOCATION}) == (
        409,
        "ResourceGroupBeingDeleted",
    )
    azure_clock.advance(60)
    assert not groups.check_existence("rg")
    assert [each.type for each in azure.resources()] == ["Microsoft.Authorization/roleDefinitions"]
    assert azure.state.directory.by_object.get(made.principal_id) is None
    assert refused(clients.resources.resource_groups.begin_delete, "rg") == (404, "ResourceGroupNotFound")


def test_asking_twice_for_a_deletion_does_not_reach_what_bears_the_name_later(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    network = "Microsoft.Network/virtualNetworks"
    azure.timings.transitions = {GROUP_DELETE: 60, f"{network}/delete": 50}
    clients.group()
    clients.subnet()
    clients.network.virtual_networks.begin_delete("rg", "net", polling=False)
    clients.resources.resource_groups.begin_delete("rg", polling=False)
    azure_clock.advance(30)
    clients.resources.resource_groups.begin_delete("rg", polling=False)
    clients.network.virtual_networks.begin_delete("rg", "net", polling=False)
    azure_clock.advance(30)
    clients.group()
    clients.subnet()
    azure_clock.advance(60)

    assert [each.name for each in clients.network.subnets.list("rg", "net")] == ["default"]
    assert clients.resources.resource_groups.get("rg").properties.provisioning_state == "Succeeded"


def test_the_sdk_waits_for_a_group_by_its_location(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    clients.group()
    azure.timings.transitions = {GROUP_DELETE: 1}
    poller = clients.resources.resource_groups.begin_delete("rg")
    azure_clock.advance(1)

    poller.result()

    assert azure.resources() == []


def test_an_identity_is_a_principal_and_another_one_when_made_again(azure: EmulatedAzure, clients: Clients):
    clients.group()
    first = identity(clients)
    assert identity(clients).principal_id == first.principal_id
    assert first.tenant_id == azure.environment()["AZURE_TENANT_ID"]

    clients.identities.user_assigned_identities.delete("rg", "id")
    clients.identities.user_assigned_identities.delete("rg", "id")

    with pytest.raises(ResourceNotFoundError):
        clients.identities.user_assigned_identities.get("rg", "id")
    assert identity(clients).principal_id != first.principal_id
    assert [
        each.name for each in clients.identities.user_assigned_identities.list_by_resource_group("rg")
    ] == ["id"]


def test_a_fresh_identity_is_unknown_for_a_while_unless_its_type_is_said(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.directory = 30
    group = clients.group()
    role, made = define(clients, group), identity(clients)

    assert refused(assign, clients, group, role.id, made.principal_id) == (400, "PrincipalNotFound")
    azure_clock.advance(30)
    assign(clients, group, role.id, made.principal_id)
    second = identity(clients, "second")
    assign(clients, group, role.id, second.principal_id, **SERVICE)
    assert refused(assign, clients, group, role.id, str(uuid.uuid4())) == (400, "PrincipalNotFound")


def test_an_assignment_twice_is_once(azure: EmulatedAzure, clients: Clients):
    group = clients.group()
    role, made, name = define(clients, group), identity(clients), str(uuid.uuid4())

    first = assign(clients, group, role.id, made.principal_id, name, **SERVICE)
    again = assign(clients, group, role.id, made.principal_id, name, **SERVICE)

    assert first.id == again.id
    assert refused(assign, clients, group, role.id, made.principal_id, **SERVICE) == (
        409,
        "RoleAssignmentExists",
    )
    other = identity(clients, "other").principal_id
    assert refused(assign, clients, group, role.id, other, name, **SERVICE) == (
        409,
        "RoleAssignmentUpdateNotPermitted",
    )
    found = clients.authorization.role_assignments.list_for_scope(
        group, filter=f"principalId eq '{made.principal_id}'"
    )
    assert [each.name for each in found] == [name]


def test_a_role_goes_after_its_assignments(azure: EmulatedAzure, clients: Clients):
    group = clients.group()
    role, made, name = define(clients, group), identity(clients), str(uuid.uuid4())
    assign(clients, group, role.id, made.principal_id, name, **SERVICE)
    roles, assignments = clients.authorization.role_definitions, clients.authorization.role_assignments

    assert refused(roles.delete, group, role.name) == (400, "RoleDefinitionHasAssignments")
    assert assignments.delete(group, name).name == name
    assert assignments.delete(group, name) is None
    assert roles.delete(group, role.name).name == role.name
    assert roles.delete(group, role.name) is None
    assert [each.type for each in azure.resources()][1:] == [
        "Microsoft.ManagedIdentity/userAssignedIdentities"
    ]


def test_a_definition_is_written_again_and_its_name_is_its_own(azure: EmulatedAzure, clients: Clients):
    group = clients.group()
    first = define(clients, group)
    again = define(clients, group, first.name)

    assert again.id == first.id
    assert refused(define, clients, group) == (409, "RoleDefinitionWithSameNameExists")
    found = clients.authorization.role_definitions.list(group, filter="roleName eq 'headnode-machine'")
    assert [each.name for each in found] == [first.name]


def test_assignments_need_a_role_that_may_be_given_there(azure: EmulatedAzure, clients: Clients):
    group, other = clients.group(), clients.group("other")
    role, made = define(clients, group), identity(clients)
    nothing = role.id.replace(role.name, str(uuid.uuid4()))

    assert (
        refused(assign, clients, group, nothing, made.principal_id, **SERVICE)[1]
        == "RoleDefinitionDoesNotExist"
    )
    assert (
        refused(assign, clients, other, role.id, made.principal_id, **SERVICE)[1]
        == "RoleDefinitionNotAssignableAtScope"
    )
    assert (
        refused(assign, clients, group + "x", role.id, made.principal_id, **SERVICE)[1]
        == "ResourceGroupNotFound"
    )
    assert refused(assign, clients, group, role.id, made.principal_id, "no-guid", **SERVICE)[0] == 400
