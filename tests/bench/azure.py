"""Azure Cloud's share: launches beside a bare SDK loop, and the sweep of a large subscription."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shared.clock import SystemClock, SystemIds
from shared.model.environment import Environment, ResourceRow
from shared.model.run import Run
from shared.model.settings import Settings
from shared.ports import World
from shared.providers.azure.ordering import request_for
from shared.wiring import forget_clients, local_world
from tests.bench import stub
from tests.bench.azure_stub import SUBSCRIPTION, machine_id
from tests.bench.figures import Figure
from tests.bench.launching import LAUNCHES, OWN_TIMES, WORKERS, beside_bare_loop, order_of, own_time
from tests.bench.sweeping import in_a_child, is_overdue, known, swept

MACHINES, DOOMED = 10_000, 100
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/bench"
GUID = "6f5a1f0e-7b5c-4a6b-9c53-0d4a5b1e2f01"


def figures() -> Iterator[Figure]:
    """All of them; each against the fast stub."""
    from urllib3.connectionpool import HTTPConnectionPool

    with stub.azure() as cloud, world_at(cloud.url) as world:
        name = "azure: launch step, own time p50"
        yield own_time(name, world, environment_in(world), HTTPConnectionPool, "urlopen")
        calls = cloud.calls
        yield Figure("azure: ARM writes per launch", calls["VM PUT"] / OWN_TIMES, 1, "calls", f"{calls}")
    name = "azure: queued launches over a bare SDK loop"
    yield beside_bare_loop(name, stub.azure, world_at, environment_in, prepared)
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


def prepared(url: str, world: World, environment: Environment) -> Callable[[], None]:
    """The bare loop with the very request that we send."""
    request = request_for(
        world.provider(environment)._account,  # type: ignore[attr-defined]
        order_of(world, environment),
    )
    return partial(bare_loop, url, request)


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


def sweep(url: str) -> None:
    """In a process of its own."""
    with world_at(url) as world:
        environment, now = environment_in(world), world.clock.now()

        def one(number: int) -> Run:
            overdue = is_overdue(number, DOOMED, MACHINES)
            id = machine_id(number).lower()
            return known(number, environment, now, "Standard_D2ds_v4", id, overdue)

        swept(world, environment, MACHINES, one)


def sweeps() -> Iterator[Figure]:
    """Memory, calls and time of one sweep over 10,000 VMs of which 100 have to go."""
    with stub.azure(MACHINES, DOOMED) as cloud:
        seconds, megabytes = in_a_child("tests.bench.azure", cloud.url)
        calls = cloud.calls
    how = f"{MACHINES:,} VMs, {DOOMED} removed in {seconds:.1f} s; calls {calls}"
    yield Figure("azure: sweep of a large subscription, memory", megabytes, 200, "MB", how)
    pages, removals = calls["VM list"], calls["VM DELETE"]
    how = "pages of 50, as ARM's; one listing for tags, one for how they run"
    yield Figure("azure: sweep, listing calls", pages, 2 * MACHINES / 50 + 2, "calls", how)
    yield Figure("azure: sweep, removal calls", removals, DOOMED, "calls", "Azure deletes one by one")
