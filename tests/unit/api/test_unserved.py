"""What the public API has and we do not: empty listings, and writes that say so."""

import re

import pytest

from shared.api.unserved import EMPTY, UNKNOWN, refused, router
from tests.unit.api.front import Front


def filled(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", path)


@pytest.mark.parametrize("path", EMPTY)
def test_listings_are_empty_and_correct(api: Front, path: str) -> None:
    found = api.get(f"{filled(path)}?workspaceId=1&max=100&offset=0")
    assert found == EMPTY[path]


@pytest.mark.parametrize("path", UNKNOWN)
def test_there_are_no_single_ones(api: Front, path: str) -> None:
    answer = api.call("GET", filled(path))
    assert (answer.status_code, "not found" in answer.json()["message"]) == (404, True)


@pytest.mark.parametrize(("method", "path", "what"), list(refused()))
def test_what_is_not_served_says_so(api: Front, method: str, path: str, what: str) -> None:
    answer = api.call(method, filled(path), json={})
    assert (answer.status_code, answer.json()["message"].startswith(what)) == (501, True)


def test_none_of_it_is_open(api: Front) -> None:
    api.environment()
    token = api.run_token(api.launch())
    for route in router.routes:
        path = filled(route.path)  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
            assert api.call(method, path, token="", json={}).status_code == 401
            assert api.call(method, path, token=token, json={}).status_code == 403


def test_the_organization_has_one_member_and_no_teams(api: Front) -> None:
    [member] = api.get("/orgs/1/members")["members"]
    assert (member["userName"], member["role"]) == ("headnode", "owner")
    [participant] = api.get("/orgs/1/workspaces/1/participants?max=10&offset=0")["participants"]
    assert (participant["wspRole"], participant["type"]) == ("owner", "MEMBER")
    assert api.get("/orgs/1/teams") == {"teams": [], "totalSize": 0}
    assert api.get("/orgs/1/collaborators") == {"members": [], "totalSize": 0}
    for path in ("/orgs/2/members", "/orgs/2/teams", "/orgs/1/workspaces/2/participants"):
        assert api.call("GET", path).status_code == 404
    assert api.call("GET", "/orgs/validate?name=headnode").status_code == 409
    assert api.call("GET", "/orgs/1/workspaces/validate?name=main").status_code == 409
    assert api.call("GET", "/orgs/1/workspaces/validate?name=other").status_code == 204
