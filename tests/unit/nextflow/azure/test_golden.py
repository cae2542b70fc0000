"""Our reading of Nextflow's rules against what its own program said of random tasks and pools. `golden.json`
says of which release it is; the lists of sizes are those of the plugin."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.nextflow.azure.catalogue import sizes
from shared.nextflow.azure.pools import PoolSettings, autopool_id
from shared.nextflow.azure.selection import Request, pick
from shared.nextflow.azure.slots import of_task

FILE = Path(__file__).with_name("golden.json")


@pytest.fixture(scope="module")
def golden() -> Any:
    return json.loads(FILE.read_text())


def test_the_sizes_that_nextflow_takes_and_the_slots_of_its_tasks(golden: Any) -> None:
    assert len(golden["sizes"]) == 400
    for region, cpus, memory, disk, families, name, slots in golden["sizes"]:
        request = Request(cpus=cpus, memory=memory, disk=disk, families=families)
        found = pick(request, sizes(region))
        told = (found.name, of_task(request, found)) if found else ("", 0)
        assert told == (name, slots), (region, request)


def test_the_names_of_the_pools_that_nextflow_makes(golden: Any) -> None:
    assert len(golden["pools"]) == 80
    for size, settings, labels, name in golden["pools"]:
        assert autopool_id(size, PoolSettings(**settings), labels) == name, (size, settings, labels)
