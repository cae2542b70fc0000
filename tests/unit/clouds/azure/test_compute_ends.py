"""VMs by the real SDK: every way to their end, and what they leave behind."""

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.clock import FakeClock
from tests.unit.clouds.azure.refusals import refused
from tests.unit.clouds.azure.roles import LAUNCH
from tests.unit.clouds.azure.vms import (
    DISK,
    IP,
    NIC,
    VERSION,
    VM,
    begin,
    named,
    put,
    there,
    view,
    with_public,
)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, []),
        ({"disk": "Detach"}, ["disks"]),
        ({"ip": "Detach"}, ["publicIPAddresses"]),
        ({"nic": "Detach"}, ["networkInterfaces", "publicIPAddresses"]),
    ],
)
def test_what_is_marked_so_goes_with_its_machine(
    azure: EmulatedAzure, clients: Clients, subnet: str, options: dict[str, str], left: list[str]
):
    begin(clients, with_public(subnet, **options))
    assert there(azure) == ["disks", "networkInterfaces", "publicIPAddresses", "virtualMachines"]
    [nic], [ip] = azure.resources(NIC), azure.resources(IP)
    assert nic.body["tags"] == ip.body["tags"] == {"headnode:run": "r1"}
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()

    assert there(azure) == left
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()  # 204: there is none


def test_a_disk_that_stays_belongs_to_nobody(azure: EmulatedAzure, clients: Clients, subnet: str):
    begin(clients, with_public(subnet, disk="Detach"))
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()

    [disk] = azure.resources(DISK)
    assert (disk.properties["diskState"], disk.body.get("managedBy")) == ("Unattached", None)
    clients.compute.disks.begin_delete("rg", disk.name).result()
    assert azure.resources(DISK) == []


def test_a_deallocated_machine_costs_nothing_and_stays(clients: Clients, subnet: str):
    put(clients, subnet)
    clients.compute.virtual_machines.begin_deallocate("rg", "vm").result()

    assert view(clients) == ("Succeeded", ["ProvisioningState/succeeded", "PowerState/deallocated"])


def test_a_machine_that_lost_power_is_billed_until_it_is_deleted(
    azure: EmulatedAzure, clients: Clients, subnet: str
):
    put(clients, subnet)
    azure.fail("vm")

    assert view(clients) == ("Succeeded", ["ProvisioningState/succeeded", "PowerState/stopped"])
    assert there(azure) == ["disks", "networkInterfaces", "virtualMachines"]


def test_an_eviction_takes_machine_and_disk_and_leaves_the_interface(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, subnet: str
):
    put(clients, subnet, priority="Spot", evictionPolicy="Delete", billingProfile={"maxPrice": -1})
    clients.compute.virtual_machines.simulate_eviction("rg", "vm")
    azure_clock.advance(azure.timings.spot_notice - 1)
    assert view(clients)[0] == "Succeeded"
    azure_clock.advance(1)

    with pytest.raises(ResourceNotFoundError):
        view(clients)
    assert there(azure) == ["networkInterfaces"]
    [nic] = azure.resources(NIC)
    delete = clients.network.network_interfaces.begin_delete
    assert refused(delete, "rg", nic.name) == (400, "NicReservedForAnotherVm")
    azure_clock.advance(azure.timings.nic_reservation)
    delete("rg", nic.name).result()
    assert there(azure) == []


def test_an_eviction_may_only_deallocate(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, subnet: str
):
    put(clients, subnet, priority="Spot", evictionPolicy="Deallocate")
    azure.evict("vm", notice=5)
    azure_clock.advance(5)

    assert view(clients)[1][-1] == "PowerState/deallocated"
    put(clients, subnet, "other")
    simulate = clients.compute.virtual_machines.simulate_eviction
    assert refused(simulate, "rg", "other") == (400, "InvalidParameter")


def test_machines_are_listed_in_pages(azure: EmulatedAzure, clients: Clients, subnet: str):
    azure.state.page_size = 2
    for number in range(5):
        put(clients, subnet, f"vm{number}", polling=False)
    machines = clients.compute.virtual_machines

    assert [each.name for each in machines.list("rg")] == [f"vm{number}" for number in range(5)]
    assert len(list(machines.list_all())) == 5
    assert azure.journal.totals()["compute:virtualMachines/read"] == 6


def test_boot_diagnostics_show_what_was_switched_on(clients: Clients, subnet: str):
    put(clients, subnet)
    links = clients.compute.virtual_machines.retrieve_boot_diagnostics_data
    assert refused(links, "rg", "vm") == (409, "BootDiagnosticsNotEnabled")
    put(clients, subnet, "other", diagnosticsProfile={"bootDiagnostics": {"enabled": True}})
    assert links("rg", "other").serial_console_log_blob_uri.endswith("/serialconsole.log")


@pytest.mark.parametrize("act", ["write", "delete"])
def test_operations_can_be_looked_at_but_not_under_the_published_role(
    azure: EmulatedAzure, clients: Clients, subnet: str, act: str
):
    put(clients, subnet)
    azure.enforce("operator", LAUNCH)
    if act == "write":
        answer = clients.arm("PUT", VM.replace("/vm", "/new"), VERSION, named(subnet, "new"))
    else:
        answer = clients.arm("DELETE", VM + "?forceDeletion=true", VERSION)
    links = {answer.headers["Azure-AsyncOperation"], answer.headers.get("Location", "")} - {""}

    assert (answer.status_code, len(links)) == ((201, 1) if act == "write" else (202, 2))
    for link in links:
        path = link.partition(azure.environment()["AZURE_SUBSCRIPTION_ID"])[2].partition("?")[0]
        assert clients.arm("GET", path, VERSION).json()["error"]["code"] == "AuthorizationFailed"
    azure.enforce("operator", {"actions": ["*"]})
    assert clients.arm("GET", path, VERSION).status_code in (200, 204)
