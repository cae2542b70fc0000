"""Interfaces and public addresses by the real SDK, and what holds on to them."""

import pytest
from azure.core.exceptions import ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, vm_body
from tests.clock import FakeClock
from tests.unit.clouds.azure.networks import IP, NIC, put_ip, put_network, put_nic, vm_on
from tests.unit.clouds.azure.refusals import refused


def test_an_interface_has_an_address_of_its_subnet(clients: Clients, subnet: str):
    made = [put_nic(clients, subnet, f"nic{number}") for number in range(3)]

    assert [each.ip_configurations[0].private_ip_address for each in made] == [
        "10.0.0.4",
        "10.0.0.5",
        "10.0.0.6",
    ]
    assert [each.name for each in clients.network.network_interfaces.list_all()] == ["nic0", "nic1", "nic2"]


def test_a_subnet_can_be_full(azure: EmulatedAzure, clients: Clients):
    clients.group()
    small = put_network(clients, "a=10.0.0.0/29").subnets[0].id
    for number in range(3):
        put_nic(clients, small, f"nic{number}")

    assert refused(put_nic, clients, small) == (400, "SubnetIsFull")
    begin = clients.compute.virtual_machines.begin_create_or_update
    assert refused(begin, "rg", "vm", vm_body(small)) == (400, "SubnetIsFull")
    assert len(azure.resources(NIC)) == 3
    clients.network.network_interfaces.begin_delete("rg", "nic1").result()
    assert put_nic(clients, small).ip_configurations[0].private_ip_address == "10.0.0.5"


def test_an_interface_needs_a_subnet_that_is_there_and_near(clients: Clients, subnet: str):
    assert refused(put_nic, clients, subnet + "x") == (400, "InvalidResourceReference")
    assert refused(put_nic, clients, subnet, location="northeurope") == (400, "InvalidResourceReference")
    assert put_nic(clients, subnet, location="West Europe").name == "nic"
    begin = clients.network.network_interfaces.begin_create_or_update
    nothing = {"location": LOCATION, "properties": {"ipConfigurations": []}}
    assert refused(begin, "rg", "x", nothing) == (400, "InvalidRequestFormat")


def test_an_interface_in_use_stays(clients: Clients, subnet: str):
    nic = put_nic(clients, subnet)
    vm = vm_on(clients, nic.id)

    shown = clients.network.network_interfaces.get("rg", "nic")
    assert shown.virtual_machine.id == vm.id
    delete = clients.network.network_interfaces.begin_delete
    assert refused(delete, "rg", "nic") == (400, "NicInUse")
    assert refused(vm_on, clients, nic.id, name="other") == (400, "NicInUse")
    assert put_nic(clients, subnet, tags={"a": "b"}).virtual_machine.id == vm.id
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()
    with pytest.raises(ResourceNotFoundError):
        clients.network.network_interfaces.get("rg", "nic")


def test_an_interface_is_kept_for_its_machine_for_a_while(
    azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients, subnet: str
):
    nic = put_nic(clients, subnet)
    vm_on(clients, nic.id, "Detach")
    clients.compute.virtual_machines.begin_delete("rg", "vm").result()
    delete = clients.network.network_interfaces.begin_delete

    for seconds in (0, 179):
        azure_clock.advance(seconds)
        assert refused(delete, "rg", "nic") == (400, "NicReservedForAnotherVm")
        assert refused(vm_on, clients, nic.id, name="other") == (400, "NicReservedForAnotherVm")
    azure_clock.advance(1)
    assert vm_on(clients, nic.id, name="other").provisioning_state == "Succeeded"
    clients.compute.virtual_machines.begin_delete("rg", "other").result()
    assert azure.resources(NIC) == []


def test_a_public_address_belongs_to_an_interface(azure: EmulatedAzure, clients: Clients, subnet: str):
    ip = put_ip(clients)
    put_nic(clients, subnet, public=ip.id)
    delete = clients.network.public_ip_addresses.begin_delete

    assert (ip.sku.name, ip.public_ip_allocation_method) == ("Standard", "Static")
    assert ip.ip_address.startswith("198.18.")
    assert refused(delete, "rg", "ip") == (400, "PublicIPAddressCannotBeDeleted")
    shown = clients.network.public_ip_addresses.get("rg", "ip")
    assert shown.ip_configuration.id.endswith("/networkInterfaces/nic/ipConfigurations/ip")
    assert [each.ip_configuration.id for each in clients.network.public_ip_addresses.list("rg")] == [
        shown.ip_configuration.id
    ]
    clients.network.network_interfaces.begin_delete("rg", "nic").result()
    assert azure.resources(IP) == [], "it was to go with its interface"
    put_ip(clients)
    assert clients.network.public_ip_addresses.get("rg", "ip").ip_configuration is None
    delete("rg", "ip").result()
    assert list(clients.network.public_ip_addresses.list("rg")) == []


@pytest.mark.parametrize(("sku", "method"), [("Basic", "Static"), ("Standard", "Dynamic")])
def test_other_public_addresses_are_retired(clients: Clients, sku: str, method: str):
    clients.group()
    assert refused(put_ip, clients, sku=sku, method=method) == (
        400,
        "StandardSkuPublicIPAddressesMustBeStatic",
    )


def test_public_addresses_differ(azure: EmulatedAzure, clients: Clients):
    clients.group()
    put_ip(clients, "a")
    second = put_ip(clients, "b").ip_address
    clients.network.public_ip_addresses.begin_delete("rg", "a").result()

    assert put_ip(clients, "c").ip_address != second
    assert put_ip(clients, "b").ip_address == second, "it is static"
