"""Listing and searching 100,000 runs through the API, on SQLite."""

import asyncio
import random
import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from shared.clock import SystemClock, SystemIds
from shared.model.run import Run
from shared.model.settings import Settings
from shared.ports import World
from shared.wiring import local_world
from tests.bench.figures import Figure
from tests.bench.tracing import Client, connected

RUNS, PAGE, ROUNDS = 100_000, 50, 25
BUDGET, BUDGET_OF_SEVERAL = 30.0, 60.0
FIRST = ("happy", "sad", "grave", "tiny", "mighty", "angry", "big", "cheeky", "deadly", "evil")
SECOND = (
    "einstein",
    "ptolemy",
    "curie",
    "turing",
    "lovelace",
    "gauss",
    "euler",
    "noether",
    "hopper",
    "darwin",
)
PROJECTS = ("nextflow-io/hello", "nf-core/rnaseq", "nf-core/sarek", "nf-core/viralrecon")
STATUSES = ("SUCCEEDED",) * 9 + ("FAILED",)
SEARCHES = (
    ("", "no term", BUDGET),
    ("ptolemy_777", "a term that few have", BUDGET),
    ("happy", "a term that 10,000 have", BUDGET),
    ("nf-core", "a term that 75,000 have", BUDGET),
    ("qqq", "a term that none has", BUDGET),
    ("status:failed rnaseq", "a status and a term", BUDGET_OF_SEVERAL),
    ("happy status:succeeded username:bench after:2026-01-01", "four conditions", BUDGET_OF_SEVERAL),
)


def figures() -> Iterator[Figure]:
    """Whole requests, each with its total; the fastest of some, since the machine is shared."""
    with TemporaryDirectory() as data:
        world = local_world(Path(data), Settings(installation="bench"), SystemClock(), SystemIds())
        filled(world)
        yield from asyncio.run(measured(world))


def filled(world: World) -> None:
    """The runs, of the last 100,000 minutes."""
    chance = random.Random(1)
    now = world.clock.now()
    world.store.put_many(
        Run(
            id=f"{chance.getrandbits(64):016x}",
            name=f"{chance.choice(FIRST)}_{chance.choice(SECOND)}_{number}",
            session_id=str(uuid.UUID(int=chance.getrandbits(128))),
            owner="bench",
            status=chance.choice(STATUSES),
            workflow={"projectName": chance.choice(PROJECTS), "commandLine": "nextflow run " + "x" * 200},
            submitted_at=now - number * 60,
        )
        for number in range(RUNS)
    )


async def measured(world: World) -> list[Figure]:
    """Each search."""
    client = Client(connected(world))
    async with client.http:
        return [await listed(client, *search) for search in SEARCHES]


async def listed(client: Client, search: str, what: str, budget: float) -> Figure:
    """One search, its first page."""
    took, busy = [], []
    for _ in range(ROUNDS):
        start, begun = time.perf_counter(), time.process_time()
        found = await client.call("GET", f"/workflow?max={PAGE}&search={quote(search)}")
        took.append((time.perf_counter() - start) * 1000)
        busy.append((time.process_time() - begun) * 1000)
    spent = f"p50 {statistics.median(took):.3g} ms, CPU {min(busy):.3g} ms"
    how = f"{found['totalSize']} match, {len(found['workflows'])} shown; {spent}"
    return Figure(f"list {PAGE} of {RUNS:,} runs, {what}", min(took), budget, "ms", how)
