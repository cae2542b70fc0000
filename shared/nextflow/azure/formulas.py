"""Autoscale formulas of Azure Batch: Nextflow's own, and ours. Pure.

The language knows tasks and no slots, so ours is told how many slots a task of this pool takes. Azure
evaluates a formula when it is set and then each interval, at least five minutes; what has to be faster than
that is the scaler's (`scaler`), which sets our formula anew with what it knows. All of that ends with a time:
left alone the formula gives each task the room that is safe without any knowledge, and goes to the least.
"""

import math
import re
from datetime import UTC, datetime

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
// needed: {seen}
expected = {expected};
kept = TimeInterval_Minute * {linger};
fresh = time() < time("{known}");
$seen = $PendingTasks.GetSamplePercent(kept);
$tasks = $seen < 70 ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(kept));
$fitting = max(0, $tasks - (fresh ? {stuck} : 0));
$asked = time() < time("{until}") ? {floor} : 0;
$wanted = max($asked, ceil($fitting * (fresh ? {each} : {slots}) / {per_node}));
$whole = $wanted > 0 ? $wanted{preempted} : 0;
{target} = max({least}, min(fresh ? {limit} : {most}, $whole));
$NodeDeallocationOption = taskcompletion;
"""
PREEMPTED = " + max(0, $PreemptedNodeCount.GetSample(1))"
READ = re.compile(
    r"// needed: (?P<seen>[\d= ]*)\nexpected = (?P<expected>\d+);"
    r".*fresh = time\(\) < time\(\"(?P<known>[^\"]+)\"\);"
    r".*fresh \? (?P<stuck>\d+) : 0\)\);"
    r"\s*\$asked = time\(\) < time\(\"(?P<until>[^\"]+)\"\) \? (?P<floor>\d+) : 0;"
    r".*\(fresh \? (?P<each>[\d.]+) : .*min\(fresh \? (?P<limit>\d+) : ",
    re.DOTALL,
)
"""What a formula of ours was told."""
STAMP = "%Y-%m-%dT%H:%M:%SZ"


class Scaling(Model, frozen=True, kw_only=True):
    """How a pool scales: nodes, slots, and minutes for which nodes stay after their last task.
    `slots_per_task` is what a task takes of which nothing is known."""

    least: int = 0
    most: int
    slots_per_node: int
    slots_per_task: float = 1.0
    low_priority: bool = False
    linger: int = 2
    """A node that is kept idle for as long as a new one boots costs no more than that one would."""


class Told(Model, frozen=True, kw_only=True):
    """What a formula is told by whoever has seen the tasks. Times in epoch seconds."""

    floor: int = 0
    """Nodes at the least, until `until`."""
    until: float = 0.0
    each: float = 0.0
    """Slots that a task takes, with what no other can use beside it, until `known`."""
    stuck: int = 0
    """Tasks that fit on no node: none is made for them until `known`."""
    limit: int | None = None
    """Nodes that the account has room for, until `known`; None where that is not known."""
    known: float = 0.0
    seen: tuple[tuple[int, int], ...] = ()
    """When tasks came to take so many slots, the oldest first. The formula makes no use of it, nor of
    `expected`: whoever looks next finds it here."""
    expected: int = 0
    """Nodes that a run came to need."""


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


def ours(scaling: Scaling, told: Told = Told()) -> str:
    """Our formula with what is known now. Raises Invalid."""
    if found := faults(scaling):
        raise Invalid(*found)
    return OURS.format(
        seen=" ".join(f"{at}={nodes}" for at, nodes in told.seen),
        expected=told.expected,
        linger=scaling.linger,
        known=stamp(told.known),
        stuck=told.stuck,
        until=stamp(told.until),
        floor=min(told.floor, scaling.most),
        each=figure(told.each),
        slots=figure(scaling.slots_per_task),
        per_node=scaling.slots_per_node,
        # A preempted node stays in the pool and counts against the target, but runs nothing.
        preempted=PREEMPTED if scaling.low_priority else "",
        target=LOW_PRIORITY if scaling.low_priority else DEDICATED,
        least=scaling.least,
        most=scaling.most,
        limit=scaling.most if told.limit is None else max(scaling.least, min(told.limit, scaling.most)),
    )


def told(text: str) -> Told:
    """What a formula was told; nothing where it is not one of ours."""
    found = READ.search(text)
    if found is None:
        return Told()
    return Told(
        floor=int(found["floor"]),
        until=moment(found["until"]),
        each=float(found["each"]),
        stuck=int(found["stuck"]),
        limit=int(found["limit"]),
        known=moment(found["known"]),
        seen=tuple((int(at), int(nodes)) for at, nodes in re.findall(r"(\d+)=(\d+)", found["seen"])),
        expected=int(found["expected"]),
    )


def stamp(at: float) -> str:
    """A time as formulas have it, in UTC, in whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).strftime(STAMP)


def moment(text: str) -> float:
    """The inverse of `stamp`."""
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC).timestamp()


def figure(value: float) -> str:
    """A number with four places at the most. Rounded down: the formula rounds whole nodes up."""
    return f"{math.floor(value * 10_000 + 1e-6) / 10_000:.4f}".rstrip("0").rstrip(".")


def faults(scaling: Scaling) -> tuple[Fault, ...]:
    """What cannot be of such a pool."""
    wrong = {
        Fault("maxVmCount", "is less than the least number of nodes"): scaling.most < scaling.least,
        Fault("maxVmCount", "needs at least one node"): scaling.most < 1,
        Fault("minVmCount", "cannot be negative"): scaling.least < 0,
        Fault("taskSlotsPerNode", "is between 1 and 256"): not 1 <= scaling.slots_per_node <= 256,
        Fault("requiredSlots", "of a task is more than a node has"): not math.isfinite(scaling.slots_per_task)
        or not 0 < scaling.slots_per_task <= scaling.slots_per_node,
        Fault("linger", "is at least the two minutes in which a metric has four samples"): scaling.linger < 2,
    }
    return tuple(fault for fault, is_so in wrong.items() if is_so)
