"""The Functions host as a deployment sets it up, and what tests look at around it."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator

import pytest
from azure.storage.queue import QueueClient

from shared import wiring
from shared.model.message import STEPS, Message, from_text
from tests.functions_host import FunctionsHost
from tests.scenarios.test_lambdas import PACE, TOKEN


@pytest.fixture
def functions(azurite, azure, monkeypatch) -> Iterator[Callable[..., FunctionsHost]]:
    """Starts the app with the variables of a deployment."""
    hosts: list[FunctionsHost] = []
    azure.state.vaults.create("headnode", "sealing")
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name)
    speeds = {f"HEADNODE_{name.upper()}": str(value) for name, value in PACE.items()}
    variables = {
        **azure.function_environment(),
        **speeds,
        "HEADNODE_STORAGE_CONNECTION": azurite.connection(),
        "HEADNODE_TABLE": azurite.new_table(),
        "HEADNODE_QUEUE_PREFIX": azurite.new_queues(*STEPS),
        "HEADNODE_KEYVAULT_KEY": "https://headnode.vault.azure.net/keys/sealing",
        "HEADNODE_INSTALLATION": "functions",
        "HEADNODE_FIRST_TOKEN_HASH": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "HEADNODE_API_URL": "set by the host",
    }

    def start(**more: str) -> FunctionsHost:
        for name, value in {**variables, **more}.items():
            monkeypatch.setenv(name, value)
        forget()
        hosts.append(FunctionsHost(variables["HEADNODE_STORAGE_CONNECTION"]).start())
        return hosts[-1]

    yield start
    for host in hosts:
        host.stop()
    forget()


def forget() -> None:
    """The next function starts cold."""
    from functions import api

    wiring.forget_clients()
    api.serve.cache_clear()


def peeked(step: str) -> list[Message]:
    """The due messages of a step, left where they are."""
    queue = f"{os.environ['HEADNODE_QUEUE_PREFIX']}-{step}"
    with QueueClient.from_connection_string(os.environ["HEADNODE_STORAGE_CONNECTION"], queue) as client:
        return [from_text(base64.b64decode(each.content)) for each in client.peek_messages(32)]


def put(step: str, text: str) -> None:
    """Somebody sends a text."""
    queue = f"{os.environ['HEADNODE_QUEUE_PREFIX']}-{step}"
    with QueueClient.from_connection_string(os.environ["HEADNODE_STORAGE_CONNECTION"], queue) as client:
        client.send_message(base64.b64encode(text.encode()).decode())
