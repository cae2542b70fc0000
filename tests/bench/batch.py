"""AWS Batch: launches, the tasks of a dead head job, and an environment's making beside its longest chain."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.clouds.aws import EmulatedAws
from local.clouds.aws.batch.timings import TYPICAL
from shared.model.settings import Settings
from shared.providers.aws.batch.jobs import request
from shared.steps import environments
from shared.wiring import forget_clients
from tests.bench import stub
from tests.bench.batch_stub import HEAD
from tests.bench.batch_tasks import environment_in
from tests.bench.figures import Figure
from tests.bench.launching import LAUNCHES, ROUNDS, WORKERS, drain, order_of, timed
from tests.bench.lives import beside
from tests.bench.place import REGION, VARIABLES, submitted, world_at
from tests.clock import FakeClock
from tests.scenarios.clouds.batch import Batch
from tests.scenarios.rig import Rig, SeededIds

TASKS, OTHERS = 10_000, 2_000
CHAIN = ("job-queue", "compute-environment")
CHILD = "import sys; from tests.bench.batch_tasks import end_tasks; end_tasks(sys.argv[1])"


def figures() -> Iterator[Figure]:
    """All of them."""
    yield writes()
    yield throughput()
    yield from dead_head()
    yield from creation_and_disposal()


def writes() -> Figure:
    """Calls that change something, for one launch."""
    with stub.batch() as cloud, world_at(cloud.url) as world:
        runs = submitted(world, environment_in(world), 50)
        drain(world)
        calls = cloud.calls
    return Figure("batch: cloud writes per launch", calls["submitjob"] / len(runs), 2, "calls", f"{calls}")


def throughput() -> Figure:
    """A thousand queued launches over the bare loop's, turn by turn; the best of each, since whatever else
    the machine does only adds to them."""
    ours = bare = float("inf")
    for _ in range(ROUNDS):
        with stub.batch() as cloud, world_at(cloud.url) as world:
            environment = environment_in(world)
            sent = request(
                world.provider(environment)._account,  # type: ignore[attr-defined]
                order_of(world, environment),
            )
            bare = min(bare, timed(partial(bare_loop, cloud.url, sent)))
            submitted(world, environment, LAUNCHES)
            ours = min(ours, timed(partial(drain, world)))
    each = "a look by name and a submission"
    how = f"{LAUNCHES} launches, {WORKERS} workers: {ours:.2f} s over {bare:.2f} s bare, each {each}"
    return Figure("batch: queued launches over a bare SDK loop", ours / bare, 1.3, "x", how)


def bare_loop(url: str, sent: dict[str, Any]) -> None:
    """The least that a careful script would do: Batch takes no token, so it looks for the job first."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=WORKERS, retries={"total_max_attempts": 1})
    client = boto3.client("batch", region_name=REGION, endpoint_url=url, config=config)

    def one(number: int) -> None:
        name = f"bare-{number}-1"
        filters = [{"name": "JOB_NAME", "values": [name]}]
        if not client.list_jobs(jobQueue=HEAD, filters=filters)["jobSummaryList"]:
            client.submit_job(**{**sent, "jobName": name})

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, range(LAUNCHES)))


def dead_head() -> Iterator[Figure]:
    """Ten thousand tasks of a dead head job among two thousand of a living one."""
    with stub.batch(TASKS, OTHERS) as cloud:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, cloud.url], capture_output=True, text=True, check=True
        )
        rounds, seconds, longest, memory = map(float, done.stdout.split()[-4:])
        calls = cloud.calls
    how = f"{TASKS:,} tasks in {rounds:.0f} rounds, {seconds:.1f} s; {OTHERS:,} of another run stay"
    yield Figure("batch: tasks of a dead head, memory", memory, 200, "MB", how)
    said = f"{calls}; a thousand tasks to a round, the longest {longest:.1f} s"
    yield Figure("batch: tasks of a dead head, terminations", calls["terminatejob"], TASKS, "calls", said)
    most = 2 * (rounds + 1) * (5 + (TASKS + OTHERS) / 1000)
    yield Figure("batch: tasks of a dead head, listing calls", calls["listjobs"], most, "calls", "by state")


def creation_and_disposal() -> Iterator[Figure]:
    """In the emulated cloud's own time, looked at each half second."""
    clock = FakeClock()
    with EmulatedAws(machines=False) as emulated, TemporaryDirectory() as data:
        os.environ.update(VARIABLES)
        os.environ.update(emulated.environment(REGION))
        forget_clients()
        emulated.batch.clock = clock.now
        settings = Settings(installation="bench", api_url="http://127.0.0.1:9")
        rig = Rig(Path(data), settings, clock, SeededIds("bench"), Batch(emulated))
        emulated.batch.places.looks, emulated.batch.places.transitions = 0, TYPICAL
        environment = rig.environment()
        chain = {"AVAILABLE": ("CREATING",), "DELETED": ("UPDATING", "DELETING")}
        spent = {
            status: sum(TYPICAL[kind, change] for kind in CHAIN for change in changes)
            for status, changes in chain.items()
        }
        name = "batch: {} an environment over its longest chain"
        said = "a compute environment and its queue, one after the other"
        yield beside(name.format("making"), rig, environment, "AVAILABLE", spent["AVAILABLE"], said)
        environments.dispose_environment(rig.world, rig.get_environment(environment))
        yield beside(name.format("disposing of"), rig, environment, "DELETED", spent["DELETED"], said)
    forget_clients()
