"""The check of answers against the public description can fail."""

import re
from typing import Any

import pytest

from tests import spec
from tests.unit.api.front import Front

pytestmark = pytest.mark.skipif(
    spec.document() is None, reason="the public description does not lie beside the repository"
)

ENVIRONMENT = {
    "id": "x",
    "name": "n",
    "platform": "aws-cloud",
    "status": "AVAILABLE",
    "dateCreated": "2026-01-01T00:00:00Z",
    "config": {"discriminator": "aws-cloud", "region": "r"},
}


def wrong(**changes: Any) -> list[str]:
    body = {"computeEnv": {**ENVIRONMENT, **changes}}
    return spec.complaints("GET", "/api/compute-envs/x?workspaceId=1", 200, body)


def test_what_is_as_described_is_no_complaint() -> None:
    assert wrong() == []
    assert wrong(resources=None, config={"discriminator": "azure-cloud", "networkId": "n"}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "BROKEN"}, {"name": None}, {"name": 5}, {"dateCreated": "yesterday"}, {"nmae": "x"},
        {"config": {"region": "r"}}, {"config": {"discriminator": "moon"}}, {"workspaceId": 2**70},
        {"config": {"discriminator": "aws-cloud", "region": 5}},
        {"config": {"discriminator": "azure-cloud", "subnets": "s"}}, {"labels": [{"name": 5}]},
    ],
)  # fmt: skip
def test_what_is_not_is_one(changes: dict[str, Any]) -> None:
    assert wrong(**changes)


def test_statuses_paths_and_errors_are_held_against_it_too() -> None:
    assert spec.complaints("GET", "/compute-envs/x", 418, {"message": "m"})
    assert spec.complaints("GET", "/compute-envs/x", 400, {"error": "m"})
    assert spec.complaints("GET", "/compute-environments", 200, {})
    assert spec.complaints("GET", "/compute-envs/x", 400, {"message": "m", "errors": []}) == []
    assert spec.complaints("GET", "/user/1/workspaces", 200, {"orgsAndWorkspaces": [{"orgId": None}]}) == []
    assert spec.complaints("GET", "/user/1/workspaces", 200, {"orgsAndWorkspaces": [{"orgId": "x"}]})


def test_each_operation_of_the_description_has_a_deliberate_answer(api: Front) -> None:
    """Served, or said in words not to be: a 501 or a 404 that names what is missing, never a wrong method
    or an unknown path."""
    found = spec.document()
    assert found is not None
    walked = 0
    for form, operations in found["paths"].items():
        for method in operations.keys() & {"get", "put", "post", "delete", "patch"}:
            path = re.sub(r"\{\w+\}", "1", form)
            answer = api.call(
                method.upper(), path, content=b"{}", headers={"content-type": "application/json"}
            )
            assert answer.status_code not in (405, 500), f"{method} {form}"
            if answer.status_code in (404, 501):
                message = answer.json()["message"]
                assert "not found" in message or "not served" in message, f"{method} {form}: {message}"
            walked += 1
    assert walked == 252
