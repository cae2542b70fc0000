"""The two ways of scaling: Nextflow's built-in formula, and ours with the scaler."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from local.clouds.azure.batch.formula.evaluating import evaluate
from shared.nextflow.azure.formulas import DEDICATED, LOW_PRIORITY, Scaling, built_in, ours
from shared.nextflow.azure.pools import PoolSettings
from shared.nextflow.azure.scaler import Load, Pool, decide
from tests.scaling.simulator import BEGIN, World

EVERY = 300.0
"""Seconds between evaluations: the least that Azure takes, for both."""
PAUSE = 30.0
"""Seconds between two settings of a formula that Azure takes."""
TICK = 60.0
"""Seconds between two looks at what waits, which find tasks of nodes that Azure took back."""
HEARD = 5.0
"""Seconds until a submission is known to the control plane."""


class Past:
    """The samples of a world as the evaluator asks for them."""

    def __init__(self, samples: Mapping[str, list[float]]) -> None:
        self._samples = samples

    def has(self, name: str) -> bool:
        return name in self._samples

    def last(self, name: str, count: int) -> list[float]:
        return self._samples[name][-count:]

    def within(self, name: str, seconds: float) -> list[float]:
        return self.last(name, int(seconds // 30))


def computed(text: str, world: World, low_priority: bool) -> int:
    name = LOW_PRIORITY if low_priority else DEDICATED
    targets = {DEDICATED: 0.0, LOW_PRIORITY: 0.0, name: float(world.target)}
    found = evaluate(text, BEGIN + world.now, Past(world.samples), targets)[name]
    assert isinstance(found, float)
    return int(found)


class BuiltIn:
    """The formula alone, on a pool that has been there for long."""

    def __init__(self, most: int, low_priority: bool) -> None:
        self._low = low_priority
        settings = PoolSettings(most=most, auto_scale=True, low_priority=low_priority)
        self._text = built_in(settings, "2026-01-01T00:00:00Z")

    def target(self, world: World, slots: Counter[int], running: Counter[int]) -> int | None:
        return None if world.now % EVERY else computed(self._text, world, self._low)


class Ours:
    """The scaler on submission, and our formula for everything else. A launch asks for the nodes
    that runs came to need before, which boot while its head does; the first one for `expected`."""

    def __init__(self, scaling: Scaling, spare: float = 0.0, expected: int = 1) -> None:
        self._scaling, self._spare, self._expected = scaling, spare, expected
        self._text = ours(scaling)
        self._next, self._set_at = 0.0, -PAUSE
        self._heard: float | None = None
        self._launched = 0

    def target(self, world: World, slots: Counter[int], running: Counter[int]) -> int | None:
        self._launched += world.launched
        taken_back = world.now % TICK == 0 and world.waiting
        if (world.submitted or world.launched or taken_back) and self._heard is None:
            self._heard = world.now + HEARD
        if self._heard is not None and world.now >= max(self._heard, self._set_at + PAUSE):
            self._heard = None
            self._hear(world, slots, running)
        if world.now < self._next:
            return None
        self._next = world.now + EVERY
        return computed(self._text, world, self._scaling.low_priority)

    def _hear(self, world: World, slots: Counter[int], running: Counter[int]) -> None:
        pool = Pool(
            slots_per_node=world.slots_per_node,
            target=world.target,
            preempted=world.preempted,
            most=world.most,
            spare=self._spare,
            expected=self._expected,
        )
        found = decide(Load(waiting=slots, running=running, launched=self._launched), pool)
        self._launched, self._expected = 0, max(self._expected, found.needed)
        tasks = sum(slots.values()) + sum(running.values())
        taken = sum(each * count for both in (slots, running) for each, count in both.items())
        each = max(self._scaling.slots_per_task, taken / tasks if tasks else 0.0)
        if found.target <= world.target and each == self._scaling.slots_per_task:
            return
        self._scaling = self._scaling.but(slots_per_task=each)
        ends = BEGIN + world.now + 60.0 * self._scaling.linger
        until = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._text = ours(self._scaling, found.target, until)
        self._next, self._set_at = world.now, world.now
