"""What only Azure Cloud has."""

import pytest

from shared.model.environment import Environment
from shared.steps import environments
from tests.scenarios.clouds import alive
from tests.scenarios.clouds.azure import MACHINE
from tests.scenarios.rig import last

pytestmark = pytest.mark.parametrize("cloud", ["azure"], indirect=True)

NIC = "Microsoft.Network/networkInterfaces"


def test_a_machine_that_azure_cannot_allocate_after_all_is_tried_elsewhere(rig, cloud):
    scarce, other = cloud.types
    environment = rig.environment(instanceTypes=[scarce, other])
    rig.drain(30)
    cloud.emulated.faults.no_capacity(size=scarce, kind="AllocationFailed")
    run = rig.submit(environment)
    rig.drain(60)

    attempt = last(rig.get_run(run))
    assert (attempt.state, attempt.offer.machine_type) == ("placed", other)
    assert [(each.offer.machine_type, each.code) for each in attempt.refusals] == [
        (scarce, "AllocationFailed")
    ]
    assert [each.id for each in alive(cloud)] == [attempt.machine_id]


def test_a_quota_is_told_in_numbers(rig, ready, cloud):
    cloud.emulated.faults.quota(family="standardDDSv4Family", limit=10, usage=9)
    run = rig.submit(ready)
    rig.drain(10)
    (refusal,) = last(rig.get_run(run)).refusals
    waiting = rig.get_run(run).wait
    assert waiting is not None
    for part in ("standardDDSv4Family", "9", "10", "2"):
        assert part in refusal.reason
        assert part in waiting.reason


def test_an_eviction_resumes_on_a_new_machine_and_its_interface_is_removed(rig, cloud):
    environment = rig.environment(spot="first")
    rig.drain(30)
    run = rig.submit(environment)
    rig.drain(15)
    rig.say(run, "boot")
    rig.say(run, "start")
    first = last(rig.get_run(run)).machine_id
    cloud.emulated.evict(first, notice=30)
    rig.say(run, "notice")
    rig.clock.advance(31)
    cloud.emulated.settle()
    assert alive(cloud) == []
    (left,) = cloud.emulated.resources(NIC)
    rig.clock.advance(61)
    rig.tick()
    rig.clock.advance(61)
    rig.tick()
    rig.drain(30)

    resumed = rig.get_run(run)
    assert [attempt.interrupted for attempt in resumed.attempts] == [True, False]
    assert last(resumed).machine_id not in ("", first)
    for _ in range(6):
        rig.clock.advance(60)
        rig.tick()
        rig.say(run, "heartbeat")
    assert left.id not in [each.id for each in cloud.emulated.resources(NIC)]
    assert len(alive(cloud)) == 1


@pytest.mark.parametrize(("spot", "status"), [("only", "SUBMITTED"), ("never", "FAILED")])
def test_a_vm_that_vanished_without_a_notice_was_taken_back_if_it_was_spot(rig, cloud, spot, status):
    environment = rig.environment(spot=spot)
    rig.drain(30)
    run = rig.submit(environment)
    rig.drain(15)
    rig.say(run, "boot")
    rig.say(run, "start")
    cloud.end(last(rig.get_run(run)).machine_id)
    for _ in range(3):
        rig.clock.advance(60)
        rig.tick()
        rig.drain(0)
    found = rig.get_run(run)
    assert found.attempts[0].interrupted is (spot == "only")
    assert found.status == status
    assert len(alive(cloud)) == (spot == "only")


def test_a_guest_that_shut_itself_down_is_deleted_and_its_run_has_failed(rig, ready, cloud):
    run = rig.submit(ready)
    rig.drain(0)
    cloud.emulated.fail(last(rig.get_run(run)).machine_id)
    rig.drain(60)

    found = rig.get_run(run)
    assert found.status == "FAILED"
    assert "PowerState/stopped" in found.error_message
    assert cloud.emulated.resources(MACHINE) == []
    assert cloud.emulated.resources(NIC) == []


def test_tokens_that_end_midway_are_renewed(rig, ready, cloud):
    run = rig.submit(ready)
    rig.drain(0)
    rig.clock.advance(2 * 3600)
    rig.say(run, "boot")
    rig.work(run)
    rig.drain(60)
    assert rig.get_run(run).status == "SUCCEEDED"
    assert alive(cloud) == []


def test_a_name_is_free_again_at_once(rig, ready, cloud):
    environments.dispose_environment(rig.world, ready)
    rig.drain(120)
    assert rig.get_environment(ready).status == "DELETED"
    assert cloud.emulated.state.soft_deleted == {}
    again = rig.environment("rig")
    rig.drain(60)
    assert rig.get_environment(again).status == "AVAILABLE"


@pytest.mark.parametrize("wish", [0, 40])
def test_a_throttled_launch_comes_back_when_azure_wishes(rig, ready, cloud, wish):
    cloud.emulated.faults.add("compute", "virtualMachines/write", kind="throttle", times=1, seconds=wish)
    run = rig.submit(ready)
    rig.deliver()
    waiting = rig.get_run(run)
    assert waiting.wait is not None
    assert waiting.wait.next_at - rig.clock.now() >= max(wish, 1)
    rig.drain(120)
    assert last(rig.get_run(run)).state == "placed"
    assert len(cloud.started(run)) == 1


def test_what_the_user_brings_is_never_changed_nor_removed(rig, cloud):
    from tests.azure_cloud import Clients

    clients = Clients(cloud.emulated)
    clients.group("mine")
    subnet = clients.subnet("mine")
    identity = clients.identities.user_assigned_identities.create_or_update(
        "mine", "own", {"location": "westeurope"}
    )
    before = {each.id: (each.body, each.properties) for each in cloud.emulated.resources()}
    environment = rig.environment(
        resourceGroup="mine",
        networkId=subnet.partition("/subnets/")[0],
        subnets=["default"],
        managedIdentityId=identity.id,
    )
    rig.drain(30)
    found: Environment = rig.get_environment(environment)
    assert found.status == "AVAILABLE", found.message or found.wait
    run = rig.submit(environment)
    rig.drain(0)
    rig.work(run)
    rig.drain(60)
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(120)

    assert rig.get_environment(environment).status == "DELETED"
    assert {each.id: (each.body, each.properties) for each in cloud.emulated.resources()} == before
