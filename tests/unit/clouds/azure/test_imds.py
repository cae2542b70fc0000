"""The metadata service of VMs: who asks is where the question comes from."""

from email.utils import formatdate
from typing import Any

import httpx
import pytest
from azure.identity import ManagedIdentityCredential

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, IMAGE, LOCATION, Clients, vm_body
from tests.clock import FakeClock

HERE = {"Metadata": "true"}
VERSION = {"api-version": "2021-02-01"}


class Machine:
    """A VM with two identities, as a program on it sees it."""

    def __init__(self, azure: EmulatedAzure, clients: Clients, identities: int = 2) -> None:
        clients.group()
        make = clients.identities.user_assigned_identities.create_or_update
        self.identities = [make("rg", f"id{number}", {"location": LOCATION}) for number in range(identities)]
        body = vm_body(clients.subnet(), priority="Spot", evictionPolicy="Delete", userData="dXNlcg==")
        if identities:
            attached = {each.id: {} for each in self.identities}
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": attached}
        begin = clients.compute.virtual_machines.begin_create_or_update
        self.vm = begin("rg", "vm", body | {"zones": ["1"]}).result()
        self.url = f"{azure.url}/imds/{self.vm.vm_id}"

    def get(self, path: str, headers: dict[str, str] = HERE, **query: str) -> httpx.Response:
        return httpx.get(f"{self.url}/metadata/{path}", params=VERSION | query, headers=headers)

    def token(self, **query: str) -> httpx.Response:
        return self.get("identity/oauth2/token", resource=ARM, **query)

    def acknowledge(self, *events: str) -> int:
        body = {"StartRequests": [{"EventId": each} for each in events]}
        url = f"{self.url}/metadata/scheduledevents"
        return httpx.post(url, params={"api-version": "2020-07-01"}, json=body, headers=HERE).status_code


@pytest.fixture
def machine(azure: EmulatedAzure, clients: Clients) -> Machine:
    return Machine(azure, clients)


@pytest.mark.parametrize(
    ("name", "field"), [("client_id", "client_id"), ("object_id", "principal_id"), ("msi_res_id", "id")]
)
def test_a_token_is_of_the_identity_that_was_named(
    azure: EmulatedAzure, machine: Machine, name: str, field: str
):
    for identity in machine.identities:
        found = machine.token(**{name: getattr(identity, field)}).json()
        token = azure.state.directory.read(found["access_token"])
        assert (token.principal, token.audience) == (identity.principal_id, ARM)
        assert (found["client_id"], found["resource"]) == (identity.client_id, ARM)
        assert int(found["expires_on"]) > azure.state.now


def test_a_token_needs_an_identity_and_a_resource(machine: Machine):
    assert machine.token().status_code == 400, "which of the two?"
    assert machine.token(client_id="00000000-0000-0000-0000-000000000000").status_code == 400
    bare = machine.get("identity/oauth2/token", client_id=machine.identities[0].client_id)
    assert bare.status_code == 400


def test_the_only_identity_need_not_be_named(azure: EmulatedAzure, clients: Clients):
    machine = Machine(azure, clients, identities=1)

    assert machine.token().json()["client_id"] == machine.identities[0].client_id


def test_azure_identity_finds_the_service(
    azure: EmulatedAzure, machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.url)
    monkeypatch.delenv("AZURE_AUTHORITY_HOST")
    wanted = machine.identities[1]

    found = ManagedIdentityCredential(client_id=wanted.client_id).get_token(f"{ARM}/.default")
    assert azure.state.directory.read(found.token).principal == wanted.principal_id


@pytest.mark.parametrize(
    "headers", [{}, {"Metadata": "false"}, {"Metadata": "true", "X-Forwarded-For": "10.0.0.1"}]
)
def test_only_programs_on_the_machine_are_answered(machine: Machine, headers: dict[str, str]):
    for path in ("instance", "scheduledevents", "identity/oauth2/token"):
        assert machine.get(path, headers).status_code == 400
    assert machine.get("instance", **{"api-version": ""}).status_code == 400


def test_a_machine_knows_itself(clients: Clients, machine: Machine):
    found = machine.get("instance").json()
    compute, [interface] = found["compute"], found["network"]["interface"]

    assert compute["resourceId"] == machine.vm.id
    assert (compute["name"], compute["vmSize"], compute["zone"]) == ("vm", "Standard_D2ds_v4", "1")
    assert (compute["location"], compute["priority"], compute["offer"]) == (LOCATION, "Spot", IMAGE["offer"])
    assert compute["tagsList"] == [{"name": "headnode:run", "value": "r1"}]
    assert interface["ipv4"]["ipAddress"][0]["privateIpAddress"] == "10.0.0.4"
    text = machine.get("instance/compute/resourceId", format="text")
    assert (text.text, text.headers["Content-Type"]) == (machine.vm.id, "text/plain; charset=utf-8")
    assert machine.get("instance/compute/userData", format="text").text == "dXNlcg=="
    assert machine.get("instance/compute", format="text").status_code == 400
    assert machine.get("instance/compute/nothing").status_code == 404


def events(machine: Machine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = machine.get("scheduledevents", **{"api-version": "2020-07-01"}).json()[
        "Events"
    ]
    return found


def test_an_eviction_is_announced(azure: EmulatedAzure, azure_clock: FakeClock, machine: Machine):
    assert events(machine) == []
    azure.evict("vm")

    [event] = events(machine)
    assert (event["EventType"], event["EventStatus"], event["Resources"]) == ("Preempt", "Scheduled", ["vm"])
    assert event["NotBefore"] == formatdate(azure_clock.now() + 30, usegmt=True)
    azure.evict("vm")
    assert events(machine) == [event], "once is enough"
    azure_clock.advance(30)
    assert machine.get("scheduledevents").status_code == 400, "the machine is gone"
    assert [each.type.rpartition("/")[2] for each in azure.resources()][-1] == "networkInterfaces"


def test_a_machine_that_agrees_goes_at_once(azure: EmulatedAzure, machine: Machine):
    azure.evict("vm", notice=1000)
    [event] = events(machine)

    assert machine.acknowledge("another") == machine.acknowledge() == 400
    assert azure.resources("Microsoft.Compute/virtualMachines")
    assert machine.acknowledge(event["EventId"]) == 200
    assert azure.resources("Microsoft.Compute/virtualMachines") == []


def test_nobody_is_told_of_a_machine_that_there_is_not(azure: EmulatedAzure):
    answer = httpx.get(f"{azure.url}/imds/no/metadata/instance", params=VERSION, headers=HERE)

    assert answer.status_code == 400
