"""The launch step's own time, and a thousand launches beside a bare SDK loop."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from shared.model.environment import Environment
from shared.model.run import Run
from shared.ports import World
from shared.providers.aws.ordering import request_for
from shared.steps.deliver import handle
from shared.steps.launch import order
from tests.bench import stub
from tests.bench.figures import Figure
from tests.bench.place import REGION, environment_in, submitted, world_at

WORKERS = 4
LAUNCHES = 1000
ROUNDS = 5


def figures() -> Iterator[Figure]:
    """Own time per launch (p50), cloud writes per launch, and the ratio over the bare loop."""
    with stub.ec2() as cloud, world_at(cloud.url) as world:
        yield own_time(world)
    with stub.ec2() as cloud, world_at(cloud.url) as world:
        before = cloud.calls.get("RunInstances", 0)
        runs = submitted(world, environment_in(world), 50)
        drain(world)
        calls = cloud.calls
        writes = (calls["RunInstances"] - before) / len(runs)
        yield Figure("cloud writes per launch", writes, 1, "calls", f"calls of the stub: {calls}")
    yield throughput()


def own_time(world: World) -> Figure:
    """The step without the HTTP exchange with the cloud, as the SDK's transport sees it."""
    from botocore.httpsession import URLLib3Session

    inside = []
    send = URLLib3Session.send

    def timed(self: Any, request: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(self, request)
        finally:
            inside.append(time.perf_counter() - start)

    own = []
    environment = environment_in(world)
    submitted(world, environment, 300)
    URLLib3Session.send = timed
    try:
        while deliveries := world.queue.receive(["launch"], 1):
            inside.clear()
            start = time.perf_counter()
            handle(deliveries[0].text, world)
            own.append(time.perf_counter() - start - sum(inside))
            world.queue.done(deliveries[0])
    finally:
        URLLib3Session.send = send
    p99 = statistics.quantiles(own, n=100)[98] * 1000
    how = f"300 launches, HTTP exchange excluded; p99 {p99:.2g} ms"
    return Figure("launch step, own time p50", statistics.median(own) * 1000, 10, "ms", how)


def throughput() -> Figure:
    """A thousand queued launches over the bare loop's thousand RunInstances calls: same stub, same
    number of workers, turn by turn; the middle of the ratios."""
    ratios = []
    for _ in range(ROUNDS):
        with stub.ec2() as cloud, world_at(cloud.url) as world:
            environment = environment_in(world)
            submitted(world, environment, 8)
            drain(world)
            bare = timed(partial(bare_loop, cloud.url, request_of(world, environment)))
            submitted(world, environment, LAUNCHES)
            ours = timed(partial(drain, world))
            ratios.append((ours / bare, ours, bare))
    ratio, ours, bare = sorted(ratios)[len(ratios) // 2]
    how = f"{LAUNCHES} launches, {WORKERS} workers: {ours:.2f} s over {bare:.2f} s bare"
    return Figure("queued launches over a bare SDK loop", ratio, 1.3, "x", how)


def timed(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def drain(world: World) -> None:
    """Delivers every launch with so many workers, as the one-machine host does."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(worker, world) for _ in range(WORKERS)]:
            done.result()


def worker(world: World) -> None:
    while deliveries := world.queue.receive(["launch"], 10):
        for delivery in deliveries:
            handle(delivery.text, world)
        world.queue.done(*deliveries)


def bare_loop(url: str, request: dict[str, Any]) -> None:
    """The least that a script would do: one client, the very request that we send, no record of it."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=WORKERS, retries={"total_max_attempts": 1})
    client = boto3.client("ec2", region_name=REGION, endpoint_url=url, config=config)
    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = [f"bare-{number}" for number in range(LAUNCHES)]
        list(pool.map(lambda token: client.run_instances(**{**request, "ClientToken": token}), tokens))


def request_of(world: World, environment: Environment) -> dict[str, Any]:
    """What we send for one launch."""
    (run,) = submitted(world, environment, 1)
    drain(world)
    found = world.store.get(Run, run.id)
    if found is None or found.last is None:
        raise RuntimeError("the launch did not happen")
    sent = order(found, found.last, environment, world)
    return request_for(world.provider(environment)._account, sent)
