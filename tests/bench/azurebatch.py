"""Azure Batch: launches beside a bare SDK loop, listings of many head jobs and of tasks, and an
environment's making and disposal beside the longest chain of the service's own changes."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from local.clouds.azure.timings import TYPICAL
from shared.model.environment import Environment, ResourceRow
from shared.nextflow.azure import scaler
from shared.ports import World
from shared.providers.azure.batch.jobs import request
from shared.steps import environments, tend
from tests.bench import azure, stub
from tests.bench.azure_life import rig
from tests.bench.azurebatch_stub import ACCOUNT, ENVIRONMENT
from tests.bench.figures import Figure
from tests.bench.launching import LAUNCHES, WORKERS, beside_bare_loop, drain, order_of, timed
from tests.bench.lives import beside
from tests.bench.place import submitted
from tests.bench.sweeping import in_a_child, most_memory
from tests.clock import FakeClock
from tests.scenarios.clouds.azurebatch import Batch

MOST = 4
"""Nodes of the pools, which have them all: what a launch costs where nothing has to grow."""
JOBS = 10_000
TASKS, ROUNDS = 1_000, 30
POOLS = "Microsoft.Batch/batchAccounts/pools"
POOL = f"tower-pool-{ENVIRONMENT}"
FORGE = {"vmType": "Standard_D4ds_v5", "vmCount": MOST}


def figures() -> Iterator[Figure]:
    """All of them."""
    yield from calls()
    said = ", each a look at its pool and a job"
    for what, forge in (("own pools", None), ("Forge", FORGE)):
        name = f"azure batch: queued launches over a bare SDK loop, {what}"
        place = partial(environment_in, forge=forge)
        yield beside_bare_loop(name, nodes, azure.world_at, place, prepared, said)
    yield from listing()
    yield from ticks()
    yield from lives()


def nodes() -> stub.StubProcess:
    """The stub with pools that are as large as they may be."""
    return stub.azure_batch(target=MOST)


def environment_in(world: World, forge: dict[str, Any] | None = None) -> Environment:
    """An AVAILABLE environment: on pools of the user's own, or on the one that Forge made."""
    rows = (ResourceRow(key="pool", type="BatchPool", name=POOL, state="present", cloud_id=POOL),)
    return world.store.save(
        Environment(
            id=ENVIRONMENT if forge else world.ids.new(22),
            name="bench",
            platform="azure-batch",
            status="AVAILABLE",
            config={
                "region": "westeurope",
                "workDir": "az://work/bench",
                "storageAccount": "bench",
                "batchAccount": ACCOUNT,
                "managedIdentityClientId": azure.GUID,
                **({"forge": forge} if forge else {"headPool": "mine"}),
            },
            resources=rows if forge else (),
            created_at=world.clock.now(),
        )
    )


def calls() -> Iterator[Figure]:
    """What one launch asks of Batch."""
    with nodes() as cloud, azure.world_at(cloud.url) as world:
        runs = submitted(world, environment_in(world, FORGE), 50)
        drain(world)
        made = cloud.calls
    writes = sum(count for name, count in made.items() if name.startswith(("POST", "PATCH", "PUT")))
    reads = sum(count for name, count in made.items() if name.startswith("GET"))
    yield Figure("azure batch: cloud writes per launch", writes / len(runs), 1, "calls", f"{made}")
    how = "Forge, of a pool that is as large as it may be"
    yield Figure("azure batch: cloud reads per launch", reads / len(runs), 1, "calls", how)


def prepared(url: str, world: World, environment: Environment) -> Callable[[], None]:
    """The bare loop with the very request that we send."""
    account = world.provider(environment)._account  # type: ignore[attr-defined]
    return partial(bare_loop, f"{url}/batch/{ACCOUNT}", request(account, order_of(world, environment)))


def sdk(endpoint: str) -> Any:
    """Azure's own client of an account of the stub."""
    from azure.batch import BatchClient
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Bearer(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = "Bearer bench"

    return BatchClient(
        endpoint,
        object(),  # type: ignore[arg-type]
        authentication_policy=Bearer(),
        retry_total=0,
    )


def bare_loop(endpoint: str, sent: dict[str, Any]) -> None:
    """The least that a careful script would do: Batch takes a job for a pool that does not exist, and lets it
    wait for ever, so it looks at the pool first."""
    client = sdk(endpoint)
    pool = sent["poolInfo"]["poolId"]

    def one(number: int) -> None:
        if client.get_pool(pool).state == "active":
            client.create_job({**sent, "id": f"bare-{number}-1"})

    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(one, range(LAUNCHES)))


def sweep(url: str) -> None:
    """In a process of its own: lists every head job with its state; prints seconds and memory (MB)."""
    with azure.world_at(url) as world:
        provider = world.provider(environment_in(world, FORGE))
        begin = time.perf_counter()
        found = sum(len(page) for page in provider.machines())
        seconds = time.perf_counter() - begin
        if found != JOBS:
            raise RuntimeError(f"{found} of {JOBS} jobs were listed")
        print(seconds, most_memory())


def listing() -> Iterator[Figure]:
    """Ten thousand head jobs that run."""
    with stub.azure_batch(jobs=JOBS, target=MOST) as cloud:
        seconds, megabytes = in_a_child("tests.bench.azurebatch", cloud.url)
        made = cloud.calls
    how = f"{JOBS:,} head jobs in {seconds:.1f} s; calls {made}"
    yield Figure("azure batch: listing of head jobs, memory", megabytes, 200, "MB", how)
    reads = sum(count for name, count in made.items() if name.startswith("GET"))
    how = "pages of 1,000, and one call for each job's task"
    yield Figure("azure batch: listing of head jobs, calls", reads, JOBS + JOBS / 1000, "calls", how)


def ticks() -> Iterator[Figure]:
    """A thousand tasks of ten jobs, looked at again and again while nothing changes."""
    with stub.azure_batch(jobs=1, target=MOST, tasks=TASKS) as cloud, azure.world_at(cloud.url) as world:
        environment, client = environment_in(world, FORGE), sdk(f"{cloud.url}/batch/{ACCOUNT}")
        look = partial(tend.run, tend.message(environment.id), world)
        look()  # the first one tells the pool
        before = cloud.calls
        look()
        made = {name: count - before.get(name, 0) for name, count in cloud.calls.items()}
        bare = partial(bare_look, client)
        bare()
        pairs = [(timed(look), timed(bare)) for _ in range(ROUNDS)]
    mine, theirs = (min(each) * 1000 for each in zip(*pairs, strict=True))
    made = {name: count for name, count in made.items() if count}
    how = f"{TASKS:,} tasks of {TASKS // 100} jobs: {made}"
    yield Figure("azure batch: calls of a look at tasks", sum(made.values()), TASKS // 100 + 2, "calls", how)
    how = f"{mine:.1f} ms over {theirs:.1f} ms for the same calls, one after the other"
    yield Figure("azure batch: a look at tasks over a bare SDK loop", mine / theirs, 1.2, "x", how)
    load = scaler.Load(waiting={1: 500, 2: 250, 4: 150, 8: 40}, running={1: 40, 3: 20})
    pool = scaler.Pool(slots_per_node=16, target=0, most=1000, low=0)
    took = min(timed(lambda: scaler.decide(load, pool)) for _ in range(ROUNDS)) * 1000
    yield Figure("azure batch: the scaler's decision", took, 1, "ms", "1,000 tasks of six sizes")


def bare_look(client: Any) -> None:
    """The same calls by the SDK: the jobs, the tasks of each, the pool."""
    for job in client.list_jobs(filter="state ne 'completed'"):
        if job.id.startswith("job-"):
            asked = ["id", "state", "requiredSlots", "stateTransitionTime", "nodeInfo"]
            for each in client.list_tasks(job.id, filter="state ne 'completed'", select=asked):
                assert each.required_slots
    client.get_pool(POOL)


def lives() -> Iterator[Figure]:
    """An environment with a node that is always there, made and disposed of."""
    clock = FakeClock()
    with rig(clock, Batch) as made:
        made.cloud.emulated.timings.transitions = dict(TYPICAL)  # type: ignore[attr-defined]
        environment = made.environment(forge={**FORGE, "minVmCount": 1})
        name = "azure batch: {} an environment over its longest chain"
        longest, said = TYPICAL[f"{POOLS}/resize"], "the pool gets its node"
        yield beside(name.format("making"), made, environment, "AVAILABLE", longest, said)
        environments.dispose_environment(made.world, made.get_environment(environment))
        longest, said = TYPICAL[f"{POOLS}/delete"], "the pool goes"
        yield beside(name.format("disposing of"), made, environment, "DELETED", longest, said)
