"""The whole life of an environment with the published permissions of each step enforced, and no others."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Forbidden, Invalid
from shared.model import tags
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.providers.azure import permissions
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.clock import FakeClock
from tests.contracts.provider_suite import listed, make, order, unmake
from tests.unit.azure.conftest import Bind, environment

VM = "Microsoft.Compute/virtualMachines"


def step(azure: EmulatedAzure, name: str | None) -> None:
    azure.enforce("operator", permissions.permissions(name))


@pytest.mark.parametrize("config", [{}, {"storageResourceGroup": "data", "publicIp": True, "spot": "only"}])
@pytest.mark.usefixtures("account")
def test_a_life_within_the_published_permissions(
    azure: EmulatedAzure, clients: Clients, azure_clock: FakeClock, config: dict[str, Any]
) -> None:
    settings, place = Settings(installation="this"), environment(**config)

    step(azure, "create")
    create = AzureCloud(place, clients, settings, azure_clock)
    assert create.check() == []
    place = place.but(details=create.details())
    rows = make(create)
    place = place.but(resources=tuple(rows))

    step(azure, "launch")
    launch = AzureCloud(place, clients, settings, azure_clock)
    machine = launch.start(order(launch))
    assert launch.start(order(launch)) == machine
    assert launch.find("run1", 1)
    assert launch.look([machine])
    assert launch.spec(Run(id="r", name="r", session_id="s"), attempt())["logs"]["ingest"]

    step(azure, "reap")
    reap = AzureCloud(place, clients, settings, azure_clock)
    reap.mark([machine], tags.ORPHAN, "1")
    assert list(listed(reap)) == [machine]
    if config:
        azure.evict(machine, 0)
        azure.settle()
        azure_clock.advance(azure.timings.nic_reservation + 1)
        left = [id for id, known in listed(reap).items() if known.reason.startswith("left behind")]
        assert left
        reap.stop(left)
    assert reap.stop([machine]) == {}
    azure.settle()
    assert listed(reap) == {}

    step(azure, "dispose")
    dispose = AzureCloud(place, clients, settings, azure_clock)
    assert dispose.leftovers(unmake(dispose, rows)) == []
    assert azure.judge.refusals == []


def attempt() -> Attempt:
    return Attempt(number=1, offer=Offer(machine_type="x"))


def test_a_crashed_life_within_the_permissions_of_disposal(
    ready: Bind, azure: EmulatedAzure, clients: Clients
) -> None:
    cloud = ready()
    rows = [row.but(cloud_id="", facts={}) for row in cloud._account.environment.resources]
    step(azure, "dispose")
    assert cloud.leftovers(unmake(cloud, rows)) == []
    azure.judge.clear()
    assert {each.name for each in azure.resources() if "TowerForge" in each.id} == set()


def test_each_step_is_refused_without_its_block(ready: Bind, bind: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    azure.enforce("operator", {"actions": []})
    machine = order(cloud)
    with pytest.raises(Forbidden) as forbidden:
        cloud.start(machine)
    assert forbidden.value.action == f"{VM}/write"
    with pytest.raises(Forbidden):
        list(cloud.machines())
    with pytest.raises(Forbidden):
        cloud.remove(cloud._account.environment.resources[0].to("removing"))
    assert {fault.field for fault in bind().check()} == {"credentialsId"}


@pytest.mark.parametrize(
    "missing",
    [
        f"{VM}/write",
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/networkInterfaces/join/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ],
)
def test_a_launch_needs_each_of_these(ready: Bind, azure: EmulatedAzure, missing: str) -> None:
    cloud = ready()
    block = permissions.permissions("launch")
    azure.enforce("operator", {"actions": [each for each in block["actions"] if each != missing]})
    with pytest.raises(Forbidden) as forbidden:
        cloud.start(order(cloud))
    assert forbidden.value.action == missing
    assert listed_by_owner(azure) == []


def listed_by_owner(azure: EmulatedAzure) -> list[str]:
    return [each.id for each in azure.resources(VM)]


def test_the_blocks_are_parts_of_the_whole() -> None:
    whole = permissions.permissions()
    for name in permissions.BY_STEP:
        part = permissions.permissions(name)
        for kind in permissions.KINDS:
            assert set(part[kind]) <= set(whole[kind])
        assert part["actions"]


def test_the_reaper_may_do_nothing_but_end_machines() -> None:
    found = permissions.permissions("reap")
    assert found["dataActions"] == []
    assert {f"{VM}/delete", "Microsoft.Network/networkInterfaces/delete"} <= set(found["actions"])
    assert not any("resourceGroups" in each or "Authorization" in each for each in found["actions"])


def test_a_policy_is_a_role_as_the_portal_takes_it() -> None:
    found = permissions.policy("dispose")["properties"]
    assert found["roleName"] == "headnode-azure-cloud-dispose"
    assert found["assignableScopes"] == ["/subscriptions/<SUBSCRIPTION-ID>"]
    assert set(found["permissions"][0]) == set(permissions.KINDS)
    assert permissions.policy()["properties"]["roleName"] == "headnode-azure-cloud"
    found["permissions"][0]["actions"].clear()
    assert permissions.policy("dispose")["properties"]["permissions"][0]["actions"]
    with pytest.raises(Invalid, match="step"):
        permissions.policy("nonsense")
