"""Roles are enforced: actions, linked actions, the addresses of operations, assignments and their delay."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.arm.judge import allows
from local.clouds.azure.services import NATURAL
from tests.azure_cloud import ARM, LOCATION, Clients, by_resource, token, vm_body
from tests.clock import FakeClock
from tests.unit.clouds.azure.roles import CREATE, LAUNCH

SEED = Path(__file__).parents[5] / "shared" / "reference" / "permissions" / "azure-cloud.json"


def code(error: pytest.ExceptionInfo[HttpResponseError]) -> str:
    return error.value.error.code


@pytest.mark.parametrize(
    ("actions", "no", "wanted", "may"),
    [
        (["A.B/c/read"], [], "a.b/C/READ", True),
        (["A.B/c/*"], [], "A.B/c/d/write", True),
        (["*/read"], [], "A.B/c/read", True),
        (["*/read"], [], "A.B/c/write", False),
        (["*"], ["A.B/*/write"], "A.B/c/write", False),
        (["A.B/c/read"], [], "A.B/c/readAll", False),
        ([], [], "A.B/c/read", False),
    ],
)
def test_actions_match_without_case_and_with_wildcards(
    actions: list[str], no: list[str], wanted: str, may: bool
):
    assert allows({"actions": actions, "notActions": no}, wanted) is may
    assert allows({"dataActions": actions, "notDataActions": no}, wanted, data=True) is may
    assert not allows({"actions": actions}, wanted, data=True)


def test_an_action_that_is_lacking_is_refused_with_its_name(azure: EmulatedAzure, clients: Clients):
    azure.enforce("operator", {"actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"]})

    with pytest.raises(HttpResponseError) as caught:
        clients.group()

    assert (caught.value.status_code, code(caught)) == (403, "AuthorizationFailed")
    assert "Microsoft.Resources/subscriptions/resourceGroups/write" in caught.value.message
    assert azure.judge.refusals[0].action.endswith("resourceGroups/write")
    assert list(clients.resources.resource_groups.list()) == []


def test_polling_the_operation_is_refused_and_polling_the_resource_is_not(
    azure: EmulatedAzure, clients: Clients
):
    clients.group()
    subnet = clients.subnet()
    azure.enforce("operator", LAUNCH)

    with pytest.raises(HttpResponseError) as caught:
        clients.compute.virtual_machines.begin_create_or_update("rg", "vm", vm_body(subnet)).result()
    assert "Microsoft.Compute/locations/operations/read" in caught.value.message

    body = vm_body(subnet)
    body["properties"]["storageProfile"]["osDisk"]["name"] = "other"
    made = clients.compute.virtual_machines.begin_create_or_update(
        "rg", "other", body, polling=by_resource()
    ).result()
    assert made.provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    "lacking",
    ["networkInterfaces/write", "networkInterfaces/join/action", "subnets/join/action", "assign/action"],
)
def test_what_a_machine_refers_to_needs_permissions_too(azure: EmulatedAzure, clients: Clients, lacking: str):
    clients.group()
    subnet = clients.subnet()
    identity = clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": LOCATION}
    )
    azure.enforce("operator", {"actions": [each for each in LAUNCH["actions"] if not each.endswith(lacking)]})
    body = vm_body(subnet) | {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    }

    with pytest.raises(HttpResponseError) as caught:
        clients.compute.virtual_machines.begin_create_or_update("rg", "vm", body, polling=False)

    assert code(caught) == "LinkedAuthorizationFailed"
    assert azure.resources("Microsoft.Compute/virtualMachines") == []


def test_a_network_interface_needs_to_join_its_subnet(azure: EmulatedAzure, clients: Clients):
    clients.group()
    subnet = clients.subnet()
    azure.enforce("operator", {"actions": ["Microsoft.Network/networkInterfaces/write"]})

    with pytest.raises(HttpResponseError) as caught:
        nic(clients, subnet)

    assert code(caught) == "LinkedAuthorizationFailed"


def nic(clients: Clients, subnet: str) -> Any:
    body = {
        "location": LOCATION,
        "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}]},
    }
    return clients.network.network_interfaces.begin_create_or_update(
        "rg", "nic", body, polling=by_resource()
    ).result()


def test_only_who_began_an_operation_may_ask_for_it(
    azure: EmulatedAzure, clients: Clients, monkeypatch: pytest.MonkeyPatch
):
    clients.group()
    answer = clients.arm(
        "PUT",
        "/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/ip",
        "2026-03-01",
        {
            "location": LOCATION,
            "sku": {"name": "Standard"},
            "properties": {"publicIPAllocationMethod": "Static"},
        },
    )
    url = answer.headers["Azure-AsyncOperation"]
    state = azure.state
    other = state.directory.issue(state.directory.function, ARM, state.now)

    assert httpx.get(url, headers={"Authorization": f"Bearer {token(azure)}"}).json()["status"] == "Succeeded"
    assert httpx.get(url, headers={"Authorization": f"Bearer {other}"}).status_code == 403


def test_an_identity_may_what_it_was_assigned_once_that_has_spread(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
):
    azure.timings.propagation = 120
    group = clients.group()
    identity = clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": LOCATION}
    )
    principal = azure.state.directory.by_object[identity.principal_id]
    bearer = {"Authorization": f"Bearer {azure.state.directory.issue(principal, ARM, azure.state.now)}"}
    url = f"{azure.url}{group}/providers/Microsoft.Compute/virtualMachines?api-version=2026-04-01"
    assert httpx.get(url, headers=bearer).status_code == 403

    definitions = f"{group.partition('/resourceGroups')[0]}/providers/Microsoft.Authorization/roleDefinitions"
    reader = f"{definitions}/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    properties = {
        "roleDefinitionId": reader,
        "principalId": identity.principal_id,
        "principalType": "ServicePrincipal",
    }
    clients.authorization.role_assignments.create(group, str(uuid.uuid4()), {"properties": properties})

    assert httpx.get(url, headers=bearer).status_code == 403
    azure_clock.advance(120)
    assert httpx.get(url, headers=bearer).status_code == 200
    beyond = f"{azure.url}{group.partition('/resourceGroups')[0]}/resourceGroups?api-version=2025-04-01"
    assert httpx.get(beyond, headers=bearer).status_code == 403


def test_privileged_roles_are_not_handed_out_by_who_is_limited(azure: EmulatedAzure, clients: Clients):
    group = clients.group()
    azure.enforce("operator", CREATE)
    owner = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    properties = {
        "roleDefinitionId": owner,
        "principalId": str(uuid.uuid4()),
        "principalType": "ServicePrincipal",
    }

    with pytest.raises(HttpResponseError) as caught:
        clients.authorization.role_assignments.create(group, str(uuid.uuid4()), {"properties": properties})

    assert code(caught) == "AuthorizationFailed"


@pytest.mark.parametrize(("method", "path", "action"), NATURAL, ids=[each[2] for each in NATURAL])
def test_natural_calls_that_the_role_lacks_are_403_and_else_501(
    azure: EmulatedAzure, clients: Clients, method: str, path: str, action: str
):
    known = azure.environment()["AZURE_SUBSCRIPTION_ID"]
    provider = action.partition("/")[0] if not action.startswith("{") else "Microsoft.Network"
    url = azure.url + path.format(subscription=known, group="rg", name="n", place=LOCATION, provider=provider)
    asked = {"params": {"api-version": "2024-01-01"}, "headers": {"Authorization": f"Bearer {token(azure)}"}}

    assert httpx.request(method, url, **asked).status_code == 501
    azure.enforce("operator", LAUNCH)
    assert httpx.request(method, url, **asked).status_code == 403


def test_the_role_of_the_seed_allows_no_natural_call_beyond_it(azure: EmulatedAzure, clients: Clients):
    if not SEED.exists():
        pytest.skip("the seed's permissions are not here")
    blocks = json.loads(SEED.read_text())
    for action in ("Microsoft.Compute/locations/operations/read", *(each[2] for each in NATURAL)):
        assert not any(allows(block, action) for block in blocks.values()), action
    for step, ours in (("launch", LAUNCH), ("create", CREATE)):
        assert set(ours["actions"]) <= set(blocks[step]["actions"])
        assert set(blocks[step]["actions"]) <= set(blocks["full"]["actions"])


def test_nobody_can_be_limited_who_is_not_known(azure: EmulatedAzure):
    with pytest.raises(LookupError):
        azure.enforce("nobody", LAUNCH)
