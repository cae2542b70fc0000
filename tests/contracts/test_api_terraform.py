"""Terraform's provider, played request by request: it makes a thing, reads it back, and from then on each
plan must find nothing to change. What it takes for a removed thing: 400, 404, and any value of `deleted`."""

from pathlib import Path
from typing import Any

import pytest

from tests.contracts.test_api_tw import reference
from tests.unit.api.front import Front

CONFIG = {"discriminator": "aws-cloud", "region": "eu-west-1", "workDir": "s3://my-bucket/work"}
LAUNCH = {
    "pipeline": "https://github.com/nextflow-io/hello",
    "revision": "master",
    "workDir": "s3://my-bucket/work",
}


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    return Front.fresh(tmp_path / "data", request.node.name)


@pytest.fixture
def at(api: Front) -> str:
    """The workspace of every request."""
    return f"workspaceId={reference(api)}"


def environment(api: Front, at: str) -> str:
    """`seqera_aws_credential` and `seqera_aws_cloud_ce`, created and waited for; the latter's id."""
    keys = {"discriminator": "aws", "accessKey": "A", "secretKey": "S"}
    body = {"credentials": {"name": "aws", "provider": "aws", "keys": keys}}
    credentials = api.post(f"/credentials?{at}", body)["credentialsId"]
    shown = api.get(f"/credentials/{credentials}?{at}")["credentials"]
    assert "deleted" not in shown
    asked = {"name": "ce", "platform": "aws-cloud", "credentialsId": credentials, "config": CONFIG}
    made = str(api.post(f"/compute-envs?{at}", {"computeEnv": asked})["computeEnvId"])
    api.work()
    assert described(api, made, at)["status"] == "AVAILABLE"
    return made


def described(api: Front, id: str, at: str) -> dict[str, Any]:
    return dict(api.get(f"/compute-envs/{id}?{at}")["computeEnv"])


def test_an_environment_is_there_until_it_is_removed(api: Front, at: str) -> None:
    id = environment(api, at)
    shown = described(api, id, at)
    assert "deleted" not in shown
    assert {key: shown["config"][key] for key in CONFIG} == CONFIG
    api.delete(f"/compute-envs/{id}?{at}")
    assert "deleted" not in described(api, id, at)
    api.work(3)
    assert (described(api, id, at)["status"], described(api, id, at)["deleted"]) == ("DELETED", True)


def test_a_pipeline_reads_back_as_it_was_written(api: Front, at: str) -> None:
    launch = {**LAUNCH, "computeEnvId": environment(api, at)}
    for description in ("first", "second"):
        body = {"name": "hello", "description": description, "launch": launch}
        known = [each["pipelineId"] for each in api.get(f"/pipelines?{at}")["pipelines"]]
        if known:
            api.put(f"/pipelines/{known[0]}?{at}", body)
        else:
            known = [api.post(f"/pipelines?{at}", body)["pipeline"]["pipelineId"]]
        shown = api.get(f"/pipelines/{known[0]}?{at}")["pipeline"]
        assert (shown["name"], shown["description"]) == ("hello", description)
        kept = api.get(f"/pipelines/{known[0]}/launch?{at}")["launch"]
        assert {key: kept[key] for key in LAUNCH} == LAUNCH
        assert kept["computeEnv"]["id"] == launch["computeEnvId"]


def test_an_action_reads_back_as_it_was_written(api: Front, at: str) -> None:
    launch = {**LAUNCH, "computeEnvId": environment(api, at)}
    body = {"name": "by-call", "source": "tower", "launch": launch}
    id = api.post(f"/actions?{at}", body)["actionId"]
    shown = api.get(f"/actions/{id}?{at}")["action"]
    assert (shown["name"], shown["source"], shown["status"]) == ("by-call", "tower", "ACTIVE")
    assert {key: shown["launch"][key] for key in LAUNCH} == LAUNCH
