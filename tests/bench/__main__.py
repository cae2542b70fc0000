"""`make bench`: every benchmark, one table, written to docs/benchmarks.md. Exit code 1 when a budget
is not kept."""

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    azure,
    azure_life,
    azure_scaling,
    azurebatch,
    batch,
    cold,
    cold_functions,
    launches,
    logpage,
    reaping,
    searching,
    tracing,
)
from tests.bench.figures import HEADER, Figure

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SUITES = {
    "launch": launches,
    "cold": cold,
    "reap": reaping,
    "log": logpage,
    "trace": tracing,
    "search": searching,
    "batch": batch,
    "azure": azure,
    "azure-life": azure_life,
    "azure-scaling": azure_scaling,
    "azure-batch": azurebatch,
    "functions": cold_functions,
}

TEXT = """# Benchmarks

Made by `make bench` (`.venv/bin/python -m tests.bench [{suites}]` for some of them), {day}, Python {python},
{cores} cores. Each compares with a bare SDK call in the same run, against a stand-in on the same machine that
answers in well under a millisecond: the figures show our own share, not a cloud's speed.

{table}
"""


def main(wanted: list[str]) -> int:
    """Runs the suites that are named, or all of them and writes the document."""
    found: list[Figure] = []
    print(HEADER, flush=True)
    for name, suite in SUITES.items():
        if wanted and name not in wanted:
            continue
        for figure in suite.figures():
            print(figure.row(), flush=True)
            found.append(figure)
    if not wanted:
        DOCUMENT.write_text(document(found))
    return 0 if all(figure.within for figure in found) else 1


def document(found: list[Figure]) -> str:
    """The page."""
    import os

    return TEXT.format(
        suites="|".join(SUITES),
        day=datetime.now(UTC).date(),
        python=platform.python_version(),
        cores=os.cpu_count(),
        table="\n".join([HEADER, *(figure.row() for figure in found)]),
    )


sys.exit(main(sys.argv[1:]))
