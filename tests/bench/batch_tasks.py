"""What the benchmark of AWS Batch runs in a process of its own: nothing but the product is loaded."""

import time

from shared.model.environment import Environment
from shared.model.machine import GONE
from shared.ports import World
from tests.bench.batch_stub import HEAD, WORK
from tests.bench.place import REGION, world_at
from tests.bench.sweeping import most_memory


def environment_in(world: World) -> Environment:
    """An AVAILABLE environment on the stub's queues."""
    config = {"region": REGION, "workDir": "s3://bench/work", "headQueue": HEAD, "computeQueue": WORK}
    made = Environment(id="bench", name="bench", platform="aws-batch", status="AVAILABLE", config=config)
    return world.store.save(made)


def end_tasks(url: str) -> None:
    """In a process of its own: stops a dead head job until it counts as gone; prints rounds, seconds, the
    seconds of the longest round, and the most memory that the process ever had (MB)."""
    with world_at(url) as world:
        provider = world.provider(environment_in(world))
        rounds = []
        while provider.look(["head"])["head"].state != GONE:
            begin = time.perf_counter()
            provider.stop(["head"])
            rounds.append(time.perf_counter() - begin)
        print(len(rounds), sum(rounds), max(rounds), most_memory())
