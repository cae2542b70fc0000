"""VMs of ours, and of nobody else; and what is left of those that are gone."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Forbidden, Refused, Throttled, Unreachable
from shared.model import tags
from shared.model.machine import FAILED, RUNNING, STOPPED, STOPPING
from shared.providers.azure import machines
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import Clients as Sdk
from tests.azure_cloud import vm_body
from tests.clock import FakeClock
from tests.contracts.provider_suite import listed, order
from tests.unit.azure.conftest import ID, Bind

GROUP = f"TowerForge-{ID}"
MACHINE = "Microsoft.Compute/virtualMachines"
INTERFACE = "Microsoft.Network/networkInterfaces"
ADDRESS = "Microsoft.Network/publicIPAddresses"


def others_vm(sdk: Sdk, name: str = "theirs", **carried: str) -> str:
    """A VM of somebody else, in a group of their own; its id."""
    sdk.group("theirs")
    body = {**vm_body(sdk.subnet("theirs")), "tags": carried}
    body["properties"]["storageProfile"]["osDisk"]["name"] = name
    made = sdk.compute.virtual_machines.begin_create_or_update("theirs", name, body, polling=False)
    made.result()
    found = sdk.compute.virtual_machines.get("theirs", name)
    return str(found.id).lower()


def many(cloud: AzureCloud, count: int) -> list[str]:
    return [cloud.start(order(cloud, attempt=number)) for number in range(1, count + 1)]


def test_a_listing_has_every_page(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    started = many(cloud, 5)
    azure.state.page_size = 2
    since = azure.journal.count
    assert sorted(listed(cloud)) == sorted(started)
    assert azure.journal.totals(since)["compute:virtualMachines/read"] == 2 * 3


def test_a_listing_is_of_this_region(ready: Bind, bind: Bind) -> None:
    cloud = ready()
    many(cloud, 1)
    assert listed(bind(region="northeurope")) == {}


def test_a_page_that_leads_elsewhere_gets_no_token(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    many(cloud, 2)
    azure.state.page_size, url = 1, azure.state.url
    azure.state.url = "https://example.com"
    with pytest.raises(Refused, match="leads elsewhere"):
        listed(cloud)
    azure.state.url = url


def test_other_peoples_machines_are_not_ours(ready: Bind, sdk: Sdk, azure: EmulatedAzure) -> None:
    cloud = ready()
    theirs = others_vm(sdk)
    assert listed(cloud) == {}
    assert cloud.look([theirs]) == {}
    assert cloud.stop([theirs]) == {theirs: machines.NOT_OURS}
    cloud.mark([theirs], tags.ORPHAN, "1")
    assert [vm.body.get("tags") for vm in azure.resources(MACHINE)] == [{}]


def test_another_installations_interface_stays(ready: Bind, sdk: Sdk) -> None:
    cloud = ready()
    others_vm(sdk)
    nic = next(iter(sdk.network.network_interfaces.list("theirs"))).id
    assert cloud.look([nic]) == {}
    assert cloud.stop([nic]) == {nic: machines.NOT_OURS}


def test_ids_that_are_none_are_never_asked_about(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    home = f"/subscriptions/x/resourceGroups/{GROUP}/providers/{MACHINE}"
    odd = ["", "i-123", f"{home}/..", f"{home}/a?x=1", f"{home}/a/b", f"{home}/a#b", "https://example.com/vm"]
    since = azure.journal.count
    assert cloud.look(odd) == {}
    assert cloud.stop(odd) == {}
    cloud.mark(odd, tags.ORPHAN, "1")
    assert azure.journal.count == since


def test_many_are_stopped_side_by_side_and_one_that_is_not_ours_does_not_matter(
    ready: Bind, sdk: Sdk, azure: EmulatedAzure
) -> None:
    cloud = ready()
    started, theirs = many(cloud, 12), others_vm(sdk)
    assert cloud.stop([*started, theirs]) == {theirs: machines.NOT_OURS}
    azure.settle()
    assert [vm.id.lower() for vm in azure.resources(MACHINE)] == [theirs]


def test_a_failure_in_the_middle_does_not_keep_the_others(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    started = many(cloud, 4)
    azure.faults.add("compute", "virtualMachines/delete", 2, "reset-before")
    with pytest.raises(Unreachable):
        cloud.stop(started)
    azure.settle()
    assert len(azure.resources(MACHINE)) == 1
    assert cloud.stop(started) == {}
    azure.settle()
    assert listed(cloud) == {}


@pytest.mark.parametrize(("kind", "error"), [("denied", Forbidden), ("throttle", Throttled)])
def test_a_deletion_that_may_not_be_is_told(
    ready: Bind, azure: EmulatedAzure, kind: str, error: type[Exception]
) -> None:
    cloud = ready()
    started = many(cloud, 2)
    azure.faults.add("compute", "virtualMachines/delete", kind=kind)
    with pytest.raises(error):
        cloud.stop(started)


def test_a_deletion_is_by_force_and_asked_for_once(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    started = many(cloud, 1)
    azure.timings.transitions["*"] = 60.0
    assert cloud.stop(started) == {}
    assert cloud.stop(started) == {}
    assert cloud.look(started)[started[0]].state == STOPPING
    deletions = azure.journal.entries("compute", "virtualMachines/delete")
    assert [each.params["forceDeletion"] for each in deletions] == ["true"]


def test_what_goes_with_a_machine(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready(publicIp=True)
    started = many(cloud, 1)
    cloud.stop(started)
    azure.settle()
    for kind in (MACHINE, INTERFACE, ADDRESS, "Microsoft.Compute/disks"):
        assert azure.resources(kind) == []


def test_a_machine_that_was_shut_down_from_within_costs_and_is_to_be_removed(
    ready: Bind, azure: EmulatedAzure
) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    azure.settle()
    azure.fail(started)
    machine = cloud.look([started])[started]
    assert (machine.state, machine.reason, machine.interrupted) == (STOPPED, "PowerState/stopped", False)
    assert listed(cloud)[started] == machine
    assert cloud.stop([started]) == {}
    azure.settle()
    assert listed(cloud) == {}


@pytest.mark.parametrize(
    ("properties", "state", "reason"),
    [
        ({"provisioningState": "Creating"}, "pending", ""),
        ({"provisioningState": "Updating"}, "running", ""),
        ({"provisioningState": "Deleting"}, "stopping", ""),
        ({"provisioningState": "Failed"}, "failed", "Failed"),
        ({"provisioningState": "Failed", "power": "running"}, "running", ""),
        ({"provisioningState": "Failed/AllocationFailed"}, "failed", "AllocationFailed"),
        ({"provisioningState": "Succeeded", "power": "deallocated"}, "stopped", "PowerState/deallocated"),
        ({"provisioningState": "Succeeded", "power": "starting"}, "running", ""),
        ({}, "running", ""),
    ],
)
def test_states(properties: dict[str, str], state: str, reason: str) -> None:
    provisioning, _, code = properties.get("provisioningState", "").partition("/")
    statuses = [{"code": f"ProvisioningState/{provisioning.lower()}" + (f"/{code}" if code else "")}]
    if "power" in properties:
        statuses.append({"code": f"PowerState/{properties['power']}"})
    shown: dict[str, Any] = {"provisioningState": provisioning, "instanceView": {"statuses": statuses}}
    assert machines.state_of(shown) == (state, reason)


def test_a_change_that_failed_does_not_make_a_machine_failed(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    azure.settle()
    azure.resources(MACHINE)[0].state = "Failed"
    assert listed(cloud)[started].state == RUNNING


def test_marks_keep_every_other_tag(ready: Bind, sdk: Sdk) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    before = sdk.compute.virtual_machines.get(GROUP, started.rpartition("/")[2]).tags
    cloud.mark([started], tags.HOLD, "1800000900")
    cloud.mark([started], tags.HOLD, None)
    assert sdk.compute.virtual_machines.get(GROUP, started.rpartition("/")[2]).tags == before


def test_a_mark_that_is_there_is_not_written_again(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    started = many(cloud, 1)
    cloud.mark(started, tags.ORPHAN, "5")
    writes = azure.journal.writes
    cloud.mark(started, tags.ORPHAN, "5")
    cloud.mark(started, tags.HOLD, None)
    assert azure.journal.writes == writes


def test_tags_that_people_wrote_are_borne(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    odd = {tags.DEADLINE: "soon", tags.HOLD: "nan", tags.ATTEMPT: "-3", tags.ORPHAN: "1e99"}
    azure.resources(MACHINE)[0].body["tags"] |= odd
    machine = listed(cloud)[started]
    assert (machine.deadline, machine.hold_until, machine.attempt, machine.orphan_since) == (0.0, 0.0, 0, 0.0)


def evicted(cloud: AzureCloud, azure: EmulatedAzure) -> str:
    """A machine that spot took back; its id."""
    started = cloud.start(order(cloud))
    azure.evict(started, 0)
    azure.settle()
    return started


def test_what_an_eviction_left_is_shown_as_a_failed_machine_and_goes(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    cloud = ready(spot="only")
    started = evicted(cloud, azure)
    assert cloud.look([started]) == {}
    [left] = listed(cloud).values()
    assert left.state == FAILED
    assert left.reason == "left behind by headnode-run1-1-run11"
    assert (left.run_id, left.attempt, left.environment_id) == ("run1", 1, ID)
    assert INTERFACE.lower() in left.id
    assert cloud.find("run1", 1) is None

    refused = cloud.stop([left.id])
    assert "reserves it for 180 s" in refused[left.id]
    azure_clock.advance(azure.timings.nic_reservation + 1)
    assert cloud.stop([left.id]) == {}
    azure.settle()
    assert cloud.look([left.id]) == {}
    assert listed(cloud) == {}
    assert cloud.stop([left.id]) == {}


def test_an_address_goes_with_its_interface(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    cloud = ready(spot="only", publicIp=True)
    evicted(cloud, azure)
    azure_clock.advance(azure.timings.nic_reservation + 1)
    for _ in range(3):
        cloud.stop(list(listed(cloud)))
        azure.settle()
    assert azure.resources(INTERFACE) == azure.resources(ADDRESS) == []


def test_an_interface_whose_machine_is_there_is_no_debris(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    azure.resources(INTERFACE)[0].properties.pop("virtualMachine")  # as while the VM is being made
    assert list(listed(cloud)) == [started]


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "a?b"])
def test_a_tag_that_somebody_wrote_leads_nowhere(ready: Bind, azure: EmulatedAzure, name: str) -> None:
    cloud = ready(spot="only")
    evicted(cloud, azure)
    azure.resources(INTERFACE)[0].body["tags"]["headnode:machine"] = name
    assert listed(cloud) == {}


def test_an_interface_of_ours_without_a_machines_name_is_left_alone(
    ready: Bind, azure: EmulatedAzure
) -> None:
    cloud = ready(spot="only")
    evicted(cloud, azure)
    del azure.resources(INTERFACE)[0].body["tags"]["headnode:machine"]
    assert listed(cloud) == {}


def test_nothing_is_found_where_the_group_is_gone(bind: Bind, azure: EmulatedAzure) -> None:
    assert bind().find("run1", 1) is None
    assert listed(bind()) == {}


def test_a_subscription_that_cannot_be_seen_does_not_mean_that_anything_is_gone(
    ready: Bind, azure: EmulatedAzure
) -> None:
    cloud = ready()
    [started] = many(cloud, 1)
    azure.faults.add("*", "*", kind="SubscriptionNotFound", status=404, times=None)
    group = cloud._account.environment.resources[0]
    for act in (
        lambda: cloud.look([started]),
        lambda: cloud.stop([started]),
        lambda: cloud.find("run1", 1),
        lambda: listed(cloud),
        lambda: cloud.remove(group.to("removing")),
        lambda: cloud.start(order(cloud)),
    ):
        with pytest.raises(Refused, match="SubscriptionNotFound"):
            act()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2027-01-15T08:00:00.1234567Z", 1800000000.123456),
        ("2027-01-15T08:00:00+00:00", 1800000000.0),
        ("", 0.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert machines.moment(text) == seconds
