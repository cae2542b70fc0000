"""Networks and subnets by the real SDK, and what holds on to them."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients, by_resource
from tests.clock import FakeClock
from tests.unit.clouds.azure.networks import NETWORK, NIC, SUBNET, network_body, put_network, put_nic
from tests.unit.clouds.azure.refusals import refused
from tests.unit.clouds.azure.roles import CREATE, LAUNCH


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
