"""GitHub's webhook: signed, meant, and taken once."""

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from shared.errors import Unreachable
from shared.model.action import Action, PushTaken
from tests.unit.api.front import Front

HELLO = "https://github.com/nextflow-io/hello"
COMMIT = "1d71f857bb64edb29eb1cd1cb4ee4ee3a1a2b3c4"


def push(api: Front, **changes: Any) -> dict[str, Any]:
    repository = {
        "full_name": "nextflow-io/hello",
        "clone_url": f"{HELLO}.git",
        "html_url": HELLO,
        "default_branch": "master",
        "pushed_at": int(api.clock.now()),
    }
    return {
        "ref": "refs/heads/master",
        "after": COMMIT,
        "deleted": False,
        "repository": {**repository, **changes.pop("repository", {})},
        "pusher": {"name": "me", "email": "me@example.org"},
        "head_commit": {"message": "Say hello"},
        **changes,
    }


class Hook:
    """GitHub, with the secret of one action."""

    def __init__(self, api: Front, **launch: Any) -> None:
        self.api = api
        body = {"name": "pushed", "source": "github", "launch": {"pipeline": HELLO, **launch}}
        self.action = str(api.post("/actions", body)["actionId"])
        made = api.post(f"/headnode/actions/{self.action}/secret")
        self.secret = made["secret"]
        self.path = made["hookUrl"].removeprefix("http://control.test")
        self.count = 0

    def send(self, body: Any, **headers: str) -> httpx.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.count += 1
        digest = hmac.new(self.secret.encode(), data, hashlib.sha256).hexdigest()
        given = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": f"72d3162e-cc78-11e3-81ab-4c9367dc{self.count:04d}",
            "x-hub-signature-256": f"sha256={digest}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.api.call("POST", self.path, token="", content=data, headers=given)

    def runs(self) -> int:
        return int(self.api.get("/workflow")["totalSize"])

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/actions/{self.action}")["action"]
        return found


@pytest.fixture
def hook(api: Front) -> Hook:
    api.environment()
    return Hook(api)


def test_a_signed_push_runs_exactly_that_commit(api: Front, hook: Hook) -> None:
    answer = hook.send(push(api))
    assert answer.status_code == 200
    run = api.run(answer.json()["workflowId"])
    assert (run.launch["commitId"], run.launch["pipeline"]) == (COMMIT, HELLO)
    assert hook.shown()["event"] == {
        "discriminator": "github",
        "timestamp": "2027-01-15T08:00:00Z",
        "ref": "refs/heads/master",
        "commitId": COMMIT,
        "commitMessage": "Say hello",
        "pusherName": "me",
        "pusherEmail": "me@example.org",
    }
    assert hook.shown()["config"] == {"discriminator": "github", "events": ["push"]}


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=" + "é" * 3, "x" * 5000],
)
def test_a_wrong_signature_is_refused_before_anything_is_read(api: Front, hook: Hook, signature: str) -> None:
    data = b"{not even json"
    answer = api.call(
        "POST", hook.path, token="", content=data, headers={"x-hub-signature-256": signature.encode()}
    )
    assert (answer.status_code, answer.json()["message"]) == (403, "the signature does not fit")
    assert hook.runs() == 0


def test_a_changed_body_another_secret_and_another_action_are_refused_alike(api: Front, hook: Hook) -> None:
    data = json.dumps(push(api)).encode()
    good = "sha256=" + hmac.new(hook.secret.encode(), data, hashlib.sha256).hexdigest()
    answers = [
        hook.send(data + b" ", x_hub_signature_256=good),
        api.call("POST", "/headnode/hooks/github/nothing", token="", content=data),
    ]
    other = api.post("/actions", {"name": "hooked", "source": "tower", "launch": {"pipeline": HELLO}})
    answers.append(api.call("POST", f"/headnode/hooks/github/{other['actionId']}", token="", content=data))
    api.post(f"/headnode/actions/{hook.action}/secret")  # renewed: the one before is void
    answers.append(hook.send(data))
    assert {(each.status_code, each.text) for each in answers} == {
        (403, '{"message":"the signature does not fit"}')
    }
    assert hook.runs() == 0


def test_an_action_without_a_secret_takes_no_push(api: Front) -> None:
    body = {"name": "pushed", "source": "github", "launch": {"pipeline": HELLO}}
    id = api.post("/actions", body)["actionId"]
    data = json.dumps(push(api)).encode()
    for key in (b"", b"0" * 64):
        sent = {"x-hub-signature-256": "sha256=" + hmac.new(key, data, hashlib.sha256).hexdigest()}
        path = f"/headnode/hooks/github/{id}"
        assert api.call("POST", path, token="", content=data, headers=sent).status_code == 403


def test_a_push_is_taken_once_whatever_its_number(api: Front, hook: Hook) -> None:
    data = json.dumps(push(api)).encode()
    assert hook.send(data, x_github_delivery="one").status_code == 200
    same = hook.send(data, x_github_delivery="one")
    assert (same.status_code, same.json()["message"]) == (409, "delivery one was taken already")
    assert hook.send(data, x_github_delivery="two").status_code == 409
    assert hook.send(push(api, after="b" * 40), x_github_delivery="one").status_code == 409
    assert hook.runs() == 1


def test_a_push_older_than_what_is_remembered_is_refused(api: Front, hook: Hook) -> None:
    data = json.dumps(push(api)).encode()
    assert hook.send(data).status_code == 200
    api.clock.advance(61 * 86400)
    api.world.store.expire(api.clock.now())  # type: ignore[attr-defined]
    assert hook.send(data).status_code == 409
    assert hook.runs() == 1


def test_what_is_not_meant_launches_nothing(api: Front, hook: Hook) -> None:
    other = {"full_name": "evil/hello", "clone_url": "x", "html_url": "y"}
    for body, reason in (
        (push(api, ref="refs/heads/dev"), "ignored: it is not to master"),
        (push(api, ref="refs/tags/v1"), "ignored: it is not to master"),
        (push(api, deleted=True), "ignored: it deletes a branch"),
        (push(api, repository=other), "ignored: it is of another repository"),
        ({}, "ignored: it is of another repository"),
        (push(api) | {"repository": 5}, "ignored: it is of another repository"),
    ):
        answer = hook.send(body)
        assert (answer.status_code, answer.json()) == (200, {"message": reason})
    assert hook.send({}, x_github_event="ping").json() == {"message": "pong"}
    assert hook.send({}, x_github_event="issues").status_code == 200
    assert hook.send(push(api), x_github_delivery="").status_code == 400
    assert hook.send(push(api), x_github_delivery="a/b").status_code == 400
    assert hook.send(b"[1]").status_code == 400
    assert hook.send(b"<x/>", content_type="application/xml").status_code == 415
    form = "application/x-www-form-urlencoded"
    for odd in (b"payload=x", b"payload=%ff", b"", b"&".join([b"a=b"] * 20)):
        assert hook.send(odd, content_type=form).status_code == 400
    assert hook.runs() == 0


def test_a_revision_is_the_branch_or_tag_that_is_meant(api: Front) -> None:
    api.environment()
    hook = Hook(api, revision="v1", pipeline="nextflow-io/Hello")
    assert "not to v1" in hook.send(push(api)).text
    odd = hook.send(push(api, ref="refs/heads/v1", after="nonsense")).json()["workflowId"]
    assert "commitId" not in api.run(odd).launch
    # An annotated tag has an object of its own; what is run is the commit that it stands for.
    tag = push(api, ref="refs/tags/v1", after="a" * 40, head_commit={"id": COMMIT})
    assert api.run(hook.send(tag).json()["workflowId"]).launch["commitId"] == COMMIT


def test_a_push_may_come_as_a_form(api: Front, hook: Hook) -> None:
    """What GitHub does unless its user says otherwise."""
    body = push(api, head_commit={"id": COMMIT, "message": "Grüße & more"})
    answer = hook.send(
        urlencode({"payload": json.dumps(body)}).encode(), content_type="application/x-www-form-urlencoded"
    )
    assert api.run(answer.json()["workflowId"]).launch["commitId"] == COMMIT
    assert hook.shown()["event"]["commitMessage"] == "Grüße & more"


def test_a_huge_body_is_refused(api: Front, hook: Hook) -> None:
    answer = hook.send(b" " * (2 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_a_paused_action_says_so_and_takes_the_push_later(api: Front, hook: Hook) -> None:
    api.post(f"/actions/{hook.action}/pause", {}, status=204)
    data = json.dumps(push(api)).encode()
    answer = hook.send(data, x_github_delivery="one")
    assert (answer.status_code, answer.json()["message"]) == (409, "action pushed is PAUSED")
    assert hook.shown()["error"] == "action pushed is PAUSED"
    api.post(f"/actions/{hook.action}/pause", {}, status=204)
    assert hook.send(data, x_github_delivery="one").status_code == 200
    assert (hook.runs(), "error" in hook.shown()) == (1, False)


@pytest.mark.parametrize("at", range(1, 8))
def test_a_push_whose_work_was_cut_off_anywhere_becomes_one_run(api: Front, hook: Hook, at: int) -> None:
    """The store dies at the n-th write; GitHub sends the same delivery again."""
    data = json.dumps(push(api)).encode()
    whole, left = api.world, [at]

    class Dying:
        def __getattr__(self, name: str) -> Any:
            real = getattr(whole.store, name)

            def call(*args: Any, **given: Any) -> Any:
                if name in ("save", "save_all"):
                    left[0] -= 1
                    if left[0] == 0:
                        raise Unreachable("cut off")
                return real(*args, **given)

            return call

    api.app.state.world = replace(whole, store=Dying())  # type: ignore[arg-type]
    first = hook.send(data, x_github_delivery="one")
    assert first.status_code in (200, 503)
    api.app.state.world = whole
    second = hook.send(data, x_github_delivery="one")
    assert (first.status_code, second.status_code) in ((200, 409), (503, 200), (503, 409))
    assert hook.runs() == 1


def test_deliveries_of_one_push_at_once_are_one_run(api: Front, hook: Hook) -> None:
    data = json.dumps(push(api)).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: hook.send(data, x_github_delivery=f"d{n % 4}"), range(16)))
    found = sorted(answer.status_code for answer in answers)
    assert found == [200] + [409] * 15
    assert hook.runs() == 1


def test_what_opens_a_hook_is_kept_sealed(api: Front, hook: Hook) -> None:
    kept = api.world.store.get(Action, hook.action)
    assert kept is not None
    assert hook.secret not in repr(kept)
    for path in ("/actions", f"/actions/{hook.action}"):
        assert hook.secret not in json.dumps(api.get(path))
    assert api.call("POST", f"/headnode/actions/{hook.action}/token").status_code == 400


def test_deliveries_are_forgotten_in_the_end(api: Front, hook: Hook) -> None:
    hook.send(push(api), x_github_delivery="one")
    assert api.world.store.get(PushTaken, f"{hook.action}/one") is not None
    api.clock.advance(61 * 86400)
    api.world.store.expire(api.clock.now())  # type: ignore[attr-defined]
    assert api.world.store.get(PushTaken, f"{hook.action}/one") is None
