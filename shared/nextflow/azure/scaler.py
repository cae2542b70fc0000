"""How many nodes a pool needs for the tasks it has. Pure.

Asked when runs are launched, when tasks are submitted, and with each tick of the timer. Nodes come at once,
and leave by the formula: once what was asked for has run out, and their tasks are through.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from shared.model.records import Model
from shared.nextflow.azure.formulas import Told

HELD = 60.0
"""Seconds for which nodes are kept that nothing needs any more: until the next look. The formula then keeps
those that the last two minutes needed."""
RISING = 240.0
"""Seconds over which need is watched: what it rose by is taken to come once more. Twice as long as a node
boots, since what is asked for now serves what is submitted then."""
FIRST = 48
"""Slots for the tasks of the first run of a pool, of which nothing is known: a task or two of some dozens of
samples. Once for a pool; what its runs came to need is known from then on."""
LAUNCHED = 300.0
"""Seconds for which nodes are kept for a run that was launched: its head boots, and Nextflow starts."""
TRUSTED = 900.0
"""Seconds for which a formula goes by what tasks were seen to take. Nobody may look again: then each gets a
node of its own, which serves them all, whatever they are."""


class Load(Model, frozen=True, kw_only=True):
    """Tasks by the slots that each takes: {slots: how many}."""

    waiting: Mapping[int, int] = {}
    running: Mapping[int, int] = {}
    launched: int = 0
    """Runs that were launched just now, whose heads boot: their tasks are minutes away."""
    heads: int = 0
    """Head jobs that are not over."""
    head_slots: int = 0
    """What each of them takes of this pool; 0 where they are on another."""
    occupied: int = 0
    """Nodes on which tasks run. To send one away would save nothing before they are through, and what is left
    of its slots would be lost."""

    @property
    def tasks(self) -> Mapping[int, int]:
        """Tasks that wait or run, without head jobs."""
        found = Counter(self.waiting)
        found.update(self.running)
        return {slots: count for slots, count in found.items() if count > 0}

    @property
    def everything(self) -> Mapping[int, int]:
        """All that takes slots."""
        found = Counter(self.tasks)
        if self.head_slots:
            found[self.head_slots] += self.heads
        return {slots: count for slots, count in found.items() if count > 0}


class Pool(Model, frozen=True, kw_only=True):
    """A pool as it is. `target` counts also nodes that boot, and those that Azure took back (`preempted`)."""

    slots_per_node: int
    target: int
    preempted: int = 0
    least: int = 0
    most: int
    room: int | None = None
    """Nodes that the account's quota lets it have, where that is known."""
    low: int | None = None
    """The fewest slots that tasks took lately; None where that is not to be gone by."""
    expected: int = 1
    """Nodes that a run came to need before; they boot while a new run's head does."""

    @property
    def limit(self) -> int:
        """The most nodes that it can get."""
        return self.most if self.room is None else min(self.most, max(self.room, self.least))


class Decision(Model, frozen=True, kw_only=True):
    """`wanted` nodes that take tasks, within the pool's bounds; `target` counts also those that Azure took
    back, and is never below the present one. `never` counts tasks that fit on no node, however many there
    are."""

    target: int
    wanted: int
    needed: int
    never: int
    why: str

    @property
    def cramped(self) -> bool:
        """Whether the pool's limit leaves tasks waiting."""
        return self.target < self.needed


def decide(load: Load, pool: Pool) -> Decision:
    """The nodes for everything that waits and runs and will come with a launch, within the pool's bounds."""
    never = sum(count for slots, count in load.everything.items() if slots > pool.slots_per_node)
    needed = nodes_for(fitting(load.everything, pool), pool.slots_per_node)
    nodes = max(needed + rise(load, pool) + load.launched * pool.expected, load.occupied)
    wanted = max(pool.least, min(nodes, pool.limit))
    # What Azure took back counts against the target, and runs nothing.
    whole = min(wanted + pool.preempted, max(pool.limit, wanted)) if nodes else wanted
    target = max(pool.target, whole)
    why = _why(needed, never, target, pool)
    return Decision(target=target, wanted=wanted, needed=needed, never=never, why=why)


def rise(load: Load, pool: Pool) -> int:
    """Nodes beyond the need for what it rose by lately, which is taken to come once more: what has no room
    beside the tasks that are there."""
    if pool.low is None:
        return 0
    everything = fitting(load.everything, pool)
    free = nodes_for(everything, pool.slots_per_node) * pool.slots_per_node - slots_of(everything)
    return math.ceil(max(0, slots_of(fitting(load.tasks, pool)) - pool.low - free) / pool.slots_per_node)


def slots_of(tasks: Mapping[int, int]) -> int:
    """The slots that tasks take."""
    return sum(slots * count for slots, count in tasks.items())


def expects(told: Told, slots_per_node: int) -> int:
    """Nodes that the tasks of a run that is launched are taken to need."""
    return max(1, told.expected) if told.seen else math.ceil(FIRST / slots_per_node)


def least(seen: Sequence[tuple[int, int]], now: float) -> int:
    """The fewest slots that were needed lately; none before the first that are known."""
    old = [slots for at, slots in seen if at <= now - RISING]
    return min([old[-1] if old else 0, *(slots for at, slots in seen if at > now - RISING)])


def noted(seen: Sequence[tuple[int, int]], slots: int, now: float) -> tuple[tuple[int, int], ...]:
    """What was needed when, with what is needed now, as far as it will be asked for."""
    if slots == (seen[-1][1] if seen else 0):
        return tuple(seen)
    old = [each for each in seen if each[0] <= now - RISING]
    return (*old[-1:], *(each for each in seen if each[0] > now - RISING), (int(now), slots))


def fitting(tasks: Mapping[int, int], pool: Pool) -> Mapping[int, int]:
    """Those of the tasks that a node has room for."""
    return {slots: count for slots, count in tasks.items() if 0 < slots <= pool.slots_per_node}


def tell(load: Load, pool: Pool, before: Told, now: float) -> Told:
    """What the pool's formula is to be told: nodes now, and what to think of tasks until somebody looks
    again. The floor that it was told `before` holds until its time, unless more is needed."""
    found = decide(load, pool)
    floor, until = found.wanted, now + (LAUNCHED if load.launched else HELD)
    if before.until > now and before.floor >= floor:
        floor, until = (
            min(before.floor, max(pool.limit, floor)),
            max(before.until, until * bool(load.launched)),
        )
    tasks = sum(fitting(load.everything, pool).values())
    own = fitting(load.tasks, pool)
    of_run = math.ceil(nodes_for(own, pool.slots_per_node) / max(1, load.heads))
    return Told(
        floor=floor,
        until=until,
        each=max(found.needed, load.occupied) * pool.slots_per_node / tasks if tasks else before.each,
        stuck=found.never,
        limit=pool.room,
        known=now + TRUSTED if load.everything else before.known,
        seen=noted(before.seen, slots_of(own), now),
        # Half of it is forgotten with each launch, so that one large run does not count for ever.
        expected=max(of_run, pool.expected // 2 if load.launched else before.expected),
    )


def is_due(told: Told, before: Told, load: Load, pool: Pool, now: float) -> bool:
    """Whether a formula that was told `before` is to be set anew: it asks for fewer nodes than are needed,
    for more, or goes by what is not so any more."""
    whole = told.floor + (pool.preempted if told.floor else 0)
    if pool.target < min(whole, pool.limit) or told.expected > before.expected:
        return True
    if pool.target > max(whole, pool.least) and before.until <= now:
        return True
    if not load.everything:
        return False
    tasks = fitting(load.everything, pool)
    needed = max(nodes_for(tasks, pool.slots_per_node), load.occupied)
    thought = math.ceil(sum(tasks.values()) * before.each / pool.slots_per_node - 1e-3)
    return (before.stuck, thought) != (told.stuck, needed) or before.known - now < TRUSTED / 2


def nodes_for(tasks: Mapping[int, int], slots_per_node: int) -> int:
    """Nodes on which all of these tasks run at once: the largest first, each where the least is left over."""
    nodes, free = 0, Counter[int]()
    for slots, count in sorted(tasks.items(), reverse=True):
        left = count
        for room in sorted(each for each, many in free.items() if many and each >= slots):
            left = _fill(free, room, slots, left)
        each = slots_per_node // slots
        full, rest = divmod(left, each)
        nodes += full + (rest > 0)
        free[slots_per_node - each * slots] += full
        if rest:
            free[slots_per_node - rest * slots] += 1
    return nodes


def _fill(free: Counter[int], room: int, slots: int, left: int) -> int:
    """Puts tasks where there is room for them; returns how many are left."""
    each = room // slots
    full = min(free[room], left // each)
    free[room] -= full
    free[room - each * slots] += full
    left -= full * each
    if left and left < each and free[room]:
        free[room] -= 1
        free[room - left * slots] += 1
        return 0
    return left


def _why(needed: int, never: int, target: int, pool: Pool) -> str:
    who = "1 task needs" if never == 1 else f"{never} tasks need"
    never_runs = f"; {who} more than the {pool.slots_per_node} slots of a node" if never else ""
    if target < needed:
        least = pool.limit < pool.most
        limit = f"the account has room for {pool.limit}" if least else f"the pool has at most {pool.most}"
        return f"tasks need {needed} nodes, {limit}{never_runs}"
    if target > pool.target:
        more = target - pool.target
        what = "waits" if needed else "will come"
        return f"{more} more {'node' if more == 1 else 'nodes'} for what {what}{never_runs}"
    return f"enough nodes are there or on their way{never_runs}"
