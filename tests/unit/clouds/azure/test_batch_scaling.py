"""Pools of the emulated Batch that a formula scales."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch import allocation
from local.clouds.azure.batch.models import Quotas
from local.clouds.azure.batch.spans import stamp
from local.clouds.azure.timings import TYPICAL
from tests.clock import FakeClock
from tests.unit.clouds.azure.batch import ACCOUNT, begin, job_body, pool_body, refusal, service, task_body
from tests.unit.clouds.azure.test_batch_formulas import DEFAULT


@pytest.fixture
def batch(azure: EmulatedAzure) -> Any:
    return service(azure)


def scaled(formula: str = "$TargetDedicatedNodes=1", interval: str = "PT5M", **more: Any) -> dict[str, Any]:
    settings = {"autoScaleFormula": formula, "autoScaleEvaluationInterval": interval}
    return pool_body(enableAutoScale=True, **settings, **more)


def size(batch: Any) -> tuple[int, int]:
    pool = batch.get_pool("pool")
    return pool.current_dedicated_nodes, pool.current_low_priority_nodes


def test_a_pool_follows_the_formula_of_nextflow(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    batch.create_pool(scaled(DEFAULT.replace("{created}", stamp(azure_clock.now()))))
    assert size(batch) == (1, 0)
    batch.create_job(job_body())
    azure_clock.advance(10)
    for number in range(9):
        batch.create_task("job", task_body(f"t{number}"))
    assert size(batch) == (1, 0)  # the next look is not before its time
    azure_clock.advance(289)
    assert size(batch) == (1, 0)
    azure_clock.advance(1)
    assert size(batch) == (4, 0)
    assert sorted(node.running_tasks_count for node in batch.list_nodes("pool")) == [0, 1, 4, 4]
    azure_clock.advance(240)
    for number in range(9):
        azure.end_task(ACCOUNT, "job", f"t{number}")
    azure_clock.advance(60)
    assert size(batch) == (4, 0)  # the average of the interval still counts them
    for nodes in (2, 1, 0):
        azure_clock.advance(300)
        assert size(batch) == (nodes, 0)


def test_a_long_silence_is_caught_up_interval_by_interval(azure_clock: FakeClock, batch: Any):
    batch.create_pool(scaled("$TargetDedicatedNodes = $TargetDedicatedNodes + 1", "PT10M"))
    azure_clock.advance(3600)
    assert size(batch) == (7, 0)
    run = batch.get_pool("pool").auto_scale_run
    assert run.timestamp.timestamp() == pytest.approx(azure_clock.now())
    assert "$TargetDedicatedNodes=7" in run.results


def test_a_formula_that_fails_changes_nothing_and_says_so(azure_clock: FakeClock, batch: Any):
    batch.create_pool(scaled("$TargetLowPriorityNodes = 2"))
    assert size(batch) == (0, 2)
    azure_clock.advance(31)
    batch.enable_pool_auto_scale("pool", {"autoScaleFormula": "$TargetLowPriorityNodes = 1/0"})
    pool = batch.get_pool("pool")
    assert pool.auto_scale_run.error.code == "AutoScalingFormulaEvaluationError"
    assert size(batch) == (0, 2)


def test_autoscale_is_enabled_once_in_thirty_seconds(azure_clock: FakeClock, batch: Any):
    batch.create_pool(pool_body())
    batch.get_pool("pool")
    formula = {"autoScaleFormula": "$TargetDedicatedNodes=1", "autoScaleEvaluationInterval": "PT5M"}
    batch.enable_pool_auto_scale("pool", formula)
    assert size(batch) == (1, 0)
    again = {"autoScaleFormula": "$TargetDedicatedNodes=3"}
    enable = batch.enable_pool_auto_scale
    assert refusal(enable, "pool", again) == (503, "TooManyEnableAutoScaleRequests")
    azure_clock.advance(30)
    enable("pool", again)
    assert size(batch) == (3, 0)
    assert refusal(begin, batch, "resize_pool", "pool", {"targetDedicatedNodes": 0})[0] == 409
    batch.disable_pool_auto_scale("pool")
    azure_clock.advance(3600)
    assert (size(batch), batch.get_pool("pool").enable_auto_scale) == ((3, 0), False)
    begin(batch, "resize_pool", "pool", {"targetDedicatedNodes": 0})
    assert size(batch) == (0, 0)


def test_a_formula_can_be_tried_out(batch: Any):
    batch.create_pool(scaled())
    found = batch.evaluate_pool_auto_scale("pool", {"autoScaleFormula": "$TargetDedicatedNodes = 2; x = 3"})
    assert (
        found.results
        == "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;x=3"
    )
    wrong = batch.evaluate_pool_auto_scale("pool", {"autoScaleFormula": "$TargetDedicatedNodes = y"})
    assert (wrong.error.code, wrong.results) == ("AutoScalingFormulaEvaluationError", None)
    unreadable = {"autoScaleFormula": "$TargetDedicatedNodes = "}
    assert refusal(batch.evaluate_pool_auto_scale, "pool", unreadable) == (
        400,
        "AutoScalingFormulaSyntaxError",
    )
    assert size(batch) == (1, 0)
    batch.create_pool(pool_body("fixed"))
    assert refusal(batch.evaluate_pool_auto_scale, "fixed", {"autoScaleFormula": "x=1"})[0] == 409


@pytest.mark.parametrize("interval", ["PT4M", "P8D", "often"])
def test_an_interval_has_its_limits(batch: Any, interval: str):
    assert refusal(batch.create_pool, scaled(interval=interval)) == (400, "InvalidPropertyValue")


def test_preempted_nodes_can_be_counted(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    batch.create_pool(scaled("$TargetLowPriorityNodes = 2 + max(0, $PreemptedNodeCount.GetSample(1))"))
    assert size(batch) == (0, 2)
    azure_clock.advance(10)
    azure.preempt(ACCOUNT, "pool")
    azure_clock.advance(290)
    assert size(batch) == (0, 3)


def test_tasks_finish_before_their_nodes_go(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    text = f'$TargetDedicatedNodes = time() < time("{stamp(azure_clock.now() + 240)}") ? 2 : 0;'
    batch.create_pool(scaled(f"{text} $NodeDeallocationOption = taskcompletion"))
    batch.create_job(job_body())
    batch.create_task("job", task_body())
    assert size(batch) == (2, 0)
    azure_clock.advance(300)
    assert size(batch) == (1, 0)
    assert batch.get_task("job", "task").state.value == "running"
    azure.end_task(ACCOUNT, "job", "task")
    assert size(batch) == (0, 0)


def test_want_of_cores_is_seen_at_every_interval(azure: EmulatedAzure, azure_clock: FakeClock):
    batch = service(azure, quotas=Quotas(dedicated=4))
    batch.create_pool(scaled("$TargetDedicatedNodes = 2"))
    assert batch.get_pool("pool").resize_errors[0].code == "AccountCoreQuotaReached"
    service(azure, quotas=Quotas(dedicated=8))
    azure_clock.advance(300)
    assert (size(batch), batch.get_pool("pool").resize_errors) == ((2, 0), None)


def test_a_resize_that_takes_long_is_not_begun_anew(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    azure.timings.transitions = {allocation.RESIZE: 400}
    batch.create_pool(scaled("$TargetDedicatedNodes = 2"))
    azure_clock.advance(399)
    assert size(batch) == (0, 0)
    azure_clock.advance(1)
    assert size(batch) == (2, 0)


def test_a_cloud_that_takes_its_time_comes_to_the_same_end(
    azure: EmulatedAzure, azure_clock: FakeClock, batch: Any
):
    azure.timings.transitions = dict(TYPICAL)
    batch.create_pool(scaled("$TargetDedicatedNodes = 1"))
    batch.create_job(job_body())
    batch.create_task("job", task_body())
    seen = []
    for seconds in (0, 60, 90, 2):
        azure_clock.advance(seconds)
        seen.append(
            (batch.get_pool("pool").allocation_state.value, batch.get_task("job", "task").state.value)
        )
    assert seen == [
        ("resizing", "active"),
        ("steady", "active"),
        ("steady", "preparing"),
        ("steady", "running"),
    ]
