"""Which machine gets what opens its pipeline's repository."""

from typing import Any

import pytest

from tests.unit.api.front import Front
from tests.unit.api.test_credentials import creds


def keys(api: Front, name: str, base: str = "", workspace: str = "", **given: str) -> str:
    body = creds(name, "github", **given)
    body["credentials"]["baseUrl"] = base or None
    return str(api.post(f"/credentials{workspace}", body)["credentialsId"])


def git(api: Front, pipeline: str) -> Any:
    """What the machine of a new run is given."""
    run = api.launch("", pipeline=pipeline)
    path = f"/headnode/machine/{run}/1/spec"
    return api.post(path, {}, token=api.boot_token(run))["git"]


@pytest.fixture(autouse=True)
def _ready(api: Front) -> None:
    api.post(f"/compute-envs/{api.environment()}/primary", {}, status=204)


@pytest.mark.parametrize(
    "pipeline", ["lab/secret", "https://github.com/lab/secret", "https://github.com/lab/secret.git"]
)
def test_a_pipeline_on_github_gets_github_s(api: Front, pipeline: str) -> None:
    keys(api, "hub", token="t-1", username="me")
    assert git(api, pipeline) == [{"server": "https://github.com", "user": "me", "token": "t-1"}]


def test_the_nearest_base_wins_and_others_stay_sealed(api: Front) -> None:
    keys(api, "a", token="t-a")
    keys(api, "b", "https://github.com/lab", password="t-b")
    keys(api, "c", "https://github.com/la", token="t-c")
    keys(api, "d", "https://git.lab.example", token="t-d")
    assert [each["token"] for each in git(api, "lab/secret")] == ["t-b"]
    assert [each["token"] for each in git(api, "other/one")] == ["t-a"]
    found = git(api, "https://git.lab.example/x/y")
    assert found == [{"server": "https://git.lab.example", "user": "x-access-token", "token": "t-d"}]


@pytest.mark.parametrize(
    "pipeline",
    [
        "/home/me/pipeline",
        "http://github.com/lab/secret",
        "https://github.com.evil.example/lab/secret",
        "https://github.com@evil.example/lab/secret",
        "git@github.com:lab/secret",
        "https://evil.example/github.com/lab",
        "https://[github.com/lab/secret",
    ],
)
def test_no_other_place_gets_any(api: Front, pipeline: str) -> None:
    keys(api, "hub", token="t-1")
    assert git(api, pipeline) == []


def test_those_of_another_workspace_are_not_given(api: Front) -> None:
    keys(api, "hub", workspace="?workspaceId=1", token="t-1")
    assert git(api, "lab/secret") == []
