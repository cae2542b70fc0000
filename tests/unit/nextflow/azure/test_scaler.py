"""The scaler's decisions."""

from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.scaler import Load, Pool, decide, nodes_for

POOL = Pool(slots_per_node=16, target=0, most=10)
tasks = st.dictionaries(st.integers(1, 16), st.integers(0, 200), max_size=6)


def test_slots_are_counted_and_not_tasks():
    found = decide(Load(waiting={1: 10}), POOL)
    assert (found.target, found.needed, found.why) == (1, 1, "1 more node for what waits")
    assert decide(Load(waiting={3: 10}), POOL).target == 2


def test_what_runs_keeps_its_room():
    assert decide(Load(waiting={16: 1}, running={16: 2}), POOL.but(target=2)).target == 3
    assert decide(Load(waiting={1: 1}, running={15: 1}), POOL.but(target=1)).why == (
        "enough nodes are there or on their way"
    )


def test_it_never_shrinks_a_pool_and_never_passes_its_limit():
    assert decide(Load(), POOL.but(target=4)).target == 4
    found = decide(Load(waiting={16: 99}), POOL)
    assert found.target == 10 and found.cramped
    assert found.why == "tasks need 99 nodes, the pool has at most 10"
    assert decide(Load(), POOL.but(least=2)).target == 2


def test_preempted_nodes_are_no_room():
    assert decide(Load(waiting={16: 2}), POOL.but(target=2, preempted=2)).target == 4
    assert decide(Load(), POOL.but(preempted=2)).target == 0


def test_a_task_that_fits_nowhere_makes_no_node():
    found = decide(Load(waiting={17: 3, 256: 1}), POOL)
    assert (found.target, found.never) == (0, 4)
    assert (
        found.why == "enough nodes are there or on their way; 4 tasks need more than the 16 slots of a node"
    )


def test_a_launch_boots_nodes_before_its_tasks_are_there():
    found = decide(Load(waiting={16: 1}, launched=2), POOL.but(expected=3))
    assert found.target == 7
    assert decide(Load(launched=1), POOL).why == "1 more node for what will come"
    assert decide(Load(launched=1, waiting={}), POOL.but(preempted=1, expected=2)).target == 3


def test_spare_room():
    assert decide(Load(waiting={16: 4}), POOL.but(spare=0.25)).target == 5


def first_fit(wanted: dict[int, int], room: int) -> int:
    """The same packing, task by task."""
    nodes: list[int] = []
    for slots in sorted((each for each, count in wanted.items() for _ in range(count)), reverse=True):
        fits = [at for at, free in enumerate(nodes) if free >= slots]
        if fits:
            nodes[min(fits, key=lambda at: nodes[at])] -= slots
        else:
            nodes.append(room - slots)
    return len(nodes)


@given(wanted=tasks)
def test_packing_by_kinds_is_packing_task_by_task(wanted):
    assert nodes_for(wanted, 16) == first_fit(wanted, 16)


@given(waiting=tasks, running=tasks, target=st.integers(0, 10), preempted=st.integers(0, 5))
def test_a_decision_is_within_its_bounds(waiting, running, target, preempted):
    found = decide(Load(waiting=waiting, running=running), POOL.but(target=target, preempted=preempted))
    slots = sum(each * count for both in (waiting, running) for each, count in both.items())
    assert target <= found.target <= POOL.most
    assert found.cramped or found.target * 16 >= slots
    if target + preempted <= POOL.most and not found.cramped:
        assert found.target >= min(POOL.most, found.needed + (preempted if slots else 0))
    assert found.needed * 16 >= slots
    assert (
        decide(Load(waiting=waiting, running=running), POOL.but(target=found.target)).target >= found.target
    )
