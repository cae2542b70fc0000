"""Networks, subnets, interfaces and public addresses by the real SDK, and what holds on to what."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, by_resource, vm_body
from tests.clock import FakeClock
from tests.unit.clouds.azure.roles import CREATE, LAUNCH

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"
NIC = "Microsoft.Network/networkInterfaces"
IP = "Microsoft.Network/publicIPAddresses"
VERSION = "2026-03-01"


@pytest.fixture
def subnet(clients: Clients) -> str:
    clients.group()
    return clients.subnet()


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, caught.value.error.code


def network_body(*subnets: str, space: str = "10.0.0.0/16", **extra: Any) -> dict[str, Any]:
    """Subnets as name=prefix."""
    parts = [each.partition("=") for each in subnets]
    return {
        "location": LOCATION,
        "properties": {
            "addressSpace": {"addressPrefixes": [space]},
            "subnets": [{"name": n, "properties": {"addressPrefix": p, **extra}} for n, _, p in parts],
        },
    }


def put_network(clients: Clients, *subnets: str, name: str = "net", **extra: Any) -> Any:
    begin = clients.network.virtual_networks.begin_create_or_update
    return begin("rg", name, network_body(*subnets, **extra)).result()


def put_nic(clients: Clients, subnet: str, name: str = "nic", public: str = "", **extra: Any) -> Any:
    properties: dict[str, Any] = {"subnet": {"id": subnet}}
    if public:
        properties["publicIPAddress"] = {"id": public, "properties": {"deleteOption": "Delete"}}
    body = {
        "location": LOCATION,
        "properties": {"ipConfigurations": [{"name": "ip", "properties": properties}]},
        **extra,
    }
    return clients.network.network_interfaces.begin_create_or_update("rg", name, body).result()


def put_ip(clients: Clients, name: str = "ip", sku: str = "Standard", method: str = "Static") -> Any:
    body = {
        "location": LOCATION,
        "sku": {"name": sku},
        "properties": {"publicIPAllocationMethod": method, "publicIPAddressVersion": "IPv4"},
    }
    return clients.network.public_ip_addresses.begin_create_or_update("rg", name, body).result()


def vm_on(clients: Clients, nic: str, option: str = "Delete", name: str = "vm") -> Any:
    body = vm_body("")
    entry = {"id": nic, "properties": {"primary": True, "deleteOption": option}}
    body["properties"]["networkProfile"] = {"networkInterfaces": [entry]}
    body["properties"]["storageProfile"]["osDisk"]["name"] = f"{name}-os"
    return clients.compute.virtual_machines.begin_create_or_update("rg", name, body).result()


def test_a_network_comes_with_its_subnets(clients: Clients):
    clients.group()
    made = put_network(clients, "default=10.0.0.0/20", "more=10.0.16.0/20", defaultOutboundAccess=True)

    assert (made.name, made.provisioning_state) == ("net", "Succeeded")
    assert [(each.name, each.address_prefix) for each in made.subnets] == [
        ("default", "10.0.0.0/20"),
        ("more", "10.0.16.0/20"),
    ]
    assert {each.default_outbound_access for each in made.subnets} == {True}
    assert clients.network.subnets.get("rg", "net", "more").id == made.subnets[1].id
    assert [each.name for each in clients.network.subnets.list("rg", "net")] == ["default", "more"]
    assert [each.name for each in clients.network.virtual_networks.list("rg")] == ["net"]


def test_nobody_gets_out_of_a_new_subnet_unless_that_is_said(clients: Clients, subnet: str):
    assert clients.network.subnets.get("rg", "net", "default").default_outbound_access is False


def test_a_network_takes_its_time(azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients):
    azure.timings.transitions = {f"{NETWORK}/write": 4, f"{NETWORK}/delete": 10, f"{NIC}/write": 2}
    clients.group()
    begin = clients.network.virtual_networks.begin_create_or_update
    begin("rg", "net", network_body("a=10.0.0.0/24"), polling=False)
    [subnet] = clients.network.virtual_networks.get("rg", "net").subnets

    assert subnet.provisioning_state == "Updating"
    assert refused(put_nic, clients, subnet.id) == (409, "ReferencedResourceNotProvisioned")
    again = network_body("a=10.0.0.0/24")
    assert refused(begin, "rg", "net", again, polling=False) == (429, "AnotherOperationInProgress")
    azure_clock.advance(4)
    assert clients.network.virtual_networks.get("rg", "net").provisioning_state == "Succeeded"
    clients.network.virtual_networks.begin_delete("rg", "net", polling=False)
    assert clients.network.virtual_networks.get("rg", "net").provisioning_state == "Deleting"
    azure_clock.advance(10)
    assert azure.resources(NETWORK) == azure.resources(SUBNET) == []


@pytest.mark.parametrize(
    ("space", "prefix"),
    [
        ("10.0.0.0/16", "10.1.0.0/24"),
        ("10.0.0.0/16", "10.0.0.1/24"),
        ("10.0.0.0/16", "x"),
        ("10.0.0.0/24", "10.0.0.0/16"),
    ],
)
def test_a_subnet_lies_in_its_network(azure: EmulatedAzure, clients: Clients, space: str, prefix: str):
    clients.group()
    assert refused(put_network, clients, f"a={prefix}", space=space) == (400, "NetcfgInvalidSubnet")
    assert azure.resources(NETWORK) == []


def test_subnets_come_and_go_on_their_own(clients: Clients, subnet: str):
    subnets, body = clients.network.subnets, {"properties": {"addressPrefix": "10.0.32.0/24"}}
    made = subnets.begin_create_or_update("rg", "net", "own", body).result()
    assert (made.address_prefix, made.provisioning_state) == ("10.0.32.0/24", "Succeeded")
    assert len(clients.network.virtual_networks.get("rg", "net").subnets) == 2
    subnets.begin_delete("rg", "net", "own").result()
    assert len(clients.network.virtual_networks.get("rg", "net").subnets) == 1
    subnets.begin_delete("rg", "net", "own").result()  # 204: there is none
    assert refused(subnets.begin_create_or_update, "rg", "no", "own", body)[1] == "ResourceNotFound"


def test_a_subnet_in_use_stays(azure: EmulatedAzure, clients: Clients, subnet: str):
    put_nic(clients, subnet)
    in_use = (400, "InUseSubnetCannotBeDeleted")

    assert refused(clients.network.subnets.begin_delete, "rg", "net", "default") == in_use
    assert refused(clients.network.virtual_networks.begin_delete, "rg", "net") == in_use
    assert refused(put_network, clients, "other=10.0.16.0/20") == in_use, "a network without its subnet"
    assert [each.name for each in azure.resources(SUBNET)] == ["default"]
    clients.network.network_interfaces.begin_delete("rg", "nic").result()
    clients.network.virtual_networks.begin_delete("rg", "net").result()
    assert azure.resources(NETWORK) == azure.resources(SUBNET) == []


def test_a_network_that_is_written_without_a_subnet_loses_it(clients: Clients, subnet: str):
    made = put_network(clients, "other=10.0.16.0/20")

    assert [each.name for each in made.subnets] == ["other"]


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


@pytest.mark.parametrize("kind", ["virtualNetworks", "networkInterfaces", "publicIPAddresses"])
def test_operations_can_be_looked_at_but_not_under_the_published_role(
    azure: EmulatedAzure, clients: Clients, subnet: str, kind: str
):
    azure.enforce("operator", LAUNCH, CREATE)
    bodies: dict[str, dict[str, Any]] = {
        "virtualNetworks": network_body("a=10.0.0.0/24"),
        "networkInterfaces": {
            "location": LOCATION,
            "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}]},
        },
        "publicIPAddresses": {
            "location": LOCATION,
            "sku": {"name": "Standard"},
            "properties": {"publicIPAllocationMethod": "Static"},
        },
    }
    begin = getattr(
        clients.network,
        {
            "virtualNetworks": "virtual_networks",
            "networkInterfaces": "network_interfaces",
            "publicIPAddresses": "public_ip_addresses",
        }[kind],
    ).begin_create_or_update

    assert refused(begin("rg", "new", bodies[kind]).result) == (403, "AuthorizationFailed")
    assert azure.judge.refusals[-1].action == "Microsoft.Network/locations/operations/read"
    made = begin("rg", "new", bodies[kind], polling=by_resource()).result()
    assert made.provisioning_state == "Succeeded"


def test_writing_subnets_with_a_network_needs_their_permission(azure: EmulatedAzure, clients: Clients):
    clients.group()
    azure.enforce("operator", {"actions": [f"{NETWORK}/write"]})

    assert refused(put_network, clients, "a=10.0.0.0/24") == (403, "LinkedAuthorizationFailed")
