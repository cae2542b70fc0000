"""Azure Cloud against the emulated cloud: the making of an environment beside its longest chain, and how soon
a printed line can be read."""

import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.timings import TYPICAL
from shared.model.settings import Settings
from shared.wiring import forget_clients
from tests.bench.figures import Figure
from tests.bench.lives import beside
from tests.clock import FakeClock
from tests.scenarios.clouds.azure import Azure
from tests.scenarios.rig import Rig, SeededIds

CHAIN = (
    "Microsoft.OperationalInsights/workspaces/write",
    "Microsoft.OperationalInsights/workspaces/tables/write",
)
"""Group, workspace, table, rule: the two that take time are the longest chain of the graph."""
LINES = 150
PRINTS = f"""#!/bin/sh
for n in $(seq 1 {LINES}); do echo "line $n at $(date +%s.%N)"; sleep 0.1; done
"""


def figures() -> Iterator[Figure]:
    """Both."""
    yield creation()
    yield lines()


def creation() -> Figure:
    """In the emulated cloud's own time, looked at each half second."""
    clock = FakeClock()
    with rig(clock) as made:
        made.cloud.emulated.timings.transitions = dict(TYPICAL)  # type: ignore[attr-defined]
        name = "azure: making an environment over its longest chain"
        longest = sum(TYPICAL[each] for each in CHAIN)
        return beside(name, made, made.environment(), "AVAILABLE", longest, "the workspace, then its table")


@contextmanager
def rig(clock: FakeClock, place: Callable[[EmulatedAzure], Azure] = Azure) -> Iterator[Rig]:
    """A control plane on an emulated Azure in that clock's time."""
    with EmulatedAzure(machines=False, clock=clock.now) as emulated, TemporaryDirectory() as data:
        os.environ.update(emulated.environment())
        forget_clients()
        settings = Settings(installation="bench", api_url="http://127.0.0.1:9")
        yield Rig(Path(data), settings, clock, SeededIds("bench"), place(emulated))


def lines() -> Figure:
    """From `echo` on the machine to the answer of GET /workflow/{id}/log, while the table lags by three
    minutes; the command line's own reader follows the log."""
    from local.cli.runs import tail
    from local.cli.screen import Format, Screen
    from local.demo import Options
    from local.demo.stage import Stage
    from local.demo.story import Story

    seen: dict[int, float] = {}
    with TemporaryDirectory() as place, TemporaryDirectory() as mine:
        (Path(mine) / "main.sh").write_text(PRINTS)
        stage = Stage(Options(platform="azure-cloud", pipeline=Path(mine), engine="script"), Path(place))
        try:
            stage.start()
            story = Story(stage, Screen(Format.json))
            with redirect_stderr(StringIO()):
                story.create()
                story.launch()
                tail(stage.api, story.run_id, partial(noted, seen), lambda _: None)
        finally:
            stage.stop()
    late = sorted(seen.values())
    if len(late) != LINES:
        raise RuntimeError(f"{len(late)} of {LINES} lines were read")
    p95 = statistics.quantiles(late, n=20)[18]
    how = f"{LINES} lines over {LINES / 10:.0f} s, p50 {statistics.median(late):.1f} s"
    return Figure("azure: line printed to line readable, p95", p95, 5, "s", how)


def noted(seen: dict[int, float], line: str) -> None:
    """Seconds between the moment that a line tells of itself and now."""
    found = re.fullmatch(r"line (\d+) at ([\d.]+)", line)
    if found:
        seen[int(found[1])] = time.time() - float(found[2])
