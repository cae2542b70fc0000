"""/actions: launches that a call of a hook triggers."""

import json
from typing import Any

import pytest

from shared.model.access import Token
from tests.unit.api.front import Front

HELLO = "https://github.com/nextflow-io/hello"


def add(api: Front, name: str = "nightly", source: str = "tower", workspace: str = "", **launch: Any) -> str:
    body = {"name": name, "source": source, "launch": {"pipeline": HELLO, **launch}}
    return str(api.post(f"/actions{workspace}", body)["actionId"])


def test_an_action_is_added_listed_described_changed_and_deleted(api: Front) -> None:
    environment = api.environment()
    id = add(api, computeEnvId=environment, revision="main")
    [listed] = api.get("/actions?attributes=labels")["actions"]
    assert {key: listed[key] for key in ("id", "name", "source", "status", "pipeline", "labels")} == {
        "id": id,
        "name": "nightly",
        "source": "tower",
        "status": "ACTIVE",
        "pipeline": HELLO,
        "labels": [],
    }
    assert listed["config"] == {"discriminator": "tower"}
    assert listed["endpoint"] == f"http://control.test/actions/{id}/launch"
    assert listed["endpoint"] in listed["usageCmd"]
    shown = api.get(f"/actions/{id}")["action"]
    assert (shown["hookUrl"], shown["hookId"]) == (listed["endpoint"], id)
    assert shown["launch"]["computeEnv"]["id"] == environment
    assert api.get(f"/launch/{shown['launch']['id']}")["launch"] == shown["launch"]
    assert len(shown["launch"]["id"]) == 22
    api.put(f"/actions/{id}", {"name": "daily"}, status=204)
    api.put(f"/actions/{id}", {"launch": {"pipeline": HELLO, "revision": "dev"}}, status=204)
    shown = api.get(f"/actions/{id}")["action"]
    assert (shown["name"], shown["launch"]["revision"]) == ("daily", "dev")
    api.delete(f"/actions/{id}")
    assert api.get("/actions") == {"actions": []}
    assert api.call("GET", f"/actions/{id}").status_code == 404


def test_names_are_taken_once(api: Front) -> None:
    add(api)
    body = {"name": "Nightly", "source": "tower", "launch": {"pipeline": "a/b"}}
    again = api.call("POST", "/actions", json=body)
    assert (again.status_code, again.json()["message"]) == (400, "action Nightly already exists")
    assert api.call("GET", "/actions/validate?name=nightly").status_code == 409
    assert api.call("GET", "/actions/validate?name=weekly").status_code == 204
    add(api, workspace="?workspaceId=1")
    other = add(api, "other")
    assert api.call("PUT", f"/actions/{other}", json={"name": "nightly"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"source": "moon"}, 400),
        ({"source": "cron"}, 501),
        ({"source": "bucket"}, 501),
        ({"name": "a b"}, 400),
        ({"launch": {"revision": "x"}}, 400),
        ({"launch": {"pipeline": "a/b", "computeEnvId": "nothing"}}, 400),
        ({"launch": {"pipeline": "a/b", "labelIds": [9]}}, 400),
        (
            {
                "launch": {
                    "pipeline": "a/b",
                    "resume": True,
                    "sessionId": "40f3f3fb-db1e-4736-a606-8beb680628b1",
                }
            },
            400,
        ),
    ],
)
def test_what_is_wrong_is_refused(api: Front, body: dict[str, Any], status: int) -> None:
    whole = {"name": "nightly", "source": "tower", "launch": {"pipeline": HELLO}, **body}
    assert api.call("POST", "/actions", json=whole).status_code == status
    assert api.get("/actions") == {"actions": []}


def test_a_hook_is_opened_by_its_own_token_and_by_its_user(api: Front) -> None:
    label = api.post("/labels", {"name": "rna"})["id"]
    api.environment()
    id = add(api, paramsText='{"x": 1, "y": 2}', labelIds=[label])
    key = api.post(f"/headnode/actions/{id}/token")["token"]
    run = api.post(f"/actions/{id}/launch", {"params": {"y": 3}}, token=key)["workflowId"]
    api.work()
    found = api.get(f"/workflow/{run}?attributes=labels")
    assert found["workflow"]["params"] == {"x": 1, "y": 3}
    assert [each["name"] for each in found["labels"]] == ["rna"]
    assert found["workflow"]["userName"] == "headnode"
    shown = api.get(f"/actions/{id}")["action"]
    assert shown["event"]["workflowId"] == run
    assert shown["lastSeen"] == shown["event"]["timestamp"]
    again = api.post(f"/actions/{id}/launch")["workflowId"]  # no body is an empty one
    assert again != run
    assert api.run(again).launch["paramsText"] == '{"x": 1, "y": 2}'


def test_a_hooks_token_opens_nothing_else_and_is_not_shown_again(api: Front) -> None:
    api.environment()
    mine, other = add(api), add(api, "other")
    answer = api.post(f"/headnode/actions/{mine}/token")
    key = answer["token"]
    assert key in answer["usageCmd"]
    for method, path in (
        ("POST", f"/actions/{other}/launch"),
        ("GET", f"/actions/{mine}"),
        ("GET", "/actions"),
        ("DELETE", f"/actions/{mine}"),
        ("POST", f"/headnode/actions/{mine}/token"),
        ("GET", "/workflow"),
        ("GET", "/tokens"),
        ("POST", "/workflow/launch"),
        ("POST", "/trace/create"),
        ("GET", "/studios"),
    ):
        assert api.call(method, path, token=key, json={}).status_code == 403, path
    for path in ("/actions", f"/actions/{mine}", "/tokens"):
        assert key not in json.dumps(api.get(path))
    assert [each["name"] for each in api.get("/tokens")["tokens"]] == ["test"]


def test_a_renewed_token_voids_the_one_before_and_deletion_voids_all(api: Front) -> None:
    api.environment()
    id = add(api)
    first = api.post(f"/headnode/actions/{id}/token")["token"]
    second = api.post(f"/headnode/actions/{id}/token")["token"]
    assert api.call("POST", f"/actions/{id}/launch", token=first, json={}).status_code == 401
    assert api.call("POST", f"/actions/{id}/launch", token=second, json={}).status_code == 200
    api.delete(f"/actions/{id}")
    assert api.call("POST", f"/actions/{id}/launch", token=second, json={}).status_code == 401
    [kept] = api.world.store.find(Token, "user", "1").items
    assert kept.name == "test"
    assert api.call("POST", f"/headnode/actions/{id}/secret").status_code == 404


def test_a_paused_action_launches_nothing_until_it_is_resumed(api: Front) -> None:
    api.environment()
    id = add(api)
    api.post(f"/actions/{id}/pause", {}, status=204)
    assert api.get(f"/actions/{id}")["action"]["status"] == "PAUSED"
    refused = api.call("POST", f"/actions/{id}/launch", json={})
    assert (refused.status_code, refused.json()["message"]) == (400, "action nightly is PAUSED")
    api.post(f"/actions/{id}/pause", {}, status=204)
    api.post(f"/actions/{id}/launch", {})
    assert api.get("/workflow")["totalSize"] == 1


def test_a_trigger_without_an_environment_says_so(api: Front) -> None:
    id = add(api)
    answer = api.call("POST", f"/actions/{id}/launch", json={})
    assert (answer.status_code, "no primary" in answer.json()["message"]) == (400, True)


def test_parameters_cannot_be_added_to_yaml(api: Front) -> None:
    api.environment()
    id = add(api, paramsText="x: 1\n")
    answer = api.call("POST", f"/actions/{id}/launch", json={"params": {"y": 1}})
    assert "params" in answer.json()["message"]
    run = api.post(f"/actions/{id}/launch", {"params": {}})["workflowId"]
    assert api.run(run).launch["paramsText"] == "x: 1\n"


def test_parameters_have_a_limit(api: Front) -> None:
    api.environment()
    id = add(api, paramsText=json.dumps({"x": "é" * 60_000}, ensure_ascii=False))
    answer = api.call("POST", f"/actions/{id}/launch", json={"params": {"y": "é" * 60_000}})
    assert (answer.status_code, "params: are longer" in answer.json()["message"]) == (400, True)
    run = api.post(f"/actions/{id}/launch", {"params": {"y": "é"}})["workflowId"]
    assert api.run(run).launch["paramsText"].endswith('"y": "é"}')


def test_types_say_what_is_served(api: Front) -> None:
    found = {each["source"]: each["enabled"] for each in api.get("/actions/types")["eventTypes"]}
    assert found == {"tower": True, "github": True, "cron": False, "bucket": False}
