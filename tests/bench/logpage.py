"""A page of ten thousand log lines beside the bare call."""

import statistics
import time
from collections.abc import Iterator

from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.steps.logs import read_log
from tests.bench import stub
from tests.bench.figures import Figure
from tests.bench.place import REGION, environment_in, world_at

ROUNDS = 15
LINES = 10_000


def figures() -> Iterator[Figure]:
    """The ratio: medians of calls made turn by turn."""
    import boto3

    with stub.ec2() as cloud, world_at(cloud.url) as world:
        environment = environment_in(world)
        attempt = Attempt(number=1, state="alive", offer=Offer(machine_type="m6i.large"), machine_id="i-1")
        run = Run(id="r" * 16, name="n", session_id="s", environment_id=environment.id, attempts=(attempt,))
        source = world.logs(environment)
        client = boto3.client("logs", region_name=REGION, endpoint_url=cloud.url)
        bare, ours = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            client.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, limit=LINES)
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            page = read_log(run, source, "", LINES)
            ours.append(time.perf_counter() - start)
            if len(page.lines) != LINES:
                raise RuntimeError(f"{len(page.lines)} lines")
        ratio = statistics.median(ours) / statistics.median(bare)
        how = f"{statistics.median(ours) * 1000:.0f} ms over {statistics.median(bare) * 1000:.0f} ms"
        yield Figure("log page of 10,000 lines over a bare GetLogEvents", ratio, 2, "x", how)
