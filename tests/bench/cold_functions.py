"""Cold start on Azure: loading a function's handler beside making the SDK clients that it uses."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from shared.model.message import STEPS
from tests.bench.figures import Figure

VARIABLES = {
    "HEADNODE_STORAGE_ACCOUNT": "headnode",
    "HEADNODE_TABLE": "headnode",
    "HEADNODE_QUEUE_PREFIX": "headnode",
    "HEADNODE_KEYVAULT_KEY": "https://headnode.vault.azure.net/keys/sealing",
    "HEADNODE_INSTALLATION": "bench",
}
SDK = """import azure.functions
from azure.data.tables import TableClient
from azure.identity import ManagedIdentityCredential
from azure.storage.queue import QueueServiceClient
us = ManagedIdentityCredential()
TableClient('https://headnode.table.core.windows.net', 'headnode', credential=us)
QueueServiceClient('https://headnode.queue.core.windows.net', credential=us)"""
CLIENTS = """from shared.wiring import functions_world
world = functions_world()
world.store._table._client, world.queue._service, world.vault._client"""
STEP = f"import function_app, shared.steps.deliver\n{CLIENTS}"
API = f"import function_app\nfrom functions import api\napi.serve()\n{CLIENTS}"
ROUNDS = 7
TIMED = "import time\nstart = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"


def figures() -> Iterator[Figure]:
    """The ratios: medians of processes started turn by turn. All steps load the same."""
    names = f"{STEPS[0]} (and the other steps)"
    yield ratio(names, STEP, SDK, "azure-functions, tables, queues, identity")
    yield ratio("api", API, f"{SDK}\nimport fastapi", "the same and FastAPI")


def ratio(name: str, ours: str, bare: str, what: str) -> Figure:
    """One function's figure."""
    least, took = [], []
    for _ in range(ROUNDS):
        least.append(seconds(bare))
        took.append(seconds(ours))
    mine, theirs = statistics.median(took) * 1000, statistics.median(least) * 1000
    how = f"{mine:.0f} ms over {theirs:.0f} ms for {what}"
    return Figure(f"cold import of the Function {name}", mine / theirs, 1.3, "x", how)


def seconds(code: str) -> float:
    """Time of the code in a fresh interpreter, imports included."""
    environment = {**os.environ, **VARIABLES}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", TIMED.format(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
