"""The reaper over a large account."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.steps.sweep import scope
from tests.bench import stub
from tests.bench.figures import Figure
from tests.bench.place import environment_in, world_at

INSTANCES, DOOMED = 50_000, 500
CHILD = "import sys; from tests.bench.reaping import sweep; sweep(sys.argv[1])"


def sweep(url: str) -> None:
    """In a process of its own: records for every machine, then one sweep; prints its seconds, and the
    most memory that the process ever had (MB), the making of the records included."""
    with world_at(url) as world:
        environment = environment_in(world)
        now = world.clock.now()
        for start in range(0, INSTANCES, 1000):
            world.store.put_many(known(number, environment.id, now) for number in range(start, start + 1000))
        begin = time.perf_counter()
        scope(environment.id, world)
        seconds = time.perf_counter() - begin
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def known(number: int, environment_id: str, now: float) -> Run:
    """The record of the stub's machine of that number: healthy, and overdue when its tag says so."""
    overdue = number * DOOMED // INSTANCES != (number + 1) * DOOMED // INSTANCES
    attempt = Attempt(
        number=1,
        state="alive",
        offer=Offer(machine_type="m6i.large"),
        machine_id=f"i-{number:017x}",
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


def figures() -> Iterator[Figure]:
    """Memory and calls of one sweep over 50,000 machines of which 500 have to go."""
    with stub.ec2(INSTANCES, DOOMED) as cloud:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, cloud.url], capture_output=True, text=True, check=True
        )
        seconds, megabytes = map(float, done.stdout.split()[-2:])
        calls = cloud.calls
    pages = calls["DescribeInstances"]
    how = f"{INSTANCES:,} machines, {DOOMED} removed in {seconds:.1f} s; calls {calls}"
    yield Figure("sweep of a large account, memory", megabytes, 200, "MB", how)
    yield Figure(
        "sweep of a large account, listing calls", pages, INSTANCES / 1000 + 6, "calls", "pages of 1,000"
    )
    yield Figure(
        "sweep of a large account, removal calls", calls["TerminateInstances"], 1, "calls", "500 to a call"
    )
