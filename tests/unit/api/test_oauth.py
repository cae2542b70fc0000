"""POST /oauth/access_token: short access tokens for longer ones."""

from typing import Any

import httpx
import pytest

from shared.api.auth import issue_token
from shared.model.access import Token, token_id
from tests.unit.api.front import Front


def refresh(api: Front, token: str, **form: str) -> httpx.Response:
    data = {"grant_type": "refresh_token", "refresh_token": token, **form}
    return api.call("POST", "/oauth/access_token", token="", data=data)


def test_a_users_token_gives_access_for_an_hour_again_and_again(api: Front) -> None:
    answers = [refresh(api, api.token) for _ in range(2)]
    for answer in answers:
        told = answer.json()
        assert (told["token_type"], told["expires_in"], told["refresh_token"]) == ("bearer", 3600, api.token)
        assert answer.cookies["JWT"] == told["access_token"]
        assert answer.cookies["JWT_REFRESH_TOKEN"] == told["refresh_token"]
        assert answer.headers["cache-control"] == "no-store"
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "Secure" not in answer.headers["set-cookie"], "this control plane is plain http"
    first, second = (answer.json()["access_token"] for answer in answers)
    assert first != second
    for access in (first, second):
        assert api.call("GET", "/user-info", token=access).status_code == 200
        assert api.world.store.get(Token, access) is None
    assert len(api.get("/tokens")["tokens"]) == 1, "only what a user made is listed"
    api.clock.advance(3601)
    assert api.call("GET", "/user-info", token=first).status_code == 401
    assert refresh(api, api.token).status_code == 200


def test_what_is_given_opens_no_more_and_for_no_longer(api: Front) -> None:
    environment = api.environment()
    run, other = api.launch(environment), api.launch(environment)
    access = refresh(api, api.run_token(run)).json()["access_token"]
    assert api.call("PUT", f"/trace/{run}/heartbeat", token=access, json={}).status_code == 200
    assert api.call("PUT", f"/trace/{other}/heartbeat", token=access, json={}).status_code == 403
    assert api.call("GET", "/user-info", token=access).status_code == 403
    found = api.world.store.get(Token, token_id(access))
    assert found is not None
    assert (found.run_id, found.attempt) == (run, 1)

    short = issue_token(api.world, "short", expires_at=api.clock.now() + 60)
    told = refresh(api, short).json()
    assert told["expires_in"] == 60
    api.clock.advance(60)
    assert api.call("GET", "/user-info", token=told["access_token"]).status_code == 401
    assert refresh(api, short).json()["error"] == "invalid_grant"


def test_what_was_given_gives_nothing(api: Front) -> None:
    """Or who caught an hour would have it for ever."""
    access = refresh(api, api.token).json()["access_token"]
    assert refresh(api, access).json()["error"] == "invalid_grant"
    run = api.launch(api.environment())
    for token in ("wrong", "", "x" * 5000, api.boot_token(run)):
        answer = refresh(api, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert "set-cookie" not in answer.headers
    spare = issue_token(api.world, "spare")
    listed = {each["name"]: each["id"] for each in api.get("/tokens")["tokens"]}
    api.delete(f"/tokens/{listed['spare']}")
    assert refresh(api, spare).status_code == 400


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"data": {"grant_type": "password", "username": "me", "password": "x"}}, 400),
        ({"data": {}}, 415),
        ({"json": {"grant_type": "refresh_token"}}, 415),
        ({"data": {"grant_type": "refresh_token"}}, 400),
        ({"data": {"grant_type": "refresh_token", "refresh_token": "x" * 20_000}}, 413),
        ({"data": {f"f{number}": "x" for number in range(50)}}, 400),
    ],
)
def test_any_other_request_is_refused(api: Front, given: dict[str, Any], status: int) -> None:
    assert api.call("POST", "/oauth/access_token", token="", **given).status_code == status
