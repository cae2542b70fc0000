"""What a function loads when it starts: counted in modules, since times differ from machine to machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VARIABLES = {
    "HEADNODE_STORAGE_ACCOUNT": "headnodestore",
    "HEADNODE_TABLE": "headnode",
    "HEADNODE_QUEUE_PREFIX": "headnode",
    "HEADNODE_KEYVAULT_KEY": "https://headnode.vault.azure.net/keys/sealing",
    "HEADNODE_INSTALLATION": "loading",
    "IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token",
    "IDENTITY_HEADER": "none",
}
CLIENTS = "world = functions_world(); world.store._table._client; world.queue._service; world.vault._client"
STEP = f"import shared.steps.deliver; from shared.wiring import functions_world; {CLIENTS}"
API = f"from functions import api; api.serve(); from shared.wiring import functions_world; {CLIENTS}"
NEVER = (
    "azure.mgmt",
    "azure.keyvault",
    "azure.storage.blob",
    "azure.monitor",
    "azure.batch",
    "boto3",
    "botocore",
)
NOT_HERE = ("sqlite3", "moto", "uvicorn", "httpx", "local", "lambdas", "tests")


def loaded(code: str) -> set[str]:
    """The modules of a fresh process that ran the code, after the app was indexed."""
    program = f"import function_app; {code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **VARIABLES}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def within(modules: set[str], *packages: str) -> set[str]:
    return {package for package in packages for name in modules if f"{name}.".startswith(f"{package}.")}


def test_indexing_loads_no_step_and_no_sdk() -> None:
    modules = loaded("pass")
    assert (
        within(modules, "shared", "azure.core", "azure.identity", "msgspec", "fastapi", "cryptography")
        == set()
    )
    assert within(modules, *NEVER, *NOT_HERE) == set()


@pytest.mark.parametrize(("code", "has_api"), [(STEP, False), (API, True)], ids=["a step", "the api"])
def test_a_function_loads_its_own_clients_and_no_management_sdk(code: str, has_api: bool) -> None:
    modules = loaded(code)
    assert within(modules, *NEVER, *NOT_HERE) == set()
    assert within(modules, "azure.data.tables", "azure.storage.queue", "azure.identity") != set()
    assert bool(within(modules, "fastapi", "pydantic")) == has_api
    assert (
        within(modules, "shared.stores.dynamodb", "shared.providers.aws", "shared.providers.azure") == set()
    )


def test_our_part_of_what_a_step_loads_is_small() -> None:
    modules = loaded(STEP)
    ours = {name for name in modules if within({name}, "shared", "functions")}
    assert len(ours) < 70
    assert len(ours) < len(modules) / 10
