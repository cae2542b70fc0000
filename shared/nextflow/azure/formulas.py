"""Autoscale formulas of Azure Batch: Nextflow's own, and ours. Pure.

The language knows tasks and no slots, so ours is told how many slots a task of this pool takes. Azure
evaluates a formula when it is set and then each interval, at least five minutes; what has to be faster than
that is the scaler's (`scaler`), which sets our formula anew with a floor that ends. Left alone it goes to the
least.
"""

import math

from shared.errors import Fault, Invalid
from shared.model.records import Model
from shared.nextflow.azure.pools import PoolSettings

LONGEST = 8192
"""Characters of a formula (learn.microsoft.com, "Autoscale compute nodes in an Azure Batch pool")."""
SHORTEST_INTERVAL, LONGEST_INTERVAL = 300.0, 168 * 3600.0
"""Seconds between two evaluations, from the same page."""
DEDICATED, LOW_PRIORITY = "$TargetDedicatedNodes", "$TargetLowPriorityNodes"

BUILT_IN = """\
lifespan = time() - time("{created}");
interval = TimeInterval_Minute * {interval};
$samples = $PendingTasks.GetSamplePercent(interval);
$tasks = $samples < 70 ? max(0, $PendingTasks.GetSample(1)) : \
max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(interval)));
$targetVMs = $tasks > 0 ? $tasks : max(0, $TargetDedicatedNodes/2);
targetPoolSize = max(0, min($targetVMs, {most}));
{target} = lifespan < interval ? {count} : targetPoolSize;
$NodeDeallocationOption = taskcompletion;
"""
OURS = """\
// Set by headnode: nodes for the slots that tasks take, and for those that Azure took back.
kept = TimeInterval_Minute * {linger};
$seen = $PendingTasks.GetSamplePercent(kept);
$tasks = $seen < 70 ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(kept));
$asked = time() < time("{until}") ? {floor} : 0;
$wanted = max($asked, ceil($tasks * {slots} / {per_node}));
$whole = $wanted > 0 ? $wanted{preempted} : 0;
{target} = max({least}, min({most}, $whole));
$NodeDeallocationOption = taskcompletion;
"""
PREEMPTED = " + max(0, $PreemptedNodeCount.GetSample(1))"


class Scaling(Model, frozen=True, kw_only=True):
    """How a pool scales: nodes, slots, and minutes for which nodes stay after their last task."""

    least: int = 0
    most: int
    slots_per_node: int
    slots_per_task: float = 1.0
    low_priority: bool = False
    linger: int = 5


def built_in(settings: PoolSettings, created: str) -> str:
    """What Nextflow sets for a pool that it makes at `created` (2026-11-20T08:00:00Z), comments aside. Its
    edges: a node for each task; the last interval's average; for low priority it halves the wrong variable,
    which is zero."""
    return BUILT_IN.format(
        created=created,
        interval=int(settings.interval // 60),
        most=settings.limit,
        count=settings.count,
        target=LOW_PRIORITY if settings.low_priority else DEDICATED,
    )


def ours(scaling: Scaling, floor: int = 0, until: str = "1970-01-01T00:00:00Z") -> str:
    """Our formula, which asks for at least `floor` nodes up to a time (UTC). Raises Invalid."""
    if found := faults(scaling):
        raise Invalid(*found)
    return OURS.format(
        linger=scaling.linger,
        until=until,
        floor=min(floor, scaling.most),
        slots=f"{scaling.slots_per_task:.4f}".rstrip("0").rstrip("."),
        per_node=scaling.slots_per_node,
        # A preempted node stays in the pool and counts against the target, but runs nothing.
        preempted=PREEMPTED if scaling.low_priority else "",
        target=LOW_PRIORITY if scaling.low_priority else DEDICATED,
        least=scaling.least,
        most=scaling.most,
    )


def faults(scaling: Scaling) -> tuple[Fault, ...]:
    """What cannot be of such a pool."""
    wrong = {
        Fault("maxVmCount", "is less than the least number of nodes"): scaling.most < scaling.least,
        Fault("maxVmCount", "needs at least one node"): scaling.most < 1,
        Fault("minVmCount", "cannot be negative"): scaling.least < 0,
        Fault("taskSlotsPerNode", "is between 1 and 256"): not 1 <= scaling.slots_per_node <= 256,
        Fault("requiredSlots", "of a task is more than a node has"): not math.isfinite(scaling.slots_per_task)
        or not 0 < scaling.slots_per_task <= scaling.slots_per_node,
        Fault("linger", "is at least the five minutes between evaluations"): scaling.linger < 5,
    }
    return tuple(fault for fault, is_so in wrong.items() if is_so)
