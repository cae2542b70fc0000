"""VMs by the real SDK: how they are made, and how they are refused."""

import base64
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceResponseError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, by_resource, vm_body
from tests.clock import FakeClock
from tests.unit.clouds.azure.refusals import refused
from tests.unit.clouds.azure.vms import (
    MACHINE,
    VERSION,
    VM,
    begin,
    put,
    there,
    view,
)


def test_one_write_makes_a_machine_with_interface_and_disk(
    azure: EmulatedAzure, clients: Clients, subnet: str
):
    mark = azure.journal.writes
    made = put(clients, subnet, polling=by_resource())

    assert azure.journal.writes == mark + 1
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"]
    assert (made.name, made.location, made.tags) == ("vm", LOCATION, {"headnode:run": "r1"})
    assert made.hardware_profile.vm_size == "Standard_D2ds_v4"
    assert made.os_profile.custom_data is None and made.vm_id and made.time_created
    [entry] = made.network_profile.network_interfaces
    nic = clients.network.network_interfaces.get("rg", entry.id.rpartition("/")[2])
    assert (entry.delete_option, nic.virtual_machine.id) == ("Delete", made.id)
    assert nic.ip_configurations[0].private_ip_address == "10.0.0.4"
    assert nic.ip_configurations[0].subnet.id == subnet
    assert view(clients) == ("Succeeded", ["ProvisioningState/succeeded", "PowerState/running"])


def test_a_machine_takes_its_time(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, subnet: str
):
    azure.timings.transitions = {f"{MACHINE}/write": 25, f"{MACHINE}/delete": 40}
    put(clients, subnet, polling=False)
    assert view(clients) == ("Creating", ["ProvisioningState/creating", "PowerState/starting"])
    azure_clock.advance(25)
    assert view(clients)[1] == ["ProvisioningState/succeeded", "PowerState/running"]

    clients.compute.virtual_machines.begin_delete("rg", "vm", force_deletion=True, polling=False)
    assert view(clients)[0] == "Deleting"
    assert refused(put, clients, subnet, polling=False) == (409, "Conflict")
    azure_clock.advance(40)
    with pytest.raises(ResourceNotFoundError):
        view(clients)
    assert there(azure) == []


def test_only_the_first_makes_a_machine(azure: EmulatedAzure, clients: Clients, subnet: str):
    body = vm_body(subnet, "IyEvYmluL3No")
    answers = [clients.arm("PUT", VM, VERSION, body, **{"If-None-Match": "*"}) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 412]
    assert answers[1].json()["error"]["code"] == "PreconditionFailed"
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"]
    assert clients.arm("PUT", VM, VERSION, body).status_code == 200
    etag = answers[0].json()["etag"]
    assert clients.arm("PUT", VM, VERSION, body, **{"If-Match": etag}).status_code == 412, (
        "it was written since"
    )


def test_what_a_machine_is_does_not_change(clients: Clients, subnet: str):
    clients.arm("PUT", VM, VERSION, vm_body(subnet, "IyEvYmluL3No"))
    other = vm_body(subnet, "IyEvYmluL2Jhc2g=")
    answer = clients.arm("PUT", VM, VERSION, other)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "PropertyChangeNotAllowed")
    assert "customData" in answer.json()["error"]["message"]
    larger = vm_body(subnet, "IyEvYmluL3No", hardwareProfile={"vmSize": "Standard_D4ds_v4"})
    assert clients.arm("PUT", VM, VERSION, larger).status_code == 501


def test_tags_can_be_changed(clients: Clients, subnet: str):
    made = put(clients, subnet)
    clients.compute.virtual_machines.begin_update("rg", "vm", {"tags": {"a": "b"}}).result()

    found = clients.compute.virtual_machines.get("rg", "vm")
    assert (found.tags, found.vm_id) == ({"a": "b"}, made.vm_id)
    answer = clients.arm("PATCH", VM, VERSION, {"properties": {}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotImplemented")


def without(path: str) -> Any:
    def change(body: dict[str, Any]) -> None:
        *above, last = path.split(".")
        found = body["properties"]
        for part in above:
            found = found[part]
        found.pop(last)

    return change


def sized(path: str, value: Any) -> Any:
    def change(body: dict[str, Any]) -> None:
        *above, last = path.split(".")
        found = body["properties"]
        for part in above:
            found = found[part]
        found[last] = value

    return change


LONGEST = base64.b64encode(b"x" * 65_536).decode()
BAD = {
    "size": sized("hardwareProfile.vmSize", "t3.micro"),
    "computer name": without("osProfile.computerName"),
    "long name": sized("osProfile.computerName", "x" * 65),
    "no way in": without("osProfile.linuxConfiguration"),
    "custom data": sized("osProfile.customData", "no base64!"),
    "long custom data": sized("osProfile.customData", LONGEST),
    "image": without("storageProfile.imageReference"),
    "eviction": sized("evictionPolicy", "Delete"),
    "network version": without("networkProfile.networkApiVersion"),
    "no network": sized("networkProfile", {}),
    "bare interface": sized("networkProfile.networkInterfaceConfigurations", [{"name": "nic"}]),
}


def test_a_machine_that_could_not_be_is_refused(azure: EmulatedAzure, clients: Clients, subnet: str):
    for name, change in BAD.items():
        body = vm_body(subnet)
        change(body)
        assert refused(begin, clients, body) == (400, "InvalidParameter"), name
    assert refused(put, clients, subnet, "x" * 65) == (400, "InvalidParameter")
    assert there(azure) == []


def test_a_machine_needs_what_it_refers_to(azure: EmulatedAzure, clients: Clients, subnet: str):
    assert refused(put, clients, subnet + "x") == (400, "InvalidResourceReference")
    body = vm_body(subnet) | {"location": "northeurope"}
    assert refused(begin, clients, body) == (400, "InvalidResourceReference")
    nobody = {"type": "UserAssigned", "userAssignedIdentities": {f"{subnet}/nobody": {}}}
    assert refused(begin, clients, vm_body(subnet) | {"identity": nobody}) == (
        400,
        "InvalidResourceReference",
    )
    assert there(azure) == []


def test_a_disk_that_exists_is_not_taken(azure: EmulatedAzure, clients: Clients, subnet: str):
    begin(clients, vm_body(subnet))
    assert refused(begin, clients, vm_body(subnet), "other") == (409, "ConflictingUserInput")
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"]


@pytest.mark.parametrize(
    ("wanted", "hit"),
    [
        ({}, [True, True]),
        ({"size": "Standard_D2ds_v4"}, [True, True]),
        ({"size": "Standard_D4ds_v4"}, [False, False]),
        ({"zone": "2"}, [False, True]),
        ({"spot": True}, [False, True]),
        ({"spot": False}, [True, False]),
    ],
)
def test_capacity_is_refused_at_once_and_leaves_nothing(
    azure: EmulatedAzure, clients: Clients, subnet: str, wanted: dict[str, Any], hit: list[bool]
):
    azure.faults.no_capacity(**wanted)
    plain = vm_body(subnet)
    spot = vm_body(subnet, priority="Spot", evictionPolicy="Delete") | {"zones": ["2"]}
    for body, is_hit in zip((plain, spot), hit, strict=True):
        if is_hit:
            assert refused(begin, clients, body) == (409, "SkuNotAvailable")
            assert there(azure) == []
        else:
            begin(clients, body)
            clients.compute.virtual_machines.begin_delete("rg", "vm").result()


def test_a_quota_is_refused_with_what_there_is_and_what_is_needed(
    azure: EmulatedAzure, clients: Clients, subnet: str
):
    azure.faults.quota("standardDDSv4Family", limit=8, usage=8, times=1)

    with pytest.raises(HttpResponseError) as caught:
        put(clients, subnet)
    assert (caught.value.status_code, caught.value.error.code) == (409, "OperationNotAllowed")
    assert "standardDDSv4Family Cores quota" in caught.value.message
    assert "Current Limit: 8, Current Usage: 8, Additional Required: 2" in caught.value.message
    assert there(azure) == []
    put(clients, subnet)


@pytest.mark.parametrize("code", ["AllocationFailed", "OverconstrainedAllocationRequest"])
def test_an_allocation_fails_after_it_was_accepted(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, subnet: str, code: str
):
    azure.timings.transitions[f"{MACHINE}/write"] = 10
    azure.faults.add("compute", "virtualMachines/write", kind=code)
    poller = clients.compute.virtual_machines.begin_create_or_update("rg", "vm", vm_body(subnet))
    azure_clock.advance(10)

    with pytest.raises(HttpResponseError) as caught:
        poller.result()
    assert caught.value.error.code == code
    assert view(clients) == ("Failed", [f"ProvisioningState/failed/{code}"])
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"], "the failed VM must be removed"
    assert clients.arm("PUT", VM, VERSION, vm_body(subnet), **{"If-None-Match": "*"}).status_code == 412
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()
    azure_clock.advance(0)
    assert there(azure) == []


def test_a_refused_request_is_refused_before_faults_strike(
    azure: EmulatedAzure, clients: Clients, subnet: str
):
    fault = azure.faults.no_capacity()
    body = vm_body(subnet)
    BAD["size"](body)

    assert refused(begin, clients, body) == (400, "InvalidParameter")
    assert fault.struck == 0


def test_an_answer_that_got_lost_made_the_machine(azure: EmulatedAzure, clients: Clients, subnet: str):
    azure.faults.add("compute", "virtualMachines/write", kind="reset-after")

    with pytest.raises((ServiceResponseError, HttpResponseError)):
        put(clients, subnet)
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"]
    assert view(clients)[0] == "Succeeded"
