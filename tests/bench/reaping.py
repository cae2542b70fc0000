"""The reaper over a large account."""

from collections.abc import Iterator

from shared.model.run import Run
from tests.bench import stub
from tests.bench.figures import Figure
from tests.bench.place import environment_in, world_at
from tests.bench.sweeping import in_a_child, is_overdue, known, swept

INSTANCES, DOOMED = 50_000, 500


def sweep(url: str) -> None:
    """In a process of its own."""
    with world_at(url) as world:
        environment, now = environment_in(world), world.clock.now()

        def one(number: int) -> Run:
            overdue = is_overdue(number, DOOMED, INSTANCES)
            return known(number, environment, now, "m6i.large", f"i-{number:017x}", overdue)

        swept(world, environment, INSTANCES, one)


def figures() -> Iterator[Figure]:
    """Memory and calls of one sweep over 50,000 machines of which 500 have to go."""
    with stub.ec2(INSTANCES, DOOMED) as cloud:
        seconds, megabytes = in_a_child("tests.bench.reaping", cloud.url)
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
