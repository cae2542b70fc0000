"""What the launches of all clouds share: draining the queue with so many workers, the launch step's own time,
and a thousand launches beside a bare SDK loop, turn by turn."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from shared.model.environment import Environment
from shared.model.machine import Order
from shared.model.run import Run
from shared.ports import World
from shared.steps.deliver import handle
from shared.steps.launch import order
from tests.bench.figures import Figure
from tests.bench.place import submitted
from tests.bench.stub import StubProcess

WORKERS = 4
LAUNCHES = 1000
ROUNDS = 5
OWN_TIMES = 300


def timed(act: Callable[[], Any]) -> float:
    """Seconds."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def drain(world: World) -> None:
    """Delivers every launch with so many workers, as the one-machine host does."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(worker, world) for _ in range(WORKERS)]:
            done.result()


def worker(world: World) -> None:
    """One of them."""
    while deliveries := world.queue.receive(["launch"], 10):
        for delivery in deliveries:
            handle(delivery.text, world)
        world.queue.done(*deliveries)


def own_time(name: str, world: World, environment: Environment, transport: type, method: str) -> Figure:
    """The step without the HTTP exchange with the cloud, as the SDK's transport sees it."""
    inside: list[float] = []
    send = getattr(transport, method)

    def measured(self: Any, *args: Any, **given: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(self, *args, **given)
        finally:
            inside.append(time.perf_counter() - start)

    own = []
    submitted(world, environment, OWN_TIMES)
    setattr(transport, method, measured)
    try:
        while deliveries := world.queue.receive(["launch"], 1):
            inside.clear()
            start = time.perf_counter()
            handle(deliveries[0].text, world)
            own.append(time.perf_counter() - start - sum(inside))
            world.queue.done(deliveries[0])
    finally:
        setattr(transport, method, send)
    p99 = statistics.quantiles(own, n=100)[98] * 1000
    how = f"{OWN_TIMES} launches, HTTP exchange excluded; p99 {p99:.2g} ms"
    return Figure(name, statistics.median(own) * 1000, 10, "ms", how)


def beside_bare_loop(
    name: str,
    stub: Callable[[], StubProcess],
    world_at: Callable[[str], AbstractContextManager[World]],
    environment_in: Callable[[World], Environment],
    bare_loop: Callable[[str, World, Environment], Callable[[], None]],
    said: str = "",
) -> Figure:
    """A thousand queued launches over a bare loop's thousand requests: same stub, same number of workers,
    turn by turn; the middle of the ratios. `bare_loop` prepares the loop, which is timed."""
    ratios = []
    for _ in range(ROUNDS):
        with stub() as cloud, world_at(cloud.url) as world:
            environment = environment_in(world)
            submitted(world, environment, 8)
            drain(world)
            bare = timed(bare_loop(cloud.url, world, environment))
            submitted(world, environment, LAUNCHES)
            ours = timed(lambda: drain(world))
            ratios.append((ours / bare, ours, bare))
    ratio, ours, bare = sorted(ratios)[len(ratios) // 2]
    how = f"{LAUNCHES} launches, {WORKERS} workers: {ours:.2f} s over {bare:.2f} s bare{said}"
    return Figure(name, ratio, 1.3, "x", how)


def order_of(world: World, environment: Environment) -> Order:
    """What the provider is asked for by one launch."""
    (run,) = submitted(world, environment, 1)
    drain(world)
    found = world.store.get(Run, run.id)
    if found is None or found.last is None or not found.last.machine_id:
        raise RuntimeError(f"the launch did not happen: {found}")
    return order(found, found.last, environment, world)
