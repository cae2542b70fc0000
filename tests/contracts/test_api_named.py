"""Pipelines, labels, actions, tokens and pushes through the API, on every store."""

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.api.auth import issue_token
from shared.model.access import Token
from shared.model.pipeline import PipelineVersion
from tests.contracts.test_store import pair, store  # noqa: F401 (fixtures)
from tests.unit.api.front import Front

HELLO = "https://github.com/nextflow-io/hello"


@pytest.fixture
def api(store, tmp_path: Path, request: pytest.FixtureRequest) -> Front:  # type: ignore[no-untyped-def] # noqa: F811
    front = Front.fresh(tmp_path / "data", request.node.name)
    world = replace(front.world, store=store)
    return Front(world, front.cloud, front.clock, issue_token(world, "test"))


def test_labels_are_found_again_and_pages_show_them(api: Front) -> None:
    first = api.post("/labels", {"name": "Cost: Lab.1", "value": "a b", "resource": True})
    assert api.post("/labels", {"name": "cost: lab.1", "value": "A B", "resource": True})["id"] == first["id"]
    assert api.post("/labels", {"name": "cost: lab.1"})["id"] != first["id"]
    api.environment()
    runs = [api.launch(labelIds=[first["id"]] if number % 2 else []) for number in range(4)]
    shown = {each["workflow"]["id"]: each["labels"] for each in api.get("/workflow")["workflows"]}
    assert [len(shown[run]) for run in runs] == [0, 1, 0, 1]
    taken = api.post("/labels", {"name": "taken"})["id"]
    answer = api.call("PUT", f"/labels/{taken}", json={"name": "Cost: Lab.1"})
    assert (answer.status_code, "already exists" in answer.json()["message"]) == (400, True)


def test_the_longest_labels_are_told_apart(api: Front) -> None:
    """Longer than a key of some stores."""
    bodies = [{"name": "学" * 128, "value": "é" * 255 + end, "resource": True} for end in "abc"]
    ids = [api.post("/labels", body)["id"] for body in bodies]
    assert len(set(ids)) == 3
    assert [api.post("/labels", body)["id"] for body in bodies] == ids
    assert {each["id"] for each in api.get("/labels?search=学")["labels"]} == set(ids)
    api.delete(f"/labels/{ids[1]}")
    assert api.post("/labels", bodies[1])["id"] not in ids


def test_a_pipelines_versions_hand_over_their_name(api: Front) -> None:
    launch = {"pipeline": HELLO}
    made = api.post("/pipelines", {"name": "p", "launch": launch, "version": {"name": "v1"}})["pipeline"]
    id = made["pipelineId"]
    for revision in ("a", "b"):
        api.clock.advance(1)
        body = {"launch": {**launch, "revision": revision}}
        assert api.put(f"/pipelines/{id}", body)["pipeline"]["version"]["name"] == "v1"
    listed = api.get(f"/pipelines/{id}/versions")["versions"]
    assert [each["version"].get("name") for each in listed] == ["v1", None, None]
    again = api.call("POST", "/pipelines", json={"name": "P", "launch": launch})
    assert again.status_code == 409
    api.delete(f"/pipelines/{id}")
    assert api.world.store.find(PipelineVersion, "pipeline", str(id)).items == ()
    api.post("/pipelines", {"name": "P", "launch": launch, "version": {"name": "v1"}})


def test_tokens_are_listed_noted_and_forgotten(api: Front) -> None:
    made = api.post("/tokens", {"name": "laptop"})
    api.clock.advance(3600)
    api.get("/user-info", token=made["accessKey"])
    used = {each["name"]: each.get("lastUsed") for each in api.get("/tokens")["tokens"]}
    assert used == {"test": "2027-01-15T09:00:00Z", "laptop": "2027-01-15T09:00:00Z"}
    api.delete(f"/tokens/{made['token']['id']}")
    assert [each.name for each in api.world.store.find(Token, "user", "1").items] == ["test"]
    assert api.call("GET", "/user-info", token=made["accessKey"]).status_code == 401


def test_a_push_is_taken_once(api: Front) -> None:
    api.environment()
    body = {"name": "pushed", "source": "github", "launch": {"pipeline": HELLO}}
    action = api.post("/actions", body)["actionId"]
    secret = api.post(f"/headnode/actions/{action}/secret")["secret"]
    repository = {"full_name": "nextflow-io/hello", "html_url": HELLO, "default_branch": "main"}
    data = json.dumps({"ref": "refs/heads/main", "after": "a" * 40, "repository": repository}).encode()
    digest = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()

    def send(delivery: str) -> int:
        headers = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": delivery,
            "x-hub-signature-256": f"sha256={digest}",
        }
        path = f"/headnode/hooks/github/{action}"
        return api.call("POST", path, token="", content=data, headers=headers).status_code

    assert [send("one"), send("one"), send("two")] == [200, 409, 409]
    assert api.get("/workflow")["totalSize"] == 1


def test_a_hooks_token_is_renewed(api: Front) -> None:
    api.environment()
    body = {"name": "hooked", "source": "tower", "launch": {"pipeline": HELLO}}
    action = api.post("/actions", body)["actionId"]
    keys = [api.post(f"/headnode/actions/{action}/token")["token"] for _ in range(2)]
    path = f"/actions/{action}/launch"
    assert [api.call("POST", path, token=key, json={}).status_code for key in keys] == [401, 200]


@pytest.mark.parametrize("id", ["x" * 3000, "éx", "a b", "%00", "~", "!" * 300], ids=len)
def test_an_id_that_no_key_can_be_is_not_found(api: Front, id: str) -> None:
    for path in ("/actions/", "/compute-envs/", "/launch/", "/workflow/"):
        assert api.call("GET", path + quote(id, safe="%")).status_code == 404
    hook = f"/headnode/hooks/github/{quote(id, safe='%')}"
    assert api.call("POST", hook, token="", content=b"{}").status_code == 403
