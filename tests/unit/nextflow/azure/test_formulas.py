"""Formulas, computed by the emulated service's own evaluator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clouds.azure.batch.formula import grammar
from local.clouds.azure.batch.formula.evaluating import evaluate
from shared.errors import Invalid
from shared.nextflow.azure.formulas import LONGEST, Scaling, Told, built_in, ours
from shared.nextflow.azure.pools import PoolSettings
from tests.clock import FakeClock
from tests.unit.clouds.azure.test_batch_formulas import Past

NOW = FakeClock().now()
"""2027-01-15T08:00:00Z"""
OLD, FRESH = "2027-01-15T07:00:00Z", "2027-01-15T07:59:00Z"
LATER = NOW + 300
DEDICATED, LOW = "$TargetDedicatedNodes", "$TargetLowPriorityNodes"


def nodes(text, pending, *, preempted=0.0, dedicated=0.0, low=0.0, of=DEDICATED):
    past = Past({"$PendingTasks": pending, "$PreemptedNodeCount": [preempted]})
    found = evaluate(text, NOW, past, {DEDICATED: dedicated, LOW: low})
    assert found["$NodeDeallocationOption"] == "taskcompletion"
    other = LOW if of == DEDICATED else DEDICATED
    assert found[other] == {DEDICATED: dedicated, LOW: low}[other]
    return found[of]


def test_nextflows_own():
    text = built_in(PoolSettings(count=3, most=10), OLD)
    assert nodes(text, [0.0] * 9 + [4.0]) == 4
    assert nodes(text, [50.0] * 10) == 10
    assert nodes(text, [0.0] * 10, dedicated=8.0) == 4
    assert nodes(built_in(PoolSettings(count=3, most=10), FRESH), [0.0] * 10) == 3
    assert "TimeInterval_Minute * 10;" in built_in(PoolSettings(interval=600.0), OLD)


def test_its_edges_which_ours_has_not():
    low = built_in(PoolSettings(most=10, low_priority=True), OLD)
    assert nodes(low, [0.0] * 10, low=8.0, of=LOW) == 0  # halves a variable that is zero
    assert nodes(built_in(PoolSettings(most=99), OLD), [10.0] * 10) == 10  # for tasks of which 16 fit on one
    scaling = Scaling(most=99, slots_per_node=16)
    assert nodes(ours(scaling), [10.0] * 10) == 1
    spot = scaling.but(low_priority=True)
    assert nodes(ours(spot), [*[0.0] * 7, 160.0, 0.0, 0.0], low=10.0, of=LOW) == 10  # for two minutes
    assert nodes(ours(spot), [160.0] * 10, preempted=2.0, of=LOW) == 12


def test_ours_at_its_bounds():
    scaling = Scaling(least=1, most=5, slots_per_node=4, slots_per_task=2)
    assert nodes(ours(scaling), [0.0] * 10) == 1
    assert nodes(ours(scaling), [1000.0] * 10) == 5
    assert nodes(ours(scaling), [3.0] * 10) == 2
    assert nodes(ours(scaling), [3.0]) == 2  # too few samples
    assert nodes(ours(scaling, Told(floor=4, until=LATER)), [0.0] * 10) == 4
    assert nodes(ours(scaling, Told(floor=9, until=LATER)), [0.0] * 10) == 5
    assert nodes(ours(scaling, Told(floor=4, until=NOW - 1)), [0.0] * 10) == 1  # the floor has ended
    assert nodes(ours(scaling, Told(each=4, known=LATER)), [3.0] * 10) == 3
    assert nodes(ours(scaling, Told(each=4, known=NOW - 1)), [3.0] * 10) == 2  # nobody knows any more
    assert nodes(ours(scaling, Told(each=4, stuck=2, known=LATER)), [3.0] * 10) == 1
    assert nodes(ours(scaling, Told(each=4, limit=2, known=LATER)), [3.0] * 10) == 2
    assert nodes(ours(scaling, Told(each=4, limit=0, known=LATER)), [3.0] * 10) == 1
    assert nodes(ours(scaling.but(least=0, low_priority=True)), [0.0] * 10, preempted=3.0, of=LOW) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"most": 0},
        {"least": 6},
        {"least": -1},
        {"slots_per_node": 0},
        {"slots_per_node": 257},
        {"slots_per_task": 5},
        {"slots_per_task": 0},
        {"slots_per_task": float("nan")},
        {"linger": 1},
    ],
)
def test_what_no_pool_can_be(wrong):
    with pytest.raises(Invalid):
        ours(Scaling(most=5, slots_per_node=4).but(**wrong))


@given(
    least=st.integers(0, 5),
    more=st.integers(1, 100),
    per_node=st.integers(1, 256),
    share=st.floats(0.004, 1),
    pending=st.lists(st.floats(0, 1e5), min_size=1, max_size=40),
    preempted=st.integers(0, 50),
    floor=st.integers(0, 200),
    stuck=st.integers(0, 5),
    low=st.booleans(),
)
def test_ours_keeps_its_bounds_and_holds_the_tasks(
    least, more, per_node, share, pending, preempted, floor, stuck, low
):
    scaling = Scaling(
        least=least,
        most=least + more,
        slots_per_node=per_node,
        slots_per_task=max(0.01, round(per_node * share, 2)) if per_node * share <= per_node else per_node,
        low_priority=low,
    )
    told = Told(floor=floor, until=LATER, each=scaling.slots_per_task, stuck=stuck, known=LATER)
    text = ours(scaling, told)
    assert len(text) < LONGEST
    assert len(grammar.read(text)) < 100
    found = nodes(text, pending, preempted=float(preempted), of=LOW if low else DEDICATED)
    assert scaling.least <= found <= scaling.most
    assert found >= min(scaling.most, floor)
    fitting = max(0, pending[-1] - stuck)
    assert found * per_node >= min(fitting * scaling.slots_per_task, scaling.most * per_node) - 1e-3
