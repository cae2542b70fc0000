"""Azure Cloud's share: launches beside a bare SDK loop, the sweep of a large subscription, the making of an
environment beside its longest chain, and how soon a line can be read."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shared.clock import SystemClock, SystemIds
from shared.model.environment import Environment, ResourceRow
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import World
from shared.steps.deliver import handle
from shared.steps.launch import order
from shared.steps.sweep import scope
from shared.wiring import forget_clients, local_world
from tests.bench import stub
from tests.bench.azure_stub import SUBSCRIPTION, machine_id
from tests.bench.figures import Figure
from tests.bench.launches import WORKERS, drain, timed
from tests.bench.place import submitted

LAUNCHES = 1000
ROUNDS = 5
MACHINES, DOOMED = 10_000, 100
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/bench"
CHILD = "import sys; from tests.bench.azure import sweep; sweep(sys.argv[1])"
GUID = "6f5a1f0e-7b5c-4a6b-9c53-0d4a5b1e2f01"


def figures() -> Iterator[Figure]:
    """All of them; each against the fast stub."""
    with stub.azure() as cloud, world_at(cloud.url) as world:
        yield own_time(world)
        calls = cloud.calls
        yield Figure("azure: ARM writes per launch", calls["VM PUT"] / 300, 1, "calls", f"{calls}")
    yield throughput()
    yield from sweeps()


@contextmanager
def world_at(url: str) -> Iterator[World]:
    """A fresh one-machine world whose Azure is at `url`, with the host's own identity."""
    os.environ.update(
        HEADNODE_AZURE_URL=url,
        AZURE_TENANT_ID=GUID,
        AZURE_CLIENT_ID=GUID,
        AZURE_CLIENT_SECRET="bench",
        AZURE_SUBSCRIPTION_ID=SUBSCRIPTION,
    )
    forget_clients()
    with TemporaryDirectory() as data:
        yield local_world(Path(data), Settings(installation="bench"), SystemClock(), SystemIds())


def environment_in(world: World) -> Environment:
    """An AVAILABLE environment with everything made."""
    facts = {
        "group": {},
        "identity": {"clientId": GUID, "principalId": GUID},
        "workspace": {"customerId": GUID},
        "endpoint": {"logsIngestion": "https://dce.example"},
        "rule": {"immutableId": "dcr-0123456789abcdef0123456789abcdef"},
        "network": {},
    }
    names = {"group": "bench", "identity": "id", "network": "vnet"}
    rows = [
        ResourceRow(key=key, type=key, name=names.get(key, key), state="present", cloud_id=GROUP, facts=known)
        for key, known in facts.items()
    ]
    return world.store.save(
        Environment(
            id=world.ids.new(22),
            name="bench",
            platform="azure-cloud",
            status="AVAILABLE",
            config={
                "region": "westeurope",
                "workDir": "az://work/bench",
                "storageAccount": "bench",
                "resourceGroup": "bench",
            },
            resources=tuple(rows),
            created_at=world.clock.now(),
        )
    )


def own_time(world: World) -> Figure:
    """The launch step without the HTTP exchange with the cloud, as the transport sees it."""
    from urllib3.connectionpool import HTTPConnectionPool

    inside: list[float] = []
    send = HTTPConnectionPool.urlopen

    def measured(self: Any, *args: Any, **given: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(self, *args, **given)
        finally:
            inside.append(time.perf_counter() - start)

    own = []
    submitted(world, environment_in(world), 300)
    HTTPConnectionPool.urlopen = measured  # type: ignore[method-assign]
    try:
        while deliveries := world.queue.receive(["launch"], 1):
            inside.clear()
            start = time.perf_counter()
            handle(deliveries[0].text, world)
            own.append(time.perf_counter() - start - sum(inside))
            world.queue.done(deliveries[0])
    finally:
        HTTPConnectionPool.urlopen = send  # type: ignore[method-assign]
    p99 = statistics.quantiles(own, n=100)[98] * 1000
    how = f"300 launches, HTTP exchange excluded; p99 {p99:.2g} ms"
    return Figure("azure: launch step, own time p50", statistics.median(own) * 1000, 10, "ms", how)


def throughput() -> Figure:
    """A thousand queued launches over the bare loop's thousand PUTs by azure-mgmt-compute: same stub, same
    number of workers, turn by turn; the middle of the ratios."""
    ratios = []
    for _ in range(ROUNDS):
        with stub.azure() as cloud, world_at(cloud.url) as world:
            environment = environment_in(world)
            submitted(world, environment, 8)
            drain(world)
            bare = timed(partial(bare_loop, cloud.url, request_of(world, environment)))
            submitted(world, environment, LAUNCHES)
            ours = timed(partial(drain, world))
            ratios.append((ours / bare, ours, bare))
    ratio, ours, bare = sorted(ratios)[len(ratios) // 2]
    how = f"{LAUNCHES} launches, {WORKERS} workers: {ours:.2f} s over {bare:.2f} s bare"
    return Figure("azure: queued launches over a bare SDK loop", ratio, 1.3, "x", how)


def bare_loop(url: str, request: dict[str, Any]) -> None:
    """The least that a script would do: one client, the very request that we send, no record of it."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.mgmt.compute import ComputeManagementClient

    class Bearer(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = "Bearer bench"

    client: Any = ComputeManagementClient(
        object(),  # type: ignore[arg-type]
        SUBSCRIPTION,
        base_url=url,
        authentication_policy=Bearer(),
        retry_total=0,
    )

    def put(number: int) -> None:
        client.virtual_machines.begin_create_or_update("bare", f"vm-{number}", request, polling=False)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(put, range(LAUNCHES)))


def request_of(world: World, environment: Environment) -> dict[str, Any]:
    """What we send for one launch."""
    from shared.providers.azure.ordering import request_for

    (run,) = submitted(world, environment, 1)
    drain(world)
    found = world.store.get(Run, run.id)
    if found is None or found.last is None:
        raise RuntimeError("the launch did not happen")
    provider: Any = world.provider(environment)
    return request_for(provider._account, order(found, found.last, environment, world))


def sweep(url: str) -> None:
    """In a process of its own: records for every machine, then one sweep; prints its seconds, and the most
    memory that the process ever had (MB)."""
    with world_at(url) as world:
        environment = environment_in(world)
        now = world.clock.now()
        for start in range(0, MACHINES, 1000):
            world.store.put_many(known(number, environment.id, now) for number in range(start, start + 1000))
        begin = time.perf_counter()
        scope(environment.id, world)
        seconds = time.perf_counter() - begin
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def known(number: int, environment_id: str, now: float) -> Run:
    """The record of the stub's machine of that number: healthy, and overdue when its tag says so."""
    overdue = number * DOOMED // MACHINES != (number + 1) * DOOMED // MACHINES
    attempt = Attempt(
        number=1,
        state="alive",
        offer=Offer(machine_type="Standard_D2ds_v4"),
        machine_id=machine_id(number).lower(),
        deadline=now - 3600 if overdue else now + 86_400,
        placed_at=now - 600,
        seen_at=now,
    )
    return Run(
        id=f"{number:016d}",
        name=f"run-{number}",
        session_id="s",
        status="RUNNING",
        environment_id=environment_id,
        attempts=(attempt,),
    )


def sweeps() -> Iterator[Figure]:
    """Memory, calls and time of one sweep over 10,000 VMs of which 100 have to go."""
    with stub.azure(MACHINES, DOOMED) as cloud:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, cloud.url], capture_output=True, text=True, check=True
        )
        seconds, megabytes = map(float, done.stdout.split()[-2:])
        calls = cloud.calls
    how = f"{MACHINES:,} VMs, {DOOMED} removed in {seconds:.1f} s; calls {calls}"
    yield Figure("azure: sweep of a large subscription, memory", megabytes, 200, "MB", how)
    pages, removals = calls["VM list"], calls["VM DELETE"]
    how = "pages of 50, as ARM's; one listing for tags, one for how they run"
    yield Figure("azure: sweep, listing calls", pages, 2 * MACHINES / 50 + 2, "calls", how)
    yield Figure("azure: sweep, removal calls", removals, DOOMED, "calls", "Azure deletes one by one")
