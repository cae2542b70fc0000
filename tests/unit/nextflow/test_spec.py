"""From a run and its environment to the runner's spec."""

from typing import Any

import pytest

from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.nextflow.spec import build
from shared.runner.spec import Spec

SETTINGS = Settings(installation="i", api_url="https://control.example/", heartbeat=7)
PLATFORM = {"logs": {"kind": "file", "path": "/l"}, "region": "r", "environment": {"A": "1"}}


def spec(
    config: dict[str, Any] | None = None,
    number: int = 1,
    platform: str = "aws-cloud",
    workspace: int = 0,
    **launch: Any,
) -> dict[str, Any]:
    run = Run(
        id="runrunrunrunrun1",
        name="happy",
        session_id="s-1",
        workspace_id=workspace,
        work_dir="s3://b/w",
        launch={"pipeline": "x/hello", **launch},
        deadline=900.0,
    )
    attempt = Attempt(number=number, offer=Offer(machine_type="m"), deadline=500.0)
    environment = Environment(id="e", name="e", platform=platform, config=config or {})
    return build(run, attempt, environment, SETTINGS, PLATFORM, "token-1")


def test_the_runner_understands_it() -> None:
    built = spec(workspace=1, revision="v1", mainScript="main.nf")
    read = Spec.of(built)
    assert (read.run, read.attempt, read.engine, read.pipeline) == (
        "runrunrunrunrun1",
        1,
        "nextflow",
        "x/hello",
    )
    assert (read.revision, read.main, read.work_dir) == ("v1", "main.nf", "s3://b/w")
    assert (read.token, read.api, read.workspace) == ("token-1", "https://control.example", 1)
    assert (read.deadline, read.heartbeat) == (500.0, 7.0)
    assert read.environment == {"A": "1"}
    assert read.container == ""


def test_options_become_arguments() -> None:
    args = spec(
        configProfiles=["test", "docker"],
        entryName="sub",
        outputDir="s3://b/out",
        pullLatest=True,
        stubRun=True,
    )["args"]
    assert args == [
        "-profile",
        "test,docker",
        "-entry",
        "sub",
        "-output-dir",
        "s3://b/out",
        "-latest",
        "-stub-run",
    ]
    assert spec()["args"] == []


def test_configs_are_read_in_the_order_of_who_is_nearer_to_the_run() -> None:
    files = spec({"nextflowConfig": "a = 1"}, configText="a = 2\n")["files"]
    names = sorted(files)
    assert [name.split("-", 2)[2] for name in names] == [
        "1-headnode.config",
        "2-environment.config",
        "3-launch.config",
    ]
    assert [files[name] for name in names[1:]] == ["a = 1\n", "a = 2\n"]
    assert "process.executor = 'local'" in files[names[0]]


@pytest.mark.parametrize(
    ("platform", "profiles", "enabled"),
    [("aws-cloud", None, True), ("aws-cloud", ["conda"], False), ("local-platform", None, False)],
)
def test_docker_is_for_machines_that_have_it_and_runs_that_chose_nothing_else(
    platform: str, profiles: list[str] | None, enabled: bool
) -> None:
    [base] = spec(platform=platform, configProfiles=profiles)["files"].values()
    assert ("docker.enabled = true" in base) is enabled


def test_parameters_are_an_object_or_a_file_that_nextflow_reads() -> None:
    assert spec(paramsText='{"n": [1, {"x": null}]}')["params"] == {"n": [1, {"x": None}]}
    built = spec(paramsText="n: 1\nlist: [a]")
    name = "nf-runrunrunrunrun1-params.yml"
    assert built["params"] == {}
    assert built["args"] == ["-params-file", name]
    assert built["files"][name] == "n: 1\nlist: [a]"
    assert spec()["params"] == {}


@pytest.mark.parametrize(
    ("launch", "config", "engine"),
    [
        ({}, {}, "nextflow"),
        ({"mainScript": "sub/other.nf"}, {}, "nextflow"),
        ({"mainScript": "main.sh"}, {}, "script"),
        ({"engine": "script"}, {}, "script"),
        ({}, {"engine": "script"}, "script"),
        ({"engine": "nextflow", "mainScript": "odd.txt"}, {"engine": "script"}, "nextflow"),
    ],
)
def test_the_engine_is_said_or_seen(launch: dict[str, Any], config: dict[str, Any], engine: str) -> None:
    built = spec(config, **launch)
    assert built["engine"] == engine
    assert bool(built["files"]) is (engine == "nextflow")


def test_later_attempts_and_resumed_sessions_take_up_earlier_work() -> None:
    assert spec()["resume"] is False
    assert spec(number=2)["resume"] is True
    assert spec(resume=True)["resume"] is True


def test_a_version_chooses_the_launcher_and_the_image() -> None:
    built = spec(nextflowVersion="25.04.6", syntaxParser="v2")
    assert built["environment"] == {"A": "1", "NXF_VER": "25.04.6", "NXF_SYNTAX_PARSER": "v2"}
    assert built["container"] == "nextflow/nextflow:25.04.6"
    assert spec({"engineContainer": "none"}, nextflowVersion="25.04.6")["container"] == "none"
    assert spec(launchContainer="mine:1")["container"] == "mine:1"
    assert spec()["container"] is None


def test_secrets_are_named_by_where_they_lie_and_never_by_value() -> None:
    found = spec(userSecrets=["A", "B"], workspaceSecrets=["B"])["secrets"]
    prefix = "aws-secretsmanager:tower-runrunrunrunrun1/"
    assert found == [{"name": "B", "source": f"{prefix}B"}, {"name": "A", "source": f"{prefix}A"}]


def test_a_commit_wins_over_a_revision() -> None:
    assert spec(revision="main", commitId="abc123")["revision"] == "abc123"
