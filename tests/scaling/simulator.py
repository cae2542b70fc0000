"""A pool of Azure Batch in steps of five seconds: nodes boot, run tasks, are taken back and leave.

Both ways of scaling see the same tasks, the same boot time, the same chance of preemption, the same pool
limit and the same metrics, one sample in thirty seconds; formulas are computed by the emulated service's
evaluator.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Protocol

from tests.scaling.traces import Trace

STEP, SAMPLE = 5.0, 30.0
BOOT = 120.0
"""Seconds from the decision to a node that takes tasks: allocation, start, start task. An assumption."""
POLL = 10.0
"""Seconds after which Nextflow sees that a task is through, and submits the next."""
RESTORED = 600.0
"""Seconds after which Azure has capacity again for a node that it took back."""
BEGIN = 1_800_000_000.0
"""The epoch second at which a trace begins."""


@dataclass(eq=False)
class Node:
    """`ready_at` is when it takes tasks; a preempted one comes back at `back_at`."""

    ready_at: float
    free: int
    back_at: float = 0.0
    leaving: bool = False
    running: dict[int, float] = field(default_factory=dict)


@dataclass
class World:
    """A pool as a way of scaling sees it."""

    now: float
    slots_per_node: int
    most: int
    target: int = 0
    nodes: list[Node] = field(default_factory=list)
    waiting: deque[int] = field(default_factory=deque)
    running: int = 0
    submitted: bool = False
    launched: bool = False
    heads: int = 0
    """Runs that were launched and are not through."""
    samples: dict[str, list[float]] = field(
        default_factory=lambda: {"$PendingTasks": [], "$PreemptedNodeCount": []}
    )

    @property
    def occupied(self) -> int:
        return sum(bool(node.running) and not node.leaving for node in self.nodes)

    @property
    def preempted(self) -> int:
        return sum(node.back_at > 0 for node in self.nodes)


class Way(Protocol):
    """A way of scaling: the target from now on, or None to leave it."""

    def target(self, world: World, slots: Counter[int], running: Counter[int]) -> int | None: ...


@dataclass(frozen=True)
class Outcome:
    """What a day cost and how long its tasks waited. `node_hours` are those that are billed."""

    node_hours: float
    waits: tuple[float, ...]
    most_nodes: int

    @property
    def waited(self) -> float:
        """The mean wait of a task in seconds, all of it: for the decision, the boot, and its turn."""
        return sum(self.waits) / len(self.waits)


class Simulation:
    """One trace under one way of scaling; the same seed gives the same day."""

    def __init__(self, trace: Trace, way: Way, slots_per_node: int, most: int, seed: int) -> None:
        self.trace, self.way = trace, way
        self.world = World(0.0, slots_per_node, most)
        self.chance = random.Random(seed)
        self.done: dict[int, float] = {}
        self.since: dict[int, float] = {}
        self.waits = [0.0] * len(trace.tasks)
        self.left = set(range(len(trace.tasks)))
        self.launches = deque(trace.launches)
        self.left_of = Counter(task.run for task in trace.tasks)
        self.billed, self.most_nodes = 0.0, 0

    def run(self) -> Outcome:
        """Until every task is through and every node has gone."""
        while self.left or self.world.running or self.world.waiting or self.world.nodes:
            self.step()
            if self.world.now > 48 * 3600:
                raise RuntimeError("a day that never ends")
        return Outcome(self.billed / 3600, tuple(self.waits), self.most_nodes)

    def step(self) -> None:
        world = self.world
        self.finish()
        self.preempt()
        self.submit()
        if world.now % SAMPLE == 0:
            world.samples["$PendingTasks"].append(float(len(world.waiting) + world.running))
            world.samples["$PreemptedNodeCount"].append(float(world.preempted))
        self.scale()
        self.place()
        alive = sum(not node.back_at for node in world.nodes)
        self.billed += alive * STEP
        self.most_nodes = max(self.most_nodes, alive)
        world.now += STEP

    def finish(self) -> None:
        for node in self.world.nodes:
            for task, ends in list(node.running.items()):
                if ends <= self.world.now:
                    del node.running[task]
                    node.free += self.trace.tasks[task].slots
                    self.world.running -= 1
                    self.done[task] = self.world.now
                    self.left_of[self.trace.tasks[task].run] -= 1
        self.world.nodes = [node for node in self.world.nodes if not node.leaving or node.running]

    def preempt(self) -> None:
        world, hazard = self.world, self.trace.preempted_per_hour * STEP / 3600
        for node in world.nodes:
            if node.back_at and node.back_at <= world.now:
                node.back_at, node.ready_at = 0.0, world.now + BOOT
            elif hazard and not node.back_at and self.chance.random() < hazard:
                node.back_at = world.now + RESTORED
                for task in node.running:
                    world.waiting.appendleft(task)
                    self.since[task] = world.now
                world.running -= len(node.running)
                node.running.clear()
                node.free = world.slots_per_node

    def submit(self) -> None:
        world, tasks = self.world, self.trace.tasks
        world.submitted = world.launched = False
        while self.launches and self.launches[0] <= world.now:
            self.launches.popleft()
            world.launched = True
        begun = len(self.trace.launches) - len(self.launches)
        world.heads = sum(self.left_of[run] > 0 for run in range(begun))
        for at in sorted(self.left):
            task = tasks[at]
            through = task.after is None or self.done.get(task.after, float("inf")) + POLL <= world.now
            if through and task.at <= world.now:
                self.left.remove(at)
                world.waiting.append(at)
                self.since[at] = world.now
                world.submitted = True

    def scale(self) -> None:
        world, tasks = self.world, self.trace.tasks
        slots = Counter(tasks[at].slots for at in world.waiting)
        running = Counter(tasks[at].slots for node in world.nodes for at in node.running)
        found = self.way.target(world, slots, running)
        if found is None:
            return
        world.target = min(found, world.most)
        staying = [node for node in world.nodes if not node.leaving]
        for _ in range(world.target - len(staying)):
            world.nodes.append(Node(world.now + BOOT, world.slots_per_node))
        # Those without work leave first.
        first = sorted(staying, key=lambda each: (not each.back_at, len(each.running)))
        for node in first[: max(0, len(staying) - world.target)]:
            node.leaving = True
        world.nodes = [node for node in world.nodes if not node.leaving or node.running]

    def place(self) -> None:
        world, tasks = self.world, self.trace.tasks
        later: deque[int] = deque()
        ready = [
            each for each in world.nodes if each.ready_at <= world.now and not (each.leaving or each.back_at)
        ]
        for at in world.waiting:
            fits = [node for node in ready if node.free >= tasks[at].slots]
            if not fits:
                later.append(at)
                continue
            node = min(fits, key=lambda each: each.free)
            node.free -= tasks[at].slots
            node.running[at] = world.now + tasks[at].seconds
            world.running += 1
            self.waits[at] += world.now - self.since[at]
        world.waiting = later
