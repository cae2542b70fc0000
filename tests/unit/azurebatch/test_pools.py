"""What a pool is made of, read back by Azure's own clients."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from shared.errors import NotYet, Refused
from shared.model.environment import ResourceRow
from shared.model.tags import ENVIRONMENT, INSTALLATION
from shared.nextflow.azure import formulas
from shared.providers.azure.batch.images import best
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import make, order
from tests.unit.azurebatch.conftest import ID, Bind
from tests.unit.clouds.azure.batch import job_body, pool_body, service, states

NAME = f"tower-pool-{ID}"
DUAL = {
    "dualPoolConfig": True,
    "headPool": {"vmType": "Standard_D2ds_v5", "vmCount": 2},
    "workerPool": {"vmType": "Standard_E8ds_v5", "vmCount": 4, "lowPriority": True},
}


def only_row(key: str = "pool", name: str = NAME) -> ResourceRow:
    return ResourceRow(key=key, type="BatchPool", name=name)


def test_a_pool_is_ours_runs_containers_and_begins_with_nothing(bind: Bind, azure: EmulatedAzure) -> None:
    make(bind(labels={"team": "blue"}))
    with service(azure) as client:
        pool = client.get_pool(NAME)
    machine = pool.virtual_machine_configuration
    assert machine.node_agent_sku_id == "batch.node.ubuntu 24.04"
    assert (machine.image_reference.publisher, machine.image_reference.sku) == ("microsoft-dsvm", "2404")
    assert machine.container_configuration.type == "dockerCompatible"
    assert {each.name: each.value for each in pool.metadata} == {
        "team": "blue",
        INSTALLATION: "this",
        ENVIRONMENT: ID,
    }
    assert (pool.task_slots_per_node, pool.task_scheduling_policy.node_fill_type.value) == (4, "pack")
    assert pool.enable_auto_scale
    assert pool.auto_scale_run.error is None
    assert (pool.target_dedicated_nodes, pool.target_low_priority_nodes) == (0, 0)
    assert pool.start_task.wait_for_success
    assert "azcopy" in pool.start_task.command_line


def test_two_pools_are_of_two_kinds(bind: Bind, azure: EmulatedAzure) -> None:
    make(bind(forge=DUAL))
    with service(azure) as client:
        head, worker = (client.get_pool(f"{NAME}-{kind}") for kind in ("head", "worker"))
    assert (head.vm_size, worker.vm_size) == ("Standard_D2ds_v5", "Standard_E8ds_v5")
    assert "$TargetDedicatedNodes = " in head.auto_scale_formula
    assert "$TargetLowPriorityNodes = " in worker.auto_scale_formula
    assert "$TargetDedicatedNodes" not in worker.auto_scale_formula


def test_a_pool_with_an_identity_is_made_by_arm_and_each_has_only_its_own(
    bind: Bind, azure: EmulatedAzure, sdk: Sdk
) -> None:
    sdk.group("ids")
    known = sdk.identities.user_assigned_identities
    head, worker = (known.create_or_update("ids", name, {"location": LOCATION}) for name in ("h", "w"))
    make(
        bind(
            forge={**DUAL, "bootDiskSizeGB": 100},
            managedIdentityHeadResourceId=head.id,
            managedIdentityClientId=head.client_id,
            managedIdentityPoolResourceId=worker.id,
            managedIdentityPoolClientId=worker.client_id,
        )
    )
    from azure.mgmt.batch import BatchManagementClient

    client = BatchManagementClient(**sdk.arguments())
    for kind, identity in (("head", head), ("worker", worker)):
        pool = client.pool.get("batch-rg", "acct", f"{NAME}-{kind}")
        assert list(pool.identity.user_assigned_identities) == [identity.id]
        machine = pool.deployment_configuration.virtual_machine_configuration
        assert (machine.os_disk.disk_size_gb, machine.node_agent_sku_id) == (100, "batch.node.ubuntu 24.04")


def test_a_pool_in_a_network(bind: Bind, azure: EmulatedAzure, sdk: Sdk) -> None:
    sdk.group()
    subnet = sdk.subnet()
    provider = bind(subnetId=subnet)
    assert provider.check() == []
    make(provider)
    with service(azure) as client:
        assert client.get_pool(NAME).network_configuration.subnet_id == subnet


def test_a_pool_of_that_name_that_is_not_ours_is_left_alone(bind: Bind, azure: EmulatedAzure) -> None:
    with service(azure) as client:
        client.create_pool(pool_body(NAME))
        provider = bind()
        for act in (lambda: provider.ensure(only_row(), {}), lambda: provider.remove(only_row())):
            with pytest.raises(Refused, match="does not carry our marker"):
                act()
        assert client.get_pool(NAME).state.value == "active"


def test_a_hot_pool_is_ready_when_it_has_its_nodes(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    azure.timings.transitions = {"Microsoft.Batch/batchAccounts/pools/resize": 60.0}
    provider = bind(forge={"vmType": "Standard_D4ds_v5", "vmCount": 2, "minVmCount": 1})
    with pytest.raises(NotYet, match="has 0 of 1 nodes"):
        provider.ensure(only_row(), {})
    azure_clock.advance(61)
    assert provider.ensure(only_row(), {}).cloud_id == NAME


def test_nodes_that_are_not_to_be_had_end_the_creation_with_batchs_words(bind: Bind) -> None:
    forge = {"vmType": "Standard_D64ds_v5", "vmCount": 2, "autoScale": False}
    with pytest.raises(Refused, match=r"does not get its 2 nodes: AccountCoreQuotaReached"):
        bind(forge=forge).ensure(only_row(), {})


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("$asked = (", "AutoScalingFormulaSyntaxError"),
        ("$asked = $NoSuchMetric.GetSample(1) + ", "its formula fails: .*NoSuchMetric"),
    ],
)
def test_a_formula_that_fails_ends_the_creation(
    bind: Bind, monkeypatch: pytest.MonkeyPatch, spoilt: str, said: str
) -> None:
    """Batch reads it before the pool is made, and computes it once it is: there is nothing to try it on
    before."""
    monkeypatch.setattr(formulas, "OURS", formulas.OURS.replace("$asked = ", spoilt))
    with pytest.raises(Refused, match=said):
        bind().ensure(only_row(), {})


def test_a_launch_makes_the_pool_grow_at_once(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    provider.start(order(provider))
    with service(azure) as client:
        assert client.get_pool(NAME).current_dedicated_nodes == 1
        assert states(client, "headnode-run1-1") == {"head": "running"}
        job = client.get_job("headnode-run1-1")
    assert job.uses_task_dependencies is False
    assert job.all_tasks_complete_mode.value == "terminatejob"
    assert job.job_manager_task.kill_job_on_completion
    assert job.job_manager_task.container_settings.image_name == "nextflow/nextflow:25.04.6"


def test_a_pool_without_work_goes_back_to_nothing(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    provider = ready()
    provider.start(order(provider))
    azure.end_task("acct", "headnode-run1-1", "head")
    azure_clock.advance(1800)
    with service(azure) as client:
        assert client.get_pool(NAME).current_dedicated_nodes == 0


def test_a_disposal_ends_the_jobs_on_our_pool_and_no_others(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    provider.start(order(provider))
    with service(azure) as client:
        client.create_pool(pool_body("theirs"))
        client.create_job(job_body("job-x-FOO", NAME))
        client.create_job(job_body("job-y", "theirs"))
        assert provider.remove(only_row().to("making").to("removing"))
        left = {job.id: job.state.value for job in client.list_jobs()}
        with pytest.raises(HttpResponseError):
            client.get_pool(NAME)
    assert left == {"job-x-FOO": "completed", "job-y": "active"}


def test_a_pool_that_is_to_stay_stays(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready(forge={"vmType": "Standard_D4ds_v5", "disposeOnDeletion": False})
    assert provider.remove(only_row())
    assert "disposeOnDeletion is off" in provider.leftovers([only_row()])[0].why
    with service(azure) as client:
        assert client.get_pool(NAME).state.value == "active"


def image(sku: str, agent: str, **more: Any) -> dict[str, Any]:
    reference = {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": sku, "version": "latest"}
    found = {"imageReference": reference, "nodeAgentSKUId": agent, "verificationType": "verified"}
    return {**found, "capabilities": ["DockerCompatible"], **more}


def test_the_newest_ubuntu_that_is_supported_is_chosen() -> None:
    old = image("2204", "batch.node.ubuntu 22.04", batchSupportEndOfLife="2027-06-30T00:00:00Z")
    new = image("2404", "batch.node.ubuntu 24.04")
    arm = image("2404-arm64", "batch.node.ubuntu 24.04")
    newer = image("2604", "batch.node.ubuntu 26.04")
    bare = image("2404", "batch.node.ubuntu 24.04", capabilities=[])
    unverified = image("2404", "batch.node.ubuntu 24.04", verificationType="unverified")
    assert best([old, newer, arm, new], False, 0.0) is new
    assert best([old, arm, new], True, 0.0) is arm
    assert best([old, bare, unverified], False, 1_800_000_000.0) is old
    assert best([old], False, 1_900_000_000.0) is None
    assert best([], False, 0.0) is None
