"""The app in the worker library that Azure itself runs, indexed and invoked through every kind of trigger."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared import wiring
from shared.model.message import STEPS, Message, Parked, to_text
from tests.functions_payloads import Payload, event_payload, http_payload, queue_payload, timer_payload
from tests.functions_runtime import runtime  # noqa: F401 (fixture)

ROOT = Path(__file__).parents[3]
MISNAMED = """
import azure.functions as azf

app = azf.FunctionApp()


@app.function_name("wrong")
@app.queue_trigger(arg_name="message", queue_name="q", connection="c")
def wrong(other: azf.QueueMessage) -> None: ...
"""


def said(value: Any) -> Any:
    """A trigger's value as text for another process."""
    if isinstance(value, dict):
        return {name: said(each) for name, each in value.items()}
    inner = value.value
    if value.type == "bytes":
        inner = base64.b64encode(inner).decode()
    return {"type": value.type, "value": said(inner) if isinstance(inner, dict) else inner}


def call(function: str, name: str, payload: Payload) -> dict[str, Any]:
    value, facts = payload
    return {"function": function, "name": name, "value": said(value), "facts": said(facts)}


def run(python: Path, directory: Path, calls: list[dict[str, Any]], **variables: str) -> Any:
    """What the worker answers."""
    program = [str(python), str(Path(__file__).with_name("worker.py")), str(directory)]
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        program,
        input=json.dumps(calls),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_is_indexed_and_every_kind_of_trigger_runs(runtime, azurite, monkeypatch) -> None:  # noqa: F811
    variables = {
        "HEADNODE_STORAGE_CONNECTION": azurite.connection(),
        "HEADNODE_TABLE": azurite.new_table(),
        "HEADNODE_QUEUE_PREFIX": azurite.new_queues(*STEPS),
        "HEADNODE_KEYVAULT_KEY": "https://headnode.vault.azure.net/keys/sealing",
        "HEADNODE_INSTALLATION": "runtime",
    }
    event = {
        "id": "1",
        "subject": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v",
        "eventType": "Microsoft.Resources.ResourceDeleteSuccess",
        "eventTime": "2026-11-21T00:00:00Z",
        "topic": "/subscriptions/s",
        "dataVersion": "2",
        "data": {},
    }
    cloud_event = {
        "id": "2",
        "source": "/subscriptions/s",
        "subject": event["subject"],
        "type": "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged",
        "time": "2026-11-21T00:00:00Z",
        "specversion": "1.0",
        "data": {"resourceInfo": {"properties": {"targetResourceId": event["subject"]}}},
    }
    url = "https://headnode.azurewebsites.net/api/service-info"
    calls = [
        call("api", "request", http_payload("GET", url, {"Accept": "application/json"}, b"")),
        call("launch", "message", queue_payload("not ours")),
        call("dispose_again", "message", queue_payload(to_text(Message(step="dispose", subject="none")))),
        call("reap_tick", "timer", timer_payload()),
        call("reap_expired", "timer", timer_payload()),
        call("reap_event", "event", event_payload(event)),
        call("reap_event", "event", event_payload(cloud_event)),
    ]
    done = run(runtime, ROOT, calls, **variables)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["count"] == len(found["functions"]) == 14
    assert [each["trace"] for each in found["answers"] if not each["ok"]] == []
    answer = found["answers"][0]["answer"]
    assert answer["status"] == "200"
    assert "serviceInfo" in json.loads(answer["body"])
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    wiring.forget_clients()
    parked = wiring.functions_world().store.find(Parked, "all", "all").items
    wiring.forget_clients()
    assert [each.body for each in parked] == ["not ours"]


def test_the_worker_rejects_an_argument_of_another_name(runtime, tmp_path) -> None:  # noqa: F811
    (tmp_path / "function_app.py").write_text(MISNAMED)
    done = run(runtime, tmp_path, [])
    assert done.returncode != 0
    assert "FunctionLoadError" in done.stderr, done.stderr


@pytest.mark.parametrize("broken", ["shared.steps.deliver", "shared.wiring", "msgspec", "azure.data.tables"])
def test_what_cannot_be_imported_does_not_make_the_functions_vanish(runtime, tmp_path, broken) -> None:  # noqa: F811
    (tmp_path / "function_app.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\nsys.modules[{broken!r}] = None\n"
        "from functions.app import build\napp = build()\n"
    )
    calls = [call("launch", "message", queue_payload("x"))]
    done = run(runtime, tmp_path, calls, HEADNODE_STORAGE_CONNECTION="TableEndpoint=http://127.0.0.1:9/a")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["count"], found["answers"][0]["ok"]) == (14, False)
