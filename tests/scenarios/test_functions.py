"""The control plane in Azure Functions: the indexed app on Azurite and the emulated Key Vault. A whole life
on real machines leaves the same records as on the one-machine host."""

import base64
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.queue import QueueClient

from local.clouds.azure import EmulatedAzure
from local.serve import Host
from shared import wiring
from shared.errors import Refused
from shared.model.access import Token
from shared.model.message import STEPS, Message, Parked, from_text, to_text
from shared.stores.tables import TablesStore
from tests.functions_host import QUEUES, FunctionsHost
from tests.functions_payloads import event_payload, timer_payload
from tests.scenarios.test_lambdas import KEYS, PACE, SCRIPT, TOKEN, Client, cloud, lines, patiently  # noqa: F401

MACHINE = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg/providers"
    "/Microsoft.Compute/virtualMachines/headnode-abc-1-0123abcd"
)


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


@pytest.fixture
def subscription(tmp_path, monkeypatch) -> Iterator[EmulatedAzure]:
    """An emulated Azure with machines, in whose time they live, a storage account, and a pipeline that
    machines can read."""
    if shutil.which("bwrap") is None:
        pytest.skip("machines need bubblewrap")
    pipeline = tmp_path / "pipeline"
    pipeline.mkdir()
    (pipeline / "main.sh").write_text(SCRIPT)
    (pipeline / "main.sh").chmod(0o755)
    with EmulatedAzure(directory=tmp_path / "cloud") as found:
        found.account("functionsdata", group="data", location="westeurope", containers=["work"])
        found.state.vaults.create("headnode", "sealing")
        found.room.share = [pipeline]
        yield found
        assert not found.crashes, found.crashes[0]


def keys_of(known: Mapping[str, str]) -> dict[str, str]:
    """The operator's app, as a user stores it."""
    return {
        "discriminator": "azure-cloud",
        "tenantId": known["AZURE_TENANT_ID"],
        "clientId": known["AZURE_CLIENT_ID"],
        "clientSecret": known["AZURE_CLIENT_SECRET"],
        "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
        "storageName": "functionsdata",
    }


AZURE_CONFIG = {
    "discriminator": "azure-cloud",
    "region": "westeurope",
    "workDir": "az://work/runs",
    "storageAccount": "functionsdata",
    "storageResourceGroup": "data",
}


ROLES = Path(__file__).parents[2] / "infra" / "azure" / "roles"
SEALING = {"dataActions": [f"Microsoft.KeyVault/vaults/keys/{verb}/action" for verb in ("wrap", "unwrap")]}


def roles_of(step: str) -> list[dict[str, Any]]:
    """What a function may do in the subscription. The API, which answers at any time, is one identity with
    it here."""
    files = [json.loads((ROLES / f"{holder}.json").read_text()) for holder in {step, "api"}]
    return [SEALING, *(block for each in files for block in each["properties"]["permissions"])]


def without_tokens(records: Any) -> Any:
    """Records without what Azure, and the order's token at the end of a machine's name, make up anew in
    each life."""
    return json.loads(re.sub(r"(headnode-\w{16}-\d+|dcr)-[0-9a-f]{8,32}", r"\1", json.dumps(records)))


def test_a_life_on_azure_is_the_same_as_on_one_machine(
    functions: Any, subscription: Any, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level("INFO")
    keys = keys_of(subscription.environment())
    host = functions(**subscription.function_environment())
    host.before = lambda name: subscription.enforce("function", *roles_of(name.split("_")[0]))
    deployed = Client(host.url, host.wait).life(tmp_path / "pipeline", keys, AZURE_CONFIG)
    assert host.errors == []
    assert subscription.judge.refusals == []
    assert keys["clientSecret"] not in caplog.text
    host.stop()
    subscription.judge.clear()
    with Host(tmp_path / "data", token=TOKEN, settings=PACE, environ={}) as here:
        local = Client(here.url, patiently).life(tmp_path / "pipeline", keys, AZURE_CONFIG)
    assert lines(without_tokens(deployed)) == lines(without_tokens(local))
    assert (deployed["good"]["status"], deployed["bad"]["status"]) == ("SUCCEEDED", "FAILED")
    assert [line for line in deployed["good log"] if not line.startswith("headnode: ")] == ["one", "two"]
    assert deployed["environment"]["receipt"]["left"] == []


@pytest.mark.usefixtures("cloud")
def test_a_life_is_the_same_as_on_one_machine(functions: Any, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level("INFO")
    host = functions()
    deployed = Client(host.url, host.wait).life(tmp_path / "pipeline")
    assert host.errors == []
    assert KEYS["secretKey"] not in caplog.text
    assert TOKEN not in caplog.text
    host.stop()
    with Host(tmp_path / "data", token=TOKEN, settings=PACE, environ={}) as here:
        local = Client(here.url, patiently).life(tmp_path / "pipeline")
    assert lines(deployed) == lines(local)
    assert (deployed["good"]["status"], deployed["bad"]["status"]) == ("SUCCEEDED", "FAILED")
    assert deployed["environment"]["receipt"]["left"] == []
    assert deployed["parked"]["parked"] == []


def without_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store cannot be reached from now on."""
    monkeypatch.setenv("HEADNODE_TABLE", f"none{uuid.uuid4().hex}")
    forget()


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


def test_a_message_is_never_lost_to_the_hosts_poison_queue(functions: Any, monkeypatch: Any) -> None:
    host = functions()
    table = os.environ["HEADNODE_TABLE"]
    monkeypatch.setitem(QUEUES, "maxDequeueCount", 3)
    without_its_table(monkeypatch)
    put("launch", "not ours")  # which must be parked, and cannot be
    assert [host.pump() for _ in range(3)] == [1, 1, 2], "the last time also from the poison queue"
    assert len(host.errors) == 4
    assert host.queues["launch"].get_queue_properties().approximate_message_count == 0
    for _ in range(QUEUES["maxDequeueCount"] + 1):
        assert host.pump() == 1, "a poison queue has no poison queue of its own"
    monkeypatch.setenv("HEADNODE_TABLE", table)
    forget()
    host.errors.clear()
    assert (host.pump(), host.pump(), host.errors) == (1, 0, [])
    parked = wiring.functions_world().store.find(Parked, "all", "all").items
    assert [each.body for each in parked] == ["not ours"]


def test_a_message_waits_in_its_queue_while_the_store_is_away(functions: Any, monkeypatch: Any) -> None:
    host = functions()
    without_its_table(monkeypatch)
    put("launch", to_text(Message(step="launch", subject="some-run")))
    assert (host.pump(), host.errors) == (1, [])
    patiently(lambda: peeked("launch") != [], 10)
    (later,) = peeked("launch")
    assert (later.subject, later.tries) == ("some-run", 1)
    assert later.history[0].reason == "unexpected ResourceNotFoundError"


def test_one_that_fails_does_not_hurt_its_batch(functions: Any, monkeypatch: Any, caplog: Any) -> None:
    host = functions()
    caplog.set_level("INFO", "headnode")
    world = wiring.functions_world()
    monkeypatch.setattr(world.store, "put_many", failing(world.store.put_many, "bad one"))
    for text in ("bad one", "good one"):
        put("dispose", text)
    host.pump()
    assert [each.body for each in world.store.find(Parked, "all", "all").items] == ["good one"]
    assert [error.splitlines()[-1] for error in host.errors] == ["RuntimeError: bad one"]
    assert 'delivered {"outcome": "Park", "why": "not a headnode message' in caplog.text


def failing(real: Callable[..., None], body: str) -> Callable[..., None]:
    """As `real`, but for one record."""

    def call(records: Any) -> None:
        kept = list(records)
        if kept[0].body == body:
            raise RuntimeError(body)
        real(kept)

    return call


def test_a_failed_tick_raises_and_an_event_comes_again(functions: Any, monkeypatch: Any) -> None:
    host = functions()
    deleted = {
        "id": "1",
        "topic": "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333",
        "subject": MACHINE,
        "eventType": "Microsoft.Resources.ResourceDeleteSuccess",
        "eventTime": "2026-11-21T00:00:00Z",
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {"resourceUri": MACHINE, "operationName": "Microsoft.Compute/virtualMachines/delete"},
    }
    host.worker.invoke("reap_tick", timer_payload())
    host.worker.invoke("reap_event", event_payload(deleted))
    assert peeked("reap") == []
    without_its_table(monkeypatch)
    with pytest.raises(RuntimeError, match="the tick failed"):
        host.worker.invoke("reap_tick", timer_payload())
    assert peeked("reap") == []
    host.worker.invoke("reap_event", event_payload(deleted))
    patiently(lambda: peeked("reap") != [], 10)
    (later,) = peeked("reap")
    assert (later.subject, later.tries) == (f"machine:{MACHINE.lower()}", 1)
    assert later.facts == {"state": "Microsoft.Compute/virtualMachines/delete"}


def test_expired_records_are_forgotten_by_the_hour(functions: Any) -> None:
    host = functions()
    world = wiring.functions_world()
    now = world.clock.now()
    for id, at in (("old", now - 60), ("new", now + 600), ("kept", 0.0)):
        world.store.put_many([Token(id=id, expires_at=at)])
    host.worker.invoke("reap_expired", timer_payload())
    assert sorted(world.store.get_many(Token, ["old", "new", "kept"])) == ["kept", "new"]


def test_the_api_gives_bytes_knows_its_first_token_and_its_limits(functions: Any) -> None:
    host = functions()
    program = httpx.get(f"{host.url}/api/headnode/runner.pyz")
    assert program.headers["etag"] == f'"{hashlib.sha256(program.content).hexdigest()}"'
    assert program.content.startswith(b"PK")
    for token, status in ((TOKEN, 200), (TOKEN[:-8] + "AAAAAAA=", 401)):
        for path in ("/user-info", "/api/user-info?x=%C3%A9"):
            answer = httpx.get(f"{host.url}{path}", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text
    here = {"name": "here", "platform": "no-such", "config": {"workDir": "/work"}}
    user = {"Authorization": f"Bearer {TOKEN}"}
    refused = httpx.post(f"{host.url}/compute-envs", json={"computeEnv": here}, headers=user)
    assert refused.status_code == 400
    assert "no-such" in refused.json()["message"]
    assert httpx.get(f"{host.url}/none").status_code == 404
    large = httpx.post(f"{host.url}/compute-envs", content=b"x" * 12_000_000, headers=user)
    assert (large.status_code, list(large.json())) == (413, ["message"])
    assert host.errors == []


def test_a_request_that_fails_is_answered_in_our_words(functions: Any, monkeypatch: Any, caplog: Any) -> None:
    host = functions()
    user = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{host.url}/compute-envs", headers=user).status_code == 200
    monkeypatch.setattr(TablesStore, "find", lambda *_, **__: 1 / 0)
    answer = httpx.get(f"{host.url}/compute-envs", headers=user)
    assert (answer.status_code, list(answer.json())) == (500, ["message"])
    assert host.errors == []
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("variable", "value", "match"),
    [
        (
            "HEADNODE_STORAGE_CONNECTION",
            "AccountName=a;AccountKey=AAAA;EndpointSuffix=core.windows.net",
            "emulator",
        ),
        ("HEADNODE_STORAGE_CONNECTION", "TableEndpoint=https://a.table.core.windows.net", "emulator"),
        ("HEADNODE_KEYVAULT_KEY", "https://evil.example/keys/sealing", "must be https"),
        ("HEADNODE_KEYVAULT_KEY", "https://a.vault.azure.net/secrets/x", "must be https"),
        ("HEADNODE_AZURE_URL", "http://10.0.0.1", "on this machine only"),
        ("HEADNODE_MAX_TRIES", "many", "not a number"),
    ],
)
def test_a_wrong_variable_is_named(functions: Any, variable: str, value: str, match: str) -> None:
    functions(**{variable: value})
    with pytest.raises(Refused, match=match):
        wiring.functions_world()


def test_without_an_emulator_the_function_is_its_own_identity(
    functions: Any, azure: Any, monkeypatch: Any
) -> None:
    functions(HEADNODE_STORAGE_ACCOUNT="headnodestore")
    monkeypatch.delenv("HEADNODE_STORAGE_CONNECTION")
    forget()
    world = wiring.functions_world()
    account = world.store._table._account
    assert (account.url("table"), account.connection) == ("https://headnodestore.table.core.windows.net", "")
    assert world.store._table._client.url == "https://headnodestore.table.core.windows.net"
    assert world.queue._service.url == "https://headnodestore.queue.core.windows.net/"
    assert account.credential() is wiring.own_identity()
    issued = account.credential().get_token("https://storage.azure.com/.default").token
    assert azure.state.directory.read(issued).principal == azure.state.directory.function.object_id
