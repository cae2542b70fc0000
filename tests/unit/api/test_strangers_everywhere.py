"""Every operation, as a stranger: with no token, a token for something else, or out of another workspace.
Nobody reads another one's anything, and nothing changes."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.api.examples import EXAMPLES
from tests.unit.api.front import Front
from tests.unit.api.furnished import everything


def names() -> list[str]:
    return list(EXAMPLES)


OPEN = {
    "GET /service-info", "GET /healthz", "GET /headnode/runner.pyz",
    "POST /headnode/hooks/github/{action_id}", "POST /oauth/access_token",
}  # fmt: skip
"""What needs no token; a hook needs a signature instead."""
OF_THE_USER = (
    *("/user", "/orgs", "/tokens", "/platforms"),
    *("/headnode/parked", "/headnode/permissions", "/headnode/platforms"),
)
"""What belongs to the user or the installation, not to a workspace."""
MACHINES = "/headnode/machine/"


def snapshot(api: Front, there: Any) -> dict[str, str]:
    """Everything in the workspace that can be read, but for when the asking token was used."""
    return {
        name: EXAMPLES[name].sent(api, there, "GET", name.removeprefix("GET ")).text
        for name in names()
        if name.startswith("GET ") and "random" not in name and "/tokens" not in name
    }


@pytest.mark.parametrize(
    "whose", ["", "wrong", "expired_token", "run_token", "boot_token", "hook_token", "ended_token"]
)
def test_no_operation_is_open_to_a_stranger(api: Front, whose: str) -> None:
    """By every operation there is, on things that there are, with a token that is missing, wrong, expired
    or for something else: nothing is read, nothing changes."""
    there = everything(api)
    there.wrong, there.ended_token = "wrong", there.over_token
    before = snapshot(api, there)
    for name in names():
        method, _, form = name.partition(" ")
        example = replace(EXAMPLES[name], path={**EXAMPLES[name].path, **strange(name)}, raw=None, token="")
        answer = example.sent(api, there, method, form, token=getattr(there, whose) if whose else "")
        if name in OPEN:
            assert answer.status_code in (200, 400, 403, 415), name
        else:
            known = whose in ("run_token", "boot_token", "hook_token", "ended_token")
            assert answer.status_code == (403 if known else 401), f"{name}: {answer.text}"
    assert snapshot(api, there) == before


def strange(name: str) -> dict[str, str]:
    """Things that are none of these tokens' own: each opens its own run or action."""
    return {"run_id": "doomed", "workflow_id": "doomed", "action_id": "pushed"}


def test_another_workspace_finds_nothing_by_any_operation(api: Front) -> None:
    there = everything(api)
    before = snapshot(api, there)
    told = [value for value in vars(there).values() if len(str(value)) > 4]
    for name in names():
        method, _, form = name.partition(" ")
        makes = method == "POST" and "{" not in form
        if name in OPEN or makes or form.startswith((*OF_THE_USER, MACHINES)):
            continue
        answer = EXAMPLES[name].sent(api, there, method, form, workspace="workspaceId=0")
        assert answer.status_code in ((404,) if "{" in form else (200, 204)), f"{name}: {answer.text}"
        asked = answer.request.url.path + (answer.request.content or b"").decode()
        for id in told:
            assert id not in answer.text or id in asked, f"{name} tells of {id}"
    assert snapshot(api, there) == before
