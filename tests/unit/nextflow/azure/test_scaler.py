"""The scaler's decisions."""

from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.formulas import Told
from shared.nextflow.azure.scaler import Load, Pool, decide, expects, is_due, least, nodes_for, noted, tell

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


def test_need_that_rose_is_taken_to_rise_on():
    assert decide(Load(waiting={16: 4}), POOL.but(low=16)).target == 7
    assert decide(Load(waiting={16: 4}), POOL.but(low=64)).target == 4
    assert decide(Load(waiting={16: 4}), POOL.but(low=99)).target == 4
    assert decide(Load(waiting={1: 8}), POOL.but(low=0)).target == 1  # beside those that are there
    assert decide(Load(waiting={1: 9}), POOL.but(low=0)).target == 2
    assert decide(Load(heads=3, head_slots=16), POOL.but(low=0)).target == 3  # heads do not follow on heads


def test_the_least_need_of_the_last_minutes():
    assert least((), 1000) == 0
    assert least(((900, 5),), 1000) == 0  # before that there was nothing
    assert least(((500, 5),), 1000) == 5
    assert least(((500, 5), (800, 2), (900, 7)), 1000) == 2
    assert noted(((100, 9), (500, 5), (800, 2)), 7, 1000) == ((500, 5), (800, 2), (1000, 7))
    assert noted(((500, 5),), 5, 1000) == ((500, 5),)


def test_nodes_on_which_tasks_run_are_not_sent_away():
    load = Load(running={1: 3}, occupied=3)
    found = tell(load, POOL.but(target=6), Told(floor=6, until=0), 1000.0)
    assert (found.floor, found.each) == (3, 16)
    assert is_due(found, Told(floor=6, until=0), load, POOL.but(target=6), 1000.0)


def test_what_was_asked_for_holds_until_its_time():
    before = Told(floor=5, until=1060, each=16, known=1900)
    assert tell(Load(), POOL.but(target=5), before, 1000.0).floor == 5
    assert not is_due(
        tell(Load(), POOL.but(target=5), before, 1000.0), before, Load(), POOL.but(target=5), 1000.0
    )
    assert tell(Load(), POOL.but(target=5), before, 1060.0).floor == 0


def test_half_of_what_runs_came_to_need_is_forgotten_with_each_launch():
    large = tell(Load(waiting={16: 8}, heads=2), POOL, Told(), 1000.0)
    assert large.expected == 4
    after = tell(Load(launched=1, heads=1), POOL.but(expected=4), large, 2000.0)
    assert (after.floor, after.until, after.expected) == (4, 2300, 2)


def test_a_pool_that_has_run_nothing_has_some_nodes_for_the_first_run():
    assert expects(Told(), 16) == expects(tell(Load(), POOL, Told(), 1000.0), 16) == 3
    assert expects(Told(), 4) == 12
    assert expects(Told(seen=((1, 1),)), 16) == 1
    assert expects(Told(seen=((1, 1),), expected=7), 16) == 7


def test_what_the_account_has_no_room_for_is_not_asked_for():
    found = decide(Load(waiting={16: 8}), POOL.but(room=3))
    assert (found.target, found.why) == (3, "tasks need 8 nodes, the account has room for 3")
    assert decide(Load(waiting={16: 8}), POOL.but(room=0, least=1)).target == 1


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
