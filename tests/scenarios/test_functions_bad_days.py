"""Bad days in Azure Functions: the store is away, messages fail, requests fail, variables are wrong."""

import hashlib
import os
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared import wiring
from shared.errors import Refused
from shared.model.access import Token
from shared.model.message import Message, Parked, to_text
from shared.stores.tables import TablesStore
from tests.functions_host import QUEUES
from tests.functions_payloads import event_payload, timer_payload
from tests.scenarios.functions_place import forget, peeked, put
from tests.scenarios.test_lambdas import TOKEN, patiently

MACHINE = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg/providers"
    "/Microsoft.Compute/virtualMachines/headnode-abc-1-0123abcd"
)


def without_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store cannot be reached from now on."""
    monkeypatch.setenv("HEADNODE_TABLE", f"none{uuid.uuid4().hex}")
    forget()


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
