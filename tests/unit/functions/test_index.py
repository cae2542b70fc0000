"""The app as the host sees it: every function, its bindings, and the names of its arguments."""

import inspect
import json
from pathlib import Path
from typing import Any

import azure.functions as azf
import pytest

from functions.app import build
from shared.model.message import STEPS
from shared.model.settings import Settings

ROOT = Path(__file__).parents[3]
TRIGGERS: dict[str, type] = {
    "httpTrigger": azf.HttpRequest,
    "queueTrigger": azf.QueueMessage,
    "timerTrigger": azf.TimerRequest,
    "eventGridTrigger": azf.EventGridEvent,
}


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    """By name. An app may be asked for them once only."""
    return {each.get_function_name(): each for each in build().get_functions()}


def bindings(function: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(function.get_function_json())["bindings"]
    return found


def test_there_are_the_six_names_and_their_helpers(functions: dict[str, Any]) -> None:
    again = {f"{step}_again" for step in STEPS}
    assert set(functions) == {"api", *STEPS, *again, "reap_tick", "reap_event", "reap_expired"}


def test_every_argument_is_named_for_its_binding_and_of_its_type(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        parameters = inspect.signature(function.get_user_function()).parameters
        [trigger] = [each for each in bindings(function) if each["type"] in TRIGGERS]
        wanted = {trigger["name"]: TRIGGERS[trigger["type"]]}
        if "context" in parameters:
            wanted["context"] = azf.Context
        assert {each.name: each.annotation for each in parameters.values()} == wanted, name


def test_each_step_has_its_queue_and_that_of_messages_given_up(functions: dict[str, Any]) -> None:
    for step in STEPS:
        for name, queue in ((step, step), (f"{step}_again", f"{step}-poison")):
            assert bindings(functions[name]) == [
                {
                    "direction": "IN",
                    "type": "queueTrigger",
                    "name": "message",
                    "queueName": f"%HEADNODE_QUEUE_PREFIX%-{queue}",
                    "connection": "AzureWebJobsStorage",
                }
            ]


def test_the_api_takes_every_path_and_asks_for_no_key_of_the_host(functions: dict[str, Any]) -> None:
    trigger, answer = bindings(functions["api"])
    assert (trigger["route"], trigger["authLevel"]) == ("{*path}", "ANONYMOUS")
    assert set(trigger["methods"]) >= {"GET", "POST", "PUT", "DELETE"}
    assert answer == {"direction": "OUT", "type": "http", "name": "$return"}
    assert host()["extensions"]["http"]["routePrefix"] == ""


def test_the_timers_keep_the_settings_pace(functions: dict[str, Any]) -> None:
    [tick] = bindings(functions["reap_tick"])
    assert (tick["schedule"], Settings(installation="x").sweep_every) == ("0 * * * * *", 60.0)
    [expired] = bindings(functions["reap_expired"])
    assert expired["schedule"] == "0 7 * * * *"


def host() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return found


def test_the_host_gives_a_message_up_later_than_an_outage_lasts() -> None:
    queues = host()["extensions"]["queues"]
    assert queues["messageEncoding"] == "base64"
    hours, minutes, seconds = map(int, queues["visibilityTimeout"].split(":"))
    pause = hours * 3600 + minutes * 60 + seconds
    assert pause * queues["maxDequeueCount"] > 3 * 86400
    assert queues["newBatchThreshold"] < queues["batchSize"] <= 32
