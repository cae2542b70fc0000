"""The simulated pool, and what the scaler gains on it."""

from dataclasses import replace

import pytest

from shared.nextflow.azure.formulas import Scaling
from tests.scaling.simulator import BOOT, Simulation
from tests.scaling.traces import Task, Trace, traces
from tests.scaling.ways import BuiltIn, Ours

SLOTS, MOST = 16, 50


def built_in(trace: Trace, most: int = MOST):
    return Simulation(trace, BuiltIn(most, trace.spot), SLOTS, most, 1).run()


def ours(trace: Trace, most: int = MOST, **more):
    scaling = Scaling(most=most, slots_per_node=SLOTS, low_priority=trace.spot, **more)
    return Simulation(trace, Ours(scaling, rising=False), SLOTS, most, 1).run()


def single(*tasks: Task) -> Trace:
    return Trace("one", tasks, ())


def test_a_task_waits_for_the_evaluation_and_the_boot_or_for_the_boot():
    trace = single(Task(10, 1, 60))
    assert built_in(trace).waits == (290 + BOOT,)
    assert ours(trace).waits == (5 + BOOT,)


def test_a_node_for_each_task_or_for_all_that_fit():
    trace = single(*(Task(10, 1, 600) for _ in range(16)))
    assert built_in(trace).most_nodes == 16
    assert ours(trace).most_nodes == 1


def test_the_limit_holds_and_everything_runs():
    trace = single(*(Task(10, 16, 60) for _ in range(9)))
    for way in (built_in, ours):
        found = way(trace, 2)
        assert found.most_nodes == 2
        assert len(found.waits) == 9


def test_a_task_waits_for_the_one_before():
    trace = single(Task(0, 1, 60), Task(0, 1, 60, after=0))
    assert ours(trace).waits[1] == 0


def test_the_same_seed_is_the_same_day():
    trace = traces(3)[2]
    assert trace.spot
    assert ours(trace) == ours(trace)
    assert traces(3) == traces(3) != traces(4)


@pytest.mark.parametrize("trace", traces(3), ids=lambda each: each.name)
def test_fewer_node_hours_on_every_family(trace):
    assert ours(trace).node_hours < 0.7 * built_in(trace).node_hours


def test_preemption_costs_both_ways_their_tasks():
    trace = replace(traces(3)[2], preempted_per_hour=3.0)
    calm = replace(trace, preempted_per_hour=1e-9)
    assert sum(ours(trace).waits) > sum(ours(calm).waits)
    assert sum(built_in(trace).waits) > sum(built_in(calm).waits)
