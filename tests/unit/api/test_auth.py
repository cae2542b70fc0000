"""Who may do what."""

import base64
import re

import pytest

from shared.api.auth import issue_token
from shared.model.access import Token, token_id
from tests.unit.api.front import Front


def test_only_the_hash_of_a_token_is_stored(api: Front) -> None:
    text = issue_token(api.world, "second")
    padded = text + "=" * (-len(text) % 4)
    assert re.fullmatch(rb'\{"tid":1\}\.[0-9a-f]{64}', base64.b64decode(padded))
    assert api.world.store.get(Token, text) is None
    assert api.world.store.get(Token, token_id(text)).name == "second"


def test_a_token_is_taken_as_bearer_and_as_basic(api: Front) -> None:
    basic = base64.b64encode(f"@token:{api.token}".encode()).decode()
    for header in (f"Bearer {api.token}", f"bearer  {api.token} ", f"Basic {basic}"):
        answer = api.call("GET", "/user-info", token="", headers={"authorization": header})
        assert answer.status_code == 200, header


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nobody",
        "Basic",
        "Basic !!!",
        "Digest x",
        "Bearer " + "x" * 5000,
        "Basic " + base64.b64encode(b"user:password").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
    ],
)
def test_anything_else_is_unauthorized(api: Front, header: str) -> None:
    headers = {"authorization": header} if header else {}
    answer = api.call("GET", "/user-info", token="", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_expired_token_is_unauthorized(api: Front) -> None:
    text = issue_token(api.world, "short", expires_at=api.clock.now() + 10)
    assert api.call("GET", "/user-info", token=text).status_code == 200
    api.clock.advance(10)
    assert api.call("GET", "/user-info", token=text).status_code == 401


def test_nothing_but_the_open_paths_answers_without_a_token(api: Front) -> None:
    opened = {
        "/service-info",
        "/healthz",
        "/headnode/runner.pyz",
        "/openapi.json",
        "/docs",
        "/headnode/hooks/github/{action_id}",
        "/oauth/access_token",
    }
    paths = api.get("/openapi.json")["paths"]
    assert len(paths) > 40
    for form, operations in paths.items():
        path = re.sub(r"\{[^}]*\}", "1", form)
        for method in operations:
            answer = api.call(method.upper(), path, token="", json={})
            assert (answer.status_code == 401) == (form not in opened), (
                f"{method} {form}: {answer.status_code}"
            )


def test_a_runs_token_reaches_that_run_only(api: Front) -> None:
    environment = api.environment()
    mine, other = api.launch(environment), api.launch(environment)
    token = api.run_token(mine)

    def status(method: str, path: str, **given: object) -> int:
        return api.call(method, path, token=token, **given).status_code

    for path in (f"/workflow/{mine}", f"/workflow/{mine}/log", f"/workflow/{mine}/progress"):
        assert status("GET", path) == 200
        assert status("GET", path.replace(mine, other)) == 403
    for path in ("/user-info", "/compute-envs", "/workflow", "/credentials", "/headnode/parked"):
        assert status("GET", path) == 403
    create = {"sessionId": "s", "runName": "r"}
    assert status("POST", "/trace/create", json={**create, "workflowId": other}) == 403
    assert status("POST", "/trace/create", json=create) == 403
    assert status("PUT", f"/trace/{other}/heartbeat", json={}) == 403
    assert status("POST", f"/workflow/{mine}/cancel", json={}) == 403
    assert status("POST", f"/headnode/machine/{other}/1/report", json={"event": "start"}) == 403
    assert status("POST", f"/headnode/machine/{mine}/2/report", json={"event": "start"}) == 403
    assert status("POST", f"/headnode/machine/{mine}/1/spec", json={}) == 403


def test_a_boot_token_fetches_that_attempts_spec_and_nothing_else(api: Front) -> None:
    run = api.launch(api.environment())
    token = api.boot_token(run)

    def status(method: str, path: str, **given: object) -> int:
        return api.call(method, path, token=token, **given).status_code

    assert status("GET", f"/workflow/{run}") == 403
    assert status("PUT", f"/trace/{run}/heartbeat", json={}) == 403
    assert status("POST", f"/headnode/machine/{run}/2/spec", json={}) == 403
    assert status("POST", f"/headnode/machine/{run}/1/report", json={"event": "start"}) == 403
    assert status("POST", f"/headnode/machine/{run}/1/report", json={"event": "boot"}) == 200
    assert status("POST", f"/headnode/machine/{run}/1/spec", json={}) == 200


def test_a_users_token_is_no_machines(api: Front) -> None:
    run = api.launch(api.environment())
    assert api.call("POST", f"/headnode/machine/{run}/1/spec", json={}).status_code == 403
