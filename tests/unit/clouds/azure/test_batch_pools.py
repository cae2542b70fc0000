"""Pools and nodes of the emulated Batch, by azure-batch."""

from collections import Counter
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch import allocation, sizes
from local.clouds.azure.batch.models import Quotas
from tests.clock import FakeClock
from tests.unit.clouds.azure.batch import (
    ACCOUNT,
    MACHINE,
    begin,
    job_body,
    pool_body,
    refusal,
    service,
    task_body,
)


@pytest.fixture
def batch(azure: EmulatedAzure) -> Any:
    return service(azure)


def agent(name: str) -> dict[str, Any]:
    return {"virtualMachineConfiguration": {**MACHINE, "nodeAgentSKUId": name}}


def test_a_pool_grows_by_the_clock(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    azure.timings.transitions = {allocation.RESIZE: 60, allocation.BOOT: 30}
    batch.create_pool(pool_body(targetDedicatedNodes=2, targetLowPriorityNodes=1))

    def seen() -> tuple[str, int, int, Counter[str]]:
        pool, nodes = batch.get_pool("pool"), batch.list_nodes("pool")
        found = Counter(node.state.value for node in nodes)
        return (
            pool.allocation_state.value,
            pool.current_dedicated_nodes,
            pool.current_low_priority_nodes,
            found,
        )

    assert seen() == ("resizing", 0, 0, Counter())
    azure_clock.advance(60)
    assert seen() == ("steady", 2, 1, Counter(creating=3))
    azure_clock.advance(30)
    assert seen() == ("steady", 2, 1, Counter(idle=3))
    counts = next(iter(batch.list_pool_node_counts()))
    assert (counts.pool_id, counts.dedicated.idle, counts.low_priority.total) == ("pool", 2, 1)


def test_a_pool_shrinks_and_is_deleted(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    batch.create_pool(pool_body(targetDedicatedNodes=3))
    assert batch.pool_exists("pool")
    batch.begin_resize_pool("pool", {"targetDedicatedNodes": 1}, polling_interval=0).result()
    assert batch.get_pool("pool").current_dedicated_nodes == 1
    node = next(iter(batch.list_nodes("pool")))
    batch.begin_remove_nodes("pool", {"nodeList": [node.id]}, polling_interval=0).result()
    assert (batch.get_pool("pool").target_dedicated_nodes, list(batch.list_nodes("pool"))) == (0, [])

    azure.timings.transitions = {"Microsoft.Batch/batchAccounts/pools/delete": 30}
    begin(batch, "delete_pool", "pool")
    assert batch.get_pool("pool").state.value == "deleting"
    assert refusal(batch.create_pool, pool_body()) == (409, "PoolBeingDeleted")
    assert refusal(batch.update_pool, "pool", {"metadata": []}) == (409, "PoolBeingDeleted")
    azure_clock.advance(30)
    for gone in (batch.get_pool, batch.pool_exists):  # the client's own `pool_exists` is never False
        with pytest.raises(ResourceNotFoundError):
            gone("pool")


def test_one_resize_at_a_time_and_a_stop(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    batch.create_pool(pool_body(targetDedicatedNodes=1))
    batch.get_pool("pool")
    azure.timings.transitions = {allocation.RESIZE: 60}
    begin(batch, "resize_pool", "pool", {"targetDedicatedNodes": 5})
    assert refusal(batch.begin_resize_pool, "pool", {"targetDedicatedNodes": 2}) == (409, "PoolBeingResized")
    begin(batch, "stop_pool_resize", "pool")
    azure_clock.advance(120)
    pool = batch.get_pool("pool")
    assert (pool.allocation_state.value, pool.target_dedicated_nodes) == ("steady", 1)
    assert refusal(batch.begin_stop_pool_resize, "pool") == (409, "OperationInvalidForCurrentState")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"id": "not an id"}, 400, "InvalidPropertyValue"),
        ({"vmSize": "Standard_Nothing"}, 400, "InvalidPropertyValue"),
        ({"targetDedicatedNodes": -1}, 400, "InvalidPropertyValue"),
        ({"taskSlotsPerNode": 17}, 400, "InvalidPropertyValue"),
        (agent("batch.node.centos 8"), 404, "NodeAgentSKUNotFound"),
        (agent("batch.node.ubuntu 22.04"), 400, "InvalidPropertyValue"),
        ({"enableAutoScale": True}, 400, "MissingRequiredProperty"),
        ({"enableAutoScale": True, "autoScaleFormula": "$a = ("}, 400, "AutoScalingFormulaSyntaxError"),
        ({"autoScaleFormula": "$TargetDedicatedNodes=1"}, 400, "InvalidAutoScalingSettings"),
        ({"networkConfiguration": {"subnetId": "/subscriptions/x"}}, 403, "Unauthorized"),
    ],
)
def test_pools_that_could_not_be_are_refused(batch: Any, more: dict[str, Any], status: int, code: str):
    assert refusal(batch.create_pool, pool_body(**more)) == (status, code)
    assert list(batch.list_pools()) == []


def test_a_conflict_is_an_existing_resource_whatever_it_is(azure: EmulatedAzure):
    batch = service(azure, quotas=Quotas(pools=1))
    batch.create_pool(pool_body())
    for id, code in (("POOL", "PoolExists"), ("other", "PoolQuotaReached")):
        with pytest.raises(ResourceExistsError) as caught:
            batch.create_pool(pool_body(id))
        error: Any = caught.value
        assert error.error.code == code


@pytest.mark.parametrize(
    ("quotas", "targets", "code"),
    [
        (Quotas(dedicated=3), {"targetDedicatedNodes": 2}, "AccountCoreQuotaReached"),
        (Quotas(low_priority=3), {"targetLowPriorityNodes": 2}, "AccountLowPriorityCoreQuotaReached"),
        (
            Quotas(families={"standardDDSv5Family": 3}),
            {"targetDedicatedNodes": 2},
            "AccountVMSeriesCoreQuotaReached",
        ),
    ],
)
def test_want_of_cores_is_an_error_of_the_resize_and_not_of_the_request(
    azure: EmulatedAzure, quotas: Quotas, targets: dict[str, int], code: str
):
    batch = service(azure, quotas=quotas)
    batch.create_pool(pool_body(**targets))
    batch.create_job(job_body())
    batch.create_task("job", task_body())
    pool = batch.get_pool("pool")
    assert pool.allocation_state.value == "steady"
    assert [error.code for error in pool.resize_errors] == [code]
    assert (pool.current_dedicated_nodes, pool.current_low_priority_nodes) == (0, 0)
    assert batch.get_task("job", "task").state.value == "active"
    service(azure, quotas=Quotas())
    batch.begin_resize_pool("pool", targets, polling_interval=0).result()
    assert batch.get_pool("pool").resize_errors is None
    assert batch.get_task("job", "task").state.value == "running"


def test_a_quota_that_is_reached_half_way_gives_what_there_is(azure: EmulatedAzure):
    batch = service(azure, quotas=Quotas(dedicated=11))
    batch.create_pool(pool_body(targetDedicatedNodes=5))
    pool = batch.get_pool("pool")
    assert (pool.current_dedicated_nodes, pool.target_dedicated_nodes) == (2, 5)
    assert [error.code for error in pool.resize_errors] == ["AccountCoreQuotaReached"]


def test_capacity_can_be_short(azure: EmulatedAzure, batch: Any):
    batch.create_pool(pool_body())
    azure.starve(ACCOUNT, "pool", "AllocationTimedout", most=1)
    batch.begin_resize_pool("pool", {"targetLowPriorityNodes": 3}, polling_interval=0).result()
    pool = batch.get_pool("pool")
    assert (pool.current_low_priority_nodes, pool.resize_errors[0].code) == (1, "AllocationTimedout")


def test_a_preempted_node_stays_and_its_tasks_wait_again(azure: EmulatedAzure, batch: Any):
    batch.create_pool(pool_body(targetLowPriorityNodes=1))
    batch.create_job(job_body())
    batch.create_task("job", task_body())
    assert batch.get_task("job", "task").state.value == "running"
    node = azure.preempt(ACCOUNT, "pool")
    task = batch.get_task("job", "task")
    assert (task.state.value, task.execution_info.requeue_count) == ("active", 1)
    assert batch.get_node("pool", node).state.value == "preempted"
    assert batch.get_pool("pool").current_low_priority_nodes == 1
    assert next(iter(batch.list_pool_node_counts())).low_priority.preempted == 1
    azure.restore(ACCOUNT, "pool")
    assert batch.get_task("job", "task").state.value == "running"
    with pytest.raises(LookupError):
        azure.restore(ACCOUNT, "pool")


def test_a_start_task_that_must_succeed_keeps_a_node_from_tasks(azure: EmulatedAzure, batch: Any):
    batch.create_pool(pool_body(startTask={"commandLine": "false", "waitForSuccess": True}))
    azure.spoil_start_task(ACCOUNT, "pool", 3)
    batch.begin_resize_pool("pool", {"targetDedicatedNodes": 1}, polling_interval=0).result()
    batch.create_job(job_body())
    batch.create_task("job", task_body())
    node = next(iter(batch.list_nodes("pool")))
    assert (node.state.value, node.start_task_info.exit_code) == ("starttaskfailed", 3)
    assert batch.get_task("job", "task").state.value == "active"


def test_what_may_change_changes_and_conditions_hold(batch: Any):
    batch.create_pool(pool_body(targetDedicatedNodes=1))
    before = batch.get_pool("pool")
    batch.update_pool("pool", {"metadata": [{"name": "a", "value": "b"}]})
    after = batch.get_pool("pool")
    assert (after.metadata[0].value, before.metadata, after.etag != before.etag) == ("b", None, True)
    assert (
        refusal(batch.update_pool, "pool", {"vmSize": "Standard_D2_v3"})[1]
        == "OperationInvalidForCurrentState"
    )
    with pytest.raises(ResourceModifiedError):
        batch.update_pool(
            "pool", {"metadata": []}, etag=before.etag, match_condition=MatchConditions.IfNotModified
        )
    assert batch.get_pool("pool").metadata[0].value == "b"


def test_properties_can_be_replaced(batch: Any):
    batch.create_pool(pool_body(startTask={"commandLine": "x"}, displayName="mine"))
    batch.replace_pool_properties(
        "pool", {"metadata": [{"name": "a", "value": "b"}], "applicationPackageReferences": []}
    )
    pool = batch.get_pool("pool")
    assert (pool.start_task, pool.metadata[0].name, pool.display_name) == (None, "a", "mine")


def test_images_are_those_that_pools_take(batch: Any):
    found = {
        (each.image_reference.sku, each.node_agent_sku_id): each for each in batch.list_supported_images()
    }
    assert found["2204", "batch.node.ubuntu 22.04"].batch_support_end_of_life.year == 2027
    assert found["2404", "batch.node.ubuntu 24.04"].capabilities == ["DockerCompatible"]
    assert found["server", "batch.node.ubuntu 24.04"].capabilities == []


@pytest.mark.parametrize(
    ("size", "cores", "family"),
    [
        ("Standard_D4ds_v5", 4, "standardDDSv5Family"),
        ("standard_e16d_v5", 16, "standardEDv5Family"),
        ("Standard_D3_v2", 4, "standardDv2Family"),
        ("STANDARD_D4_V3", 4, "standardDv3Family"),
        ("Standard_NC24ads_A100_v4", 24, "standardNCADSA100v4Family"),
        ("nonsense", 0, ""),
    ],
)
def test_a_size_tells_its_cores_and_family(size: str, cores: int, family: str):
    assert (sizes.cores(size), sizes.family(size)) == (cores, family)
