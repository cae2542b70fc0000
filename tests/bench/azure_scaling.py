"""Nextflow on Azure: choosing a VM, computing a formula, and the scaler beside the built-in formula on the
same traces (`tests.scaling`)."""

import time
from collections.abc import Callable, Iterator

from local.clouds.azure.batch.formula.evaluating import evaluate
from shared.nextflow.azure import catalogue, formulas, selection
from tests.bench.figures import Figure
from tests.scaling.simulator import Outcome, Simulation
from tests.scaling.traces import traces
from tests.scaling.ways import BuiltIn, Ours, Past

SEEDS = range(901, 909)
"""Days that nothing was tuned on."""
SLOTS, MOST = (16, 4), 50
ROUNDS = 20


def figures() -> Iterator[Figure]:
    """Milliseconds, the least of several rounds; then node-hours and waiting as shares of the built-in's."""
    sizes = catalogue.sizes("westeurope")
    request = selection.Request(cpus=3, memory=12 << 30, disk=50 << 30, families="")
    how = f"{len(sizes)} sizes, cpus, memory and disk, any family"
    yield Figure("azure: VM selection", least(lambda: selection.pick(request, sizes)), 2, "ms", how)
    yield Figure("azure: formula evaluation", least(formula()), 1, "ms", "our formula, an hour of samples")
    for slots in SLOTS:
        for name, (theirs, mine) in outcomes(slots, MOST).items():
            yield from compared(f"{name}, nodes of {slots} slots", theirs, mine)


def compared(name: str, theirs: list[Outcome], mine: list[Outcome]) -> Iterator[Figure]:
    """Node-hours and the waiting of tasks, all of it, boots too."""
    hours, our_hours = (sum(each.node_hours for each in day) for day in (theirs, mine))
    wait, our_wait = (
        sum(sum(each.waits) for each in day) / sum(len(each.waits) for each in day) for day in (theirs, mine)
    )
    how = f"{our_hours:.0f} h over {hours:.0f} h of the built-in formula, {len(theirs)} days"
    yield Figure(f"azure: scaler, {name}: node-hours", our_hours / hours, 1, "x", how)
    how = f"{our_wait:.1f} s over {wait:.1f} s for a task, nodes' boot included"
    yield Figure(f"azure: scaler, {name}: waiting", our_wait / wait, 0.1, "x", how)


def outcomes(slots: int, most: int) -> dict[str, tuple[list[Outcome], list[Outcome]]]:
    """Family -> days under the built-in formula, the same days under ours."""
    found: dict[str, tuple[list[Outcome], list[Outcome]]] = {}
    for seed in SEEDS:
        for trace in traces(seed * 10):
            scaling = formulas.Scaling(most=most, slots_per_node=slots, low_priority=trace.spot)
            theirs, mine = found.setdefault(trace.name, ([], []))
            theirs.append(Simulation(trace, BuiltIn(most, trace.spot), slots, most, seed).run())
            mine.append(Simulation(trace, Ours(scaling), slots, most, seed).run())
    return found


def formula() -> Callable[[], object]:
    """One evaluation of our formula."""
    scaling = formulas.Scaling(most=MOST, slots_per_node=SLOTS[0], low_priority=True, linger=60)
    now = 1_800_000_000.0
    text = formulas.ours(scaling, formulas.Told(floor=3, until=now, each=1.5, known=now + 600))
    past = Past({"$PendingTasks": [float(at % 7) for at in range(120)], "$PreemptedNodeCount": [1.0]})
    targets = {formulas.DEDICATED: 0.0, formulas.LOW_PRIORITY: 2.0}
    return lambda: evaluate(text, now, past, targets)


def least(act: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return min(found) * 1000
