"""What Nextflow reports, through the API: by time, on SQLite."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from shared.api.app import build
from shared.api.auth import issue_token
from shared.clock import SystemClock, SystemIds
from shared.model.settings import Settings
from shared.ports import World
from shared.wiring import local_world
from tests.bench.figures import Figure
from tests.headnode import Served, serve

TASKS, SCRIPT, ROUNDS = 100, 10_240, 30
MANY, CHUNK = 50_000, 1_000
CLIENTS, BEATS = 200, 5


def task(number: int, status: str = "COMPLETED", script: int = 0) -> dict[str, Any]:
    """A task as Nextflow reports it."""
    return {
        "taskId": number, "status": status, "hash": f"ab/{number:06d}", "name": f"COUNT ({number})",
        "process": "COUNT", "exit": 0, "cpus": 2, "realtime": 1500, "duration": 2000, "pcpu": 90.5,
        "peakRss": 10**8, "memory": 2**31, "workdir": f"s3://bench/work/ab/{number:06d}",
        "executor": "local", "script": f"echo {number}; ".ljust(script, "x"),
    }  # fmt: skip


def counters(done: int) -> dict[str, Any]:
    """The counters beside them."""
    names = ("pending", "submitted", "running", "failed", "cached", "ignored", "retries", "aborted")
    counts = {**dict.fromkeys(names, 0), "succeeded": done}
    return {**counts, "processes": [{"index": 0, "name": "COUNT", **counts}]}


def figures() -> Iterator[Figure]:
    """Whole requests, from body to answer."""
    with TemporaryDirectory() as data:
        world = local_world(Path(data), Settings(installation="bench"), SystemClock(), SystemIds())
        yield from asyncio.run(measured(world))
    yield from heartbeats()


def connected(world: World) -> httpx.AsyncClient:
    """A connection to the app itself: no socket is measured."""
    headers = {"Authorization": f"Bearer {issue_token(world, 'bench')}"}
    transport = httpx.ASGITransport(app=build(world))
    return httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers)


class Client:
    """A Nextflow that reports one run after the other."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; raises for any other answer than 2xx."""
        return (await self.http.request(method, path, json=body)).raise_for_status().json()

    async def begun(self, name: str) -> str:
        """A new run's id."""
        run = await self.call("POST", "/trace/create", {"sessionId": f"s-{name}", "runName": name})
        await self.call("PUT", f"/trace/{run['workflowId']}/begin", {"workflow": {"projectName": "a/b"}})
        return str(run["workflowId"])


async def measured(world: World) -> list[Figure]:
    """Each figure."""
    client = Client(connected(world))
    async with client.http:
        run = await client.begun("progress")
        return [
            await progress(client, run, "100 tasks", 0, 15.0),
            await progress(client, run, "100 tasks with scripts of 10 KB", SCRIPT, 60.0),
            await looked_at(client),
        ]


async def progress(client: Client, run: str, what: str, script: int, budget: float) -> Figure:
    """Tasks that are new in each report."""
    took = []
    for round in range(ROUNDS):
        first = (round + (ROUNDS if script else 0)) * TASKS
        body = {
            "tasks": [task(first + number, script=script) for number in range(TASKS)],
            "progress": counters(first),
            "instant": (1 + first) * 1000,
        }
        start = time.perf_counter()
        await client.call("PUT", f"/trace/{run}/progress", body)
        took.append((time.perf_counter() - start) * 1000)
    best = min(statistics.median(took[start : start + 5]) for start in range(0, ROUNDS, 5))
    return Figure(f"progress of {what}", best, budget, "ms", f"the best median of 5 of {ROUNDS} reports")


async def looked_at(client: Client) -> Figure:
    """A large run's description and counters."""
    run = await client.begun("many")
    for start in range(0, MANY, CHUNK):
        tasks = [task(number) for number in range(start, start + CHUNK)]
        body = {"tasks": tasks, "progress": counters(start), "instant": 1 + start}
        await client.call("PUT", f"/trace/{run}/progress", body)
    await client.call("PUT", f"/trace/{run}/progress", {"progress": counters(MANY), "instant": 1 + MANY})
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        await client.call("GET", f"/workflow/{run}")
        await client.call("GET", f"/workflow/{run}/progress")
        took.append((time.perf_counter() - begin) * 1000)
    return Figure("describe and progress of a run of 50,000 tasks", statistics.median(took), 50.0, "ms")


def heartbeats() -> Iterator[Figure]:
    """Many runs at once, each on a connection of its own, at a `headnode serve` in a process of its own."""
    with TemporaryDirectory() as data, serve(Path(data)) as served:
        rounds = [sorted(took) for took in asyncio.run(beats(served))]
    took = min(rounds, key=lambda took: took[-1])
    p95, how = took[int(CLIENTS * 0.95)], f"over real sockets, the slowest {took[-1]:.0f} ms; best of {BEATS}"
    yield Figure(f"p95 of {CLIENTS} heartbeats at once", p95, 2000.0, "ms", how)


async def beats(served: Served) -> list[list[float]]:
    """Milliseconds of each heartbeat: all runs speak at the same moment, several times."""
    headers = {"Authorization": f"Bearer {served.token}"}
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    http = httpx.AsyncClient(base_url=served.url, headers=headers, limits=limits, timeout=60)
    client = Client(http)
    async with http:
        runs = [await client.begun(f"beat-{number}") for number in range(CLIENTS)]

        async def beat(run: str, instant: int) -> float:
            start = time.perf_counter()
            body = {"progress": counters(1), "instant": instant}
            await client.call("PUT", f"/trace/{run}/heartbeat", body)
            return (time.perf_counter() - start) * 1000

        each = range(1, 1 + BEATS)
        return [await asyncio.gather(*(beat(run, instant) for run in runs)) for instant in each]
