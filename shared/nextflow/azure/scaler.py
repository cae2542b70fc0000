"""How many nodes a pool needs for the tasks it has. Pure.

Asked when tasks are submitted, not every five minutes. It only ever asks for more: nodes leave by the
formula, once their tasks are through.
"""

from collections import Counter
from collections.abc import Mapping

from shared.model.records import Model


class Load(Model, frozen=True, kw_only=True):
    """Tasks by the slots that each takes: {slots: how many}."""

    waiting: Mapping[int, int] = {}
    running: Mapping[int, int] = {}
    launched: int = 0
    """Runs that were launched just now, whose heads boot: their tasks are minutes away."""


class Pool(Model, frozen=True, kw_only=True):
    """A pool as it is. `target` counts also nodes that boot, and those that Azure took back (`preempted`)."""

    slots_per_node: int
    target: int
    preempted: int = 0
    least: int = 0
    most: int
    spare: float = 0.0
    """Nodes beyond the need, as a share of it: room for what a run submits next."""
    expected: int = 1
    """Nodes that a run came to need before; they boot while a new run's head does."""


class Decision(Model, frozen=True, kw_only=True):
    """The target to set, never below the present one. `never` counts tasks that fit on no node, however
    many there are."""

    target: int
    needed: int
    never: int
    why: str

    @property
    def cramped(self) -> bool:
        """Whether the pool's limit leaves tasks waiting."""
        return self.target < self.needed


def decide(load: Load, pool: Pool) -> Decision:
    """The nodes for everything that waits and runs and will come with a launch, within the pool's bounds."""
    tasks = Counter(load.waiting)
    tasks.update(load.running)
    fitting = {
        slots: count for slots, count in tasks.items() if 0 < slots <= pool.slots_per_node and count > 0
    }
    never = sum(count for slots, count in tasks.items() if slots > pool.slots_per_node)
    needed = nodes_for(fitting, pool.slots_per_node)
    # What Azure took back counts against the target, and runs nothing.
    wanted = needed + _ceil(needed * pool.spare) + load.launched * pool.expected
    wanted += pool.preempted if wanted else 0
    target = max(pool.target, pool.least, min(wanted, pool.most))
    return Decision(target=target, needed=needed, never=never, why=_why(needed, never, target, pool))


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


def _ceil(value: float) -> int:
    return -int(-value // 1)


def _why(needed: int, never: int, target: int, pool: Pool) -> str:
    who = "1 task needs" if never == 1 else f"{never} tasks need"
    never_runs = f"; {who} more than the {pool.slots_per_node} slots of a node" if never else ""
    if target < needed:
        return f"tasks need {needed} nodes, the pool has at most {pool.most}{never_runs}"
    if target > pool.target:
        more = target - pool.target
        what = "waits" if needed else "will come"
        return f"{more} more {'node' if more == 1 else 'nodes'} for what {what}{never_runs}"
    return f"enough nodes are there or on their way{never_runs}"
