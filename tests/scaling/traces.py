"""Task traces, made from a seed: what pipelines submit in a working day.

A run is submitted; its head node boots and Nextflow starts; then each sample goes through its stages, the
next when the one before is through. Durations are lognormal. The figures are invented, in the shape of
short-read pipelines: many tasks of minutes on one to four slots, a few of hours.
"""

import math
import random
from dataclasses import dataclass

HEAD_STARTS = 180.0
"""Seconds from a run's submission to its first tasks: the head's node boots, Nextflow starts."""


@dataclass(frozen=True)
class Task:
    """`after`: the position of the task that it waits for; `run`: that of its run. Times in seconds."""

    at: float
    slots: int
    seconds: float
    after: int | None = None
    run: int = 0


@dataclass(frozen=True)
class Stage:
    """One process of a pipeline: slots, the median of its seconds, how far they spread."""

    slots: int
    median: float
    spread: float = 0.4


@dataclass(frozen=True)
class Trace:
    """A day's tasks on one pool, and when its runs were submitted."""

    name: str
    tasks: tuple[Task, ...]
    launches: tuple[float, ...]
    preempted_per_hour: float = 0.0
    """The chance that Azure takes a node back within an hour."""

    @property
    def spot(self) -> bool:
        return self.preempted_per_hour > 0


PLAIN = (Stage(1, 60), Stage(2, 240), Stage(4, 600), Stage(2, 180), Stage(1, 30))
TAILED = (Stage(1, 60), Stage(4, 500, 1.1), Stage(2, 300, 0.9), Stage(1, 45))


def traces(seed: int) -> tuple[Trace, ...]:
    """One trace of each family."""
    return (
        _trace("bursts", seed, runs=6, samples=(8, 32), stages=PLAIN),
        _trace("long tails", seed + 1, runs=4, samples=(10, 24), stages=TAILED),
        _trace("preemption", seed + 2, runs=5, samples=(8, 24), stages=PLAIN, preempted_per_hour=0.3),
    )


def _trace(
    name: str,
    seed: int,
    runs: int,
    samples: tuple[int, int],
    stages: tuple[Stage, ...],
    preempted_per_hour: float = 0.0,
) -> Trace:
    chance = random.Random(seed)
    tasks: list[Task] = []
    launches = sorted(chance.uniform(0, 8 * 3600) for _ in range(runs))
    for run, launch in enumerate(launches):
        for _ in range(chance.randint(*samples)):
            before = None
            for stage in stages:
                seconds = math.exp(chance.gauss(math.log(stage.median), stage.spread))
                # Nextflow submits what it has within a few seconds.
                ready = launch + HEAD_STARTS + chance.uniform(0, 10)
                tasks.append(Task(ready, stage.slots, seconds, before, run))
                before = len(tasks) - 1
    return Trace(name, tuple(tasks), tuple(launches), preempted_per_hour)
