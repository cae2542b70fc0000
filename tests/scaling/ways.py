"""The two ways of scaling: Nextflow's built-in formula, and ours with the scaler."""

from collections import Counter
from collections.abc import Mapping

from local.clouds.azure.batch.formula.evaluating import evaluate
from shared.nextflow.azure.formulas import DEDICATED, LOW_PRIORITY, Scaling, Told, built_in, ours
from shared.nextflow.azure.pools import PoolSettings
from shared.nextflow.azure.scaler import Load, Pool, expects, is_due, least, tell
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
    """The scaler on launch, on submission and with each tick; our formula for everything else. As the
    provider does it (`shared/providers/azure/batch/growing`), on a pool that only has tasks. Without `event`
    it is told of no submission."""

    def __init__(self, scaling: Scaling, *, rising: bool = True, event: bool = True) -> None:
        self._scaling, self._rising, self._event = scaling, rising, event
        self._told = Told()
        self._text = ours(scaling, self._told)
        self._next, self._set_at = 0.0, -PAUSE
        self._heard: float | None = None
        self._launches: list[float] = []
        self.settings = 0
        """How often the formula was set anew."""

    def target(self, world: World, slots: Counter[int], running: Counter[int]) -> int | None:
        if world.launched:
            self._launches.append(world.now)
        if (world.launched or (world.submitted and self._event)) and self._heard is None:
            self._heard = world.now + HEARD
        due = world.now % TICK == 0 or (self._heard is not None and world.now >= self._heard)
        if due and world.now >= self._set_at + PAUSE:
            self._heard = None
            self._look(world, slots, running)
        if world.now < self._next:
            return None
        self._next = world.now + EVERY
        return computed(self._text, world, self._scaling.low_priority)

    def _look(self, world: World, slots: Counter[int], running: Counter[int]) -> None:
        now = BEGIN + world.now
        launched, self._launches = len(self._launches), []
        pool = Pool(
            slots_per_node=world.slots_per_node,
            target=world.target,
            preempted=world.preempted,
            most=world.most,
            low=least(self._told.seen, now) if self._rising and not launched else None,
            expected=expects(self._told, world.slots_per_node),
        )
        load = Load(
            waiting=slots,
            running=running,
            launched=launched,
            heads=max(1, world.heads),
            occupied=world.occupied,
        )
        told = tell(load, pool, self._told, now)
        if launched or is_due(told, self._told, load, pool, now):
            self._told, self._text = told, ours(self._scaling, told)
            self._next, self._set_at = world.now, world.now
            self.settings += 1
