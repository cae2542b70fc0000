"""An order is one PUT of a VM, and the same order is the same VM."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from local.clouds.azure import EmulatedAzure
from shared.errors import (
    Forbidden,
    Invalid,
    NoCapacity,
    NotYet,
    QuotaReached,
    Refused,
    Throttled,
    Unreachable,
)
from shared.model import tags
from shared.model.machine import FAILED, PENDING, RUNNING, Offer
from shared.model.run import Run
from shared.model.settings import Settings
from shared.providers.azure import ordering
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import listed, order
from tests.unit.azure.conftest import ID, Bind

GROUP = f"TowerForge-{ID}"
MACHINE = "Microsoft.Compute/virtualMachines"


def shown(sdk: Sdk, machine: str) -> Any:
    """The VM as the real SDK reads it."""
    return sdk.compute.virtual_machines.get(GROUP, machine.rpartition("/")[2])


def asked(azure: EmulatedAzure) -> dict[str, Any]:
    """What was sent with the newest PUT of a VM."""
    found: dict[str, Any] = azure.journal.entries("compute", "virtualMachines/write")[-1].params
    return found


def test_a_launch_is_one_write_and_no_read(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    since, writes = azure.journal.count, azure.journal.writes
    cloud.start(order(cloud))
    assert azure.journal.totals(since) == {"compute:virtualMachines/write": 1}
    assert azure.journal.writes == writes + 1


def test_what_is_asked_for(ready: Bind, sdk: Sdk) -> None:
    cloud = ready(labels={"team": "a"})
    vm = shown(sdk, cloud.start(order(cloud, labels={"team": "a", "headnode:run": "stolen", "a<b": "c"})))
    assert vm.name == "headnode-run1-1-run11"
    assert vm.location == LOCATION
    assert vm.hardware_profile.vm_size == "Standard_D2ds_v4"
    assert vm.priority is None
    assert vm.zones is None
    disk = vm.storage_profile.os_disk
    assert (disk.name, disk.delete_option, disk.disk_size_gb) == (vm.name, "Delete", 128)
    assert vm.storage_profile.image_reference.offer == "ubuntu-24_04-lts"
    assert vm.network_profile.network_interfaces[0].delete_option == "Delete"
    assert vm.diagnostics_profile.boot_diagnostics.enabled
    assert vm.os_profile.linux_configuration.disable_password_authentication
    assert [each.rpartition("/")[2] for each in vm.identity.user_assigned_identities] == [f"{GROUP}-identity"]
    assert vm.tags == {
        "team": "a",
        tags.INSTALLATION: "this",
        tags.ENVIRONMENT: ID,
        tags.RUN: "run1",
        tags.ATTEMPT: "1",
        tags.OWNER: "ada",
        tags.DEADLINE: "1800003600",
        "headnode:machine": vm.name,
    }
    nic = next(iter(sdk.network.network_interfaces.list(GROUP)))
    assert nic.tags == vm.tags
    assert nic.ip_configurations[0].public_ip_address is None


def test_the_boot_document_arrives_whole(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    cloud.start(order(cloud, boot="#!/bin/sh\necho ü\n"))
    data = asked(azure)["properties"]["osProfile"]["customData"]
    assert base64.b64decode(data).decode() == "#!/bin/sh\necho ü\n"


def test_what_azure_would_not_take_is_not_sent(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    cloud.start(order(cloud, boot="x" * 65_535))
    writes = azure.journal.writes
    with pytest.raises(Invalid, match="userData"):
        cloud.start(order(cloud, attempt=2, boot="x" * 65_536))
    assert azure.journal.writes == writes


def test_nobody_can_log_in(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    cloud.start(order(cloud))
    keys = asked(azure)["properties"]["osProfile"]["linuxConfiguration"]["ssh"]["publicKeys"]
    assert load_ssh_public_key(keys[0]["keyData"].encode())
    assert keys[0]["keyData"] == ordering.nobodys_key("headnode-run1-1-run11")
    assert "adminPassword" not in asked(azure)["properties"]["osProfile"]


def test_spot_is_evicted_for_good_and_costs_no_more_than_on_demand(ready: Bind, sdk: Sdk) -> None:
    cloud = ready(spot="only")
    vm = shown(sdk, cloud.start(order(cloud)))
    assert (vm.priority, vm.eviction_policy, vm.billing_profile.max_price) == ("Spot", "Delete", -1)


def test_zones_subnets_disk_and_public_address(ready: Bind, sdk: Sdk) -> None:
    sdk.group("lab")
    subnet = sdk.subnet("lab")
    network = subnet.rpartition("/subnets/")[0]
    cloud = ready(networkId=network, zones=["2", "3"], publicIp=True, diskSizeGb=64)
    vm = shown(sdk, cloud.start(order(cloud)))
    assert vm.zones == ["2"]
    assert vm.storage_profile.os_disk.disk_size_gb == 64
    nic = next(iter(sdk.network.network_interfaces.list(GROUP)))
    assert nic.ip_configurations[0].subnet.id == subnet
    address = next(iter(sdk.network.public_ip_addresses.list(GROUP)))
    assert address.tags[tags.RUN] == "run1"
    assert address.delete_option == "Delete"


def test_offers_are_sizes_by_zones_by_subnets_in_order(bind: Bind) -> None:
    network = f"/subscriptions/{'0' * 8}-0000-0000-0000-{'0' * 12}/resourceGroups/l/providers/"
    cloud = bind(
        instanceType="Standard_D2ds_v5",
        instanceTypes=["Standard_D2ds_v4"],
        zones=["1", "2"],
        spot="first",
        networkId=f"{network}Microsoft.Network/virtualNetworks/n",
        subnets=["a", "b"],
    )
    offers = cloud.offers(Run(id="r", name="r", session_id="s"))
    assert len(offers) == len(set(offers)) == 16
    assert [str(each) for each in offers[:3]] == [
        "Standard_D2ds_v5 1/a spot",
        "Standard_D2ds_v5 1/b spot",
        "Standard_D2ds_v5 2/a spot",
    ]
    assert offers[8] == Offer(machine_type="Standard_D2ds_v5", place="1/a", spot=False)
    assert bind().offers(Run(id="r", name="r", session_id="s")) == [Offer(machine_type="Standard_D2ds_v4")]


def test_arm_sizes_get_the_image_for_them(ready: Bind, sdk: Sdk) -> None:
    cloud = ready(instanceType="Standard_D2pds_v5")
    assert shown(sdk, cloud.start(order(cloud))).storage_profile.image_reference.sku == "server-arm64"


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "5xx"])
def test_a_lost_answer_and_the_same_order_again_are_one_machine(
    ready: Bind, azure: EmulatedAzure, kind: str
) -> None:
    cloud = ready()
    azure.faults.add("compute", "virtualMachines/write", kind=kind)
    with pytest.raises(Unreachable):
        cloud.start(order(cloud))
    started = cloud.start(order(cloud))
    assert list(listed(cloud)) == [started]
    assert len(azure.resources("Microsoft.Network/networkInterfaces")) == 1


def test_names_are_held_in_lower_case_whatever_azure_shows(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    started = cloud.start(order(cloud, run_id="RunABC"))
    vm = azure.resources(MACHINE)[0]
    assert vm.name == "headnode-RunABC-1-RunABC1"
    assert started == vm.id.lower()
    vm.id = vm.id.replace("TowerForge", "TOWERFORGE")
    assert list(listed(cloud)) == [started]
    assert cloud.look([started])[started].run_id == "RunABC"


def test_a_strangers_machine_of_that_name_is_not_taken(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    cloud.start(order(cloud))
    azure.resources(MACHINE)[0].body["tags"] = {"headnode:run": "run1"}
    with pytest.raises(Refused, match="not ours"):
        cloud.start(order(cloud))


def test_the_order_of_a_machine_that_is_leaving_needs_another_token(
    ready: Bind, azure: EmulatedAzure
) -> None:
    cloud = ready()
    started = cloud.start(order(cloud))
    azure.timings.transitions["*"] = 60.0
    assert cloud.stop([started]) == {}
    with pytest.raises(NoCapacity) as refused:
        cloud.start(order(cloud))
    assert refused.value.code == "MachineBeingDeleted"
    assert cloud.start(order(cloud, token="another")) != started


@pytest.mark.parametrize("code", ["SkuNotAvailable", "AllocationFailed", "ZonalAllocationFailed"])
def test_no_capacity_leaves_nothing_behind(ready: Bind, azure: EmulatedAzure, code: str) -> None:
    cloud = ready()
    azure.faults.add("compute", "virtualMachines/write", None, "SkuNotAvailable" if code[0] == "S" else code)
    if code == "SkuNotAvailable":
        with pytest.raises(NoCapacity) as refused:
            cloud.start(order(cloud))
        assert refused.value.code == code
    else:
        started = cloud.start(order(cloud))
        azure.settle()
        machine = cloud.look([started])[started]
        assert (machine.state, machine.reason) == (FAILED, code)
        assert listed(cloud)[started] == machine
        assert cloud.find("run1", 1) is None
        assert cloud.stop([started]) == {}
        azure.settle()
    assert listed(cloud) == {}
    assert azure.resources("Microsoft.Network/networkInterfaces") == []


def test_the_next_offer_is_another_machine(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready(instanceTypes=["Standard_D2ds_v4", "Standard_E2ds_v4"], zones=["1", "2"], spot="first")
    offers, refusals = cloud.offers(Run(id="r", name="r", session_id="s")), []
    azure.faults.no_capacity(size="Standard_D2ds_v4")
    azure.faults.no_capacity(zone="1")
    for number, offer in enumerate(offers):
        try:
            cloud.start(order(cloud, offer=offer, token=f"{number}"))
            break
        except NoCapacity as error:
            refusals.append(error.code)
    assert refusals == ["SkuNotAvailable"] * 3
    assert offer == Offer(machine_type="Standard_E2ds_v4", place="2", spot=True)


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("standardDDSv4Family", "family standardDDSv4Family: have 8 of 10 cores, need 2"),
        ("LowPriorityCores", "spot cores: have 8 of 10 cores, need 2"),
    ],
)
def test_a_quota_says_how_much(ready: Bind, azure: EmulatedAzure, family: str, reason: str) -> None:
    cloud = ready()
    azure.faults.quota(family, usage=8)
    with pytest.raises(QuotaReached) as reached:
        cloud.start(order(cloud))
    assert str(reached.value) == reason


def test_what_compute_does_not_know_yet(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock, clients: Clients
) -> None:
    cloud = ready()
    identity = azure.resources("Microsoft.ManagedIdentity/userAssignedIdentities")[0]
    azure.state.store.remove(identity)
    with pytest.raises(Refused, match="InvalidResourceReference"):
        cloud.start(order(cloud))
    place = cloud._account.environment.but(created_at=azure_clock.now() - ordering.YOUNG + 1)
    with pytest.raises(NotYet):
        AzureCloud(place, clients, Settings(installation="this"), azure_clock).start(order(cloud))


def test_a_missing_permission_is_named_at_once_when_no_grant_is_fresh(
    ready: Bind, azure: EmulatedAzure
) -> None:
    cloud = ready()
    azure.faults.add("compute", "virtualMachines/write", kind="denied")
    with pytest.raises(Forbidden):
        cloud.start(order(cloud))


def test_a_throttled_launch_waits_as_long_as_azure_says(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    azure.faults.add("compute", "virtualMachines/write", kind="throttle", seconds=17)
    with pytest.raises(Throttled) as throttled:
        cloud.start(order(cloud))
    assert throttled.value.after == 17.0
    assert cloud.start(order(cloud))


def test_states_follow_the_cloud(ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock) -> None:
    cloud = ready()
    azure.timings.transitions[f"{MACHINE}/write"] = 25.0
    started = cloud.start(order(cloud))
    assert cloud.look([started])[started].state == PENDING
    azure_clock.advance(26)
    assert cloud.look([started])[started].state == RUNNING


def test_names_fit_and_differ(ready: Bind) -> None:
    cloud = ready()
    names = {
        ordering.name_of(order(cloud, run_id="x" * 16, attempt=attempt, token=token))
        for attempt in (1, 9999)
        for token in ("0123456789", "1123456789")
    }
    assert len(names) == 4
    assert max(map(len, names)) <= 64
