"""VMs with machines: custom data is really carried out, and the VM's state follows its machine."""

import base64
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, vm_body

MACHINE = "Microsoft.Compute/virtualMachines"
NIC = "Microsoft.Network/networkInterfaces"
FOR_EVER = "#!/bin/sh\necho up\nexec sleep 1000\n"
ON_MACHINE = """#!/usr/bin/env python3
import json, os, time, urllib.request
def get(path):
    url = os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] + "/metadata/" + path
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Metadata": "true"})).read().decode()
"""


@pytest.fixture
def cloud(azure_with_machines: EmulatedAzure) -> EmulatedAzure:
    return azure_with_machines


def start(clients: Clients, program: str = FOR_EVER, **changes: Any) -> Any:
    clients.group()
    diagnostics = {"bootDiagnostics": {"enabled": True}}
    coded = base64.b64encode(program.encode()).decode()
    body = vm_body(clients.subnet(), coded, diagnosticsProfile=diagnostics, **changes.pop("properties", {}))
    begin = clients.compute.virtual_machines.begin_create_or_update
    return begin("rg", "vm", body | changes).result()


def eventually(true: Callable[[], Any], about: Callable[[], Any]) -> None:
    until = time.monotonic() + 15
    while not true():
        assert time.monotonic() < until, about()
        time.sleep(0.02)


def printed(cloud: EmulatedAzure, vm: Any, text: str) -> None:
    eventually(lambda: text in cloud.room.console(vm.vm_id), lambda: cloud.room.console(vm.vm_id))


def power(clients: Clients) -> str:
    found = clients.compute.virtual_machines.get("rg", "vm", expand="instanceView")
    return str(found.instance_view.statuses[-1].code)


def test_custom_data_is_carried_out_and_its_output_kept(cloud: EmulatedAzure, clients: Clients):
    vm = start(clients, "#!/bin/sh\necho hello from $(hostname)\n")
    printed(cloud, vm, "hello from")

    assert power(clients) == "PowerState/running", "the end of custom data is not that of the machine"
    found = clients.compute.virtual_machines.retrieve_boot_diagnostics_data("rg", "vm")
    assert "hello from" in httpx.get(found.serial_console_log_blob_uri).text


def test_a_shutdown_from_within_leaves_a_machine_that_costs(cloud: EmulatedAzure, clients: Clients):
    start(clients, "#!/bin/sh\necho over\nshutdown -h now\n")
    cloud.until("vm", "stopped")

    assert power(clients) == "PowerState/stopped"
    assert [each.name for each in clients.compute.virtual_machines.list("rg")] == ["vm"]
    assert len(cloud.resources(NIC)) == 1
    clients.compute.virtual_machines.begin_delete("rg", "vm", force_deletion=True).result()
    cloud.until("vm", "gone")
    assert cloud.resources(NIC) == []


@pytest.mark.parametrize("how", ["vm", "group", "evict", "deallocate"])
def test_a_deletion_pulls_the_plug(cloud: EmulatedAzure, clients: Clients, how: str):
    vm = start(clients)
    printed(cloud, vm, "up")
    machine = cloud.resources(MACHINE)[0].kept["machine"]
    assert machine.alive
    if how == "vm":
        clients.compute.virtual_machines.begin_delete("rg", "vm").result()
    elif how == "group":
        clients.resources.resource_groups.begin_delete("rg").result()
    elif how == "evict":
        cloud.evict("vm", notice=0.1)
    else:
        clients.compute.virtual_machines.begin_deallocate("rg", "vm").result()

    eventually(lambda: not machine.alive, lambda: "the machine lives")


def test_a_machine_that_failed_never_boots(cloud: EmulatedAzure, clients: Clients):
    cloud.faults.add("compute", "virtualMachines/write", kind="AllocationFailed")
    with pytest.raises(HttpResponseError):
        start(clients)

    [vm] = cloud.resources(MACHINE)
    assert "machine" not in vm.kept and cloud.room.console(vm.properties["vmId"]) == ""


def test_a_program_on_the_machine_gets_tokens_of_its_identity(cloud: EmulatedAzure, clients: Clients):
    clients.group()
    identity = clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": LOCATION}
    )
    program = ON_MACHINE + (
        'print("token", get("identity/oauth2/token?api-version=2018-02-01&resource=https://monitor.azure.com"'
        f' "&client_id={identity.client_id}"))\n'
        'print("cloud", os.environ["HEADNODE_AZURE_URL"])\n'
        'print("self", get("instance/compute/resourceId?api-version=2021-02-01&format=text"))\n'
    )
    attached = {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    vm = start(clients, program, identity=attached)
    printed(cloud, vm, "self ")
    printed(cloud, vm, vm.id)

    said = cloud.room.console(vm.vm_id)
    token = cloud.state.directory.read(said.partition('"access_token": "')[2].partition('"')[0])
    assert token and (token.principal, token.audience) == (
        identity.principal_id,
        "https://monitor.azure.com",
    )
    assert f"cloud {cloud.url}" in said


def test_a_program_on_a_spot_machine_sees_its_end_coming(cloud: EmulatedAzure, clients: Clients):
    program = ON_MACHINE + (
        'path, found = "scheduledevents?api-version=2020-07-01", []\n'
        'print("up", flush=True)\n'
        "while not found:\n"
        "    time.sleep(0.05)\n"
        '    found = json.loads(get(path))["Events"]\n'
        'print("notice", found[0]["EventType"], flush=True)\n'
        "time.sleep(1000)\n"
    )
    vm = start(clients, program, properties={"priority": "Spot", "evictionPolicy": "Delete"})
    printed(cloud, vm, "up")
    machine = cloud.resources(MACHINE)[0].kept["machine"]
    cloud.evict("vm", notice=1000)
    printed(cloud, vm, "notice Preempt")
    service = f"{cloud.url}/imds/{vm.vm_id}/metadata/scheduledevents"
    asked: dict[str, Any] = {"params": {"api-version": "2020-07-01"}, "headers": {"Metadata": "true"}}
    [event] = httpx.get(service, **asked).json()["Events"]
    httpx.post(service, json={"StartRequests": [{"EventId": event["EventId"]}]}, **asked).raise_for_status()

    cloud.until("vm", "gone")
    eventually(lambda: not machine.alive, lambda: "the machine lives")
    assert len(cloud.resources(NIC)) == 1


def test_a_machine_may_delete_itself_where_its_role_allows_it(cloud: EmulatedAzure, clients: Clients):
    group = clients.group()
    identity = clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": LOCATION}
    )
    role = "00000000-0000-0000-0000-00000000000b"
    properties: dict[str, Any] = {
        "roleName": "self",
        "type": "CustomRole",
        "assignableScopes": [group],
        "permissions": [{"actions": ["Microsoft.Compute/virtualMachines/delete"]}],
    }
    made = clients.authorization.role_definitions.create_or_update(group, role, {"properties": properties})
    properties = {
        "roleDefinitionId": made.id,
        "principalId": identity.principal_id,
        "principalType": "ServicePrincipal",
    }
    clients.authorization.role_assignments.create(group, role, {"properties": properties})
    program = ON_MACHINE + (
        'token = json.loads(get("identity/oauth2/token?api-version=2018-02-01'
        '&resource=https://management.azure.com/"))["access_token"]\n'
        'me = get("instance/compute/resourceId?api-version=2021-02-01&format=text")\n'
        'url = os.environ["HEADNODE_AZURE_URL"] + me + "?api-version=2024-11-01&forceDeletion=true"\n'
        'asked = urllib.request.Request(url, method="DELETE", headers={"Authorization": "Bearer " + token})\n'
        'print("deleted", urllib.request.urlopen(asked).status, flush=True)\n'
    )
    attached = {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    start(clients, program, identity=attached)

    cloud.until("vm", "gone")
    [entry] = cloud.journal.entries("compute", "virtualMachines/delete")
    assert (entry.principal, entry.status) == (identity.principal_id, 202)
