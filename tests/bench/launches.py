"""The launch step's own time, and a thousand launches beside a bare SDK loop."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from shared.model.environment import Environment
from shared.ports import World
from shared.providers.aws.ordering import request_for
from tests.bench import stub
from tests.bench.figures import Figure
from tests.bench.launching import LAUNCHES, WORKERS, beside_bare_loop, drain, order_of, own_time
from tests.bench.place import REGION, environment_in, submitted, world_at


def figures() -> Iterator[Figure]:
    """Own time per launch (p50), cloud writes per launch, and the ratio over the bare loop."""
    from botocore.httpsession import URLLib3Session

    with stub.ec2() as cloud, world_at(cloud.url) as world:
        yield own_time("launch step, own time p50", world, environment_in(world), URLLib3Session, "send")
    with stub.ec2() as cloud, world_at(cloud.url) as world:
        before = cloud.calls.get("RunInstances", 0)
        runs = submitted(world, environment_in(world), 50)
        drain(world)
        calls = cloud.calls
        writes = (calls["RunInstances"] - before) / len(runs)
        yield Figure("cloud writes per launch", writes, 1, "calls", f"calls of the stub: {calls}")
    name = "queued launches over a bare SDK loop"
    yield beside_bare_loop(name, stub.ec2, world_at, environment_in, prepared)


def prepared(url: str, world: World, environment: Environment) -> Callable[[], None]:
    """The bare loop with the very request that we send."""
    request: dict[str, Any] = request_for(
        world.provider(environment)._account,  # type: ignore[attr-defined]
        order_of(world, environment),
    )
    return partial(bare_loop, url, request)


def bare_loop(url: str, request: dict[str, Any]) -> None:
    """The least that a script would do: one client, the very request that we send, no record of it."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=WORKERS, retries={"total_max_attempts": 1})
    client = boto3.client("ec2", region_name=REGION, endpoint_url=url, config=config)
    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = [f"bare-{number}" for number in range(LAUNCHES)]
        list(pool.map(lambda token: client.run_instances(**{**request, "ClientToken": token}), tokens))
