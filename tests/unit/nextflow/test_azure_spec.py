"""What a launch on Azure gets besides: configuration for az:// paths, and the plugin that reads them."""

from typing import Any

import pytest

from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.nextflow.command import quoted
from shared.nextflow.spec import build
from shared.runner.spec import Spec

SETTINGS = Settings(installation="i", api_url="https://control.example/", heartbeat=7)
AZURE = {"client_id": "c-1", "storage_account": "store", "storage_url": "https://store.blob", "vm_id": ""}
LOGS = {"kind": "azure", "blob": "https://store.blob/c/x", "ingest": "", "run": "r", "attempt": 2}


def spec(config: dict[str, Any] | None = None, azure: Any = AZURE, **launch: Any) -> dict[str, Any]:
    run = Run(
        id="runrunrunrunrun1",
        name="happy",
        session_id="s-1",
        work_dir="az://c/w",
        launch={"pipeline": "x/hello", **launch},
    )
    attempt = Attempt(number=2, offer=Offer(machine_type="m"), deadline=500.0)
    environment = Environment(id="e", name="e", platform="azure-cloud", config=config or {})
    platform = {"logs": LOGS, "region": "westeurope", "environment": {"A": "1"}, "azure": azure}
    return build(run, attempt, environment, SETTINGS, platform, "token-1")


def base(built: dict[str, Any]) -> str:
    return str(built["files"]["nf-runrunrunrunrun1-1-headnode.config"])


def test_the_runner_understands_it() -> None:
    read = Spec.of(spec())
    assert read.azure == AZURE
    assert (read.logs["kind"], read.logs["attempt"], read.work_dir) == ("azure", "2", "az://c/w")


def test_paths_are_reached_as_the_machines_identity_and_without_a_key() -> None:
    found = base(spec())
    assert "azure.storage.accountName = 'store'\n" in found
    assert "azure.managedIdentity.clientId = 'c-1'\n" in found
    assert "docker.enabled = true" in found
    for word in ("accountKey", "sasToken", "activeDirectory", "plugins"):
        assert word not in found


@pytest.mark.parametrize("azure", [{}, {**AZURE, "client_id": ""}, {**AZURE, "storage_account": ""}])
def test_without_identity_or_account_there_is_nothing_to_say(azure: dict[str, str]) -> None:
    assert "azure." not in base(spec(azure=azure))


def test_the_users_configs_come_after_ours_and_win() -> None:
    files = spec({"nextflowConfig": "azure.storage.accountName = 'mine'"}, configText="x = 1")["files"]
    assert [name.split("-", 2)[2] for name in sorted(files)] == [
        "1-headnode.config",
        "2-environment.config",
        "3-launch.config",
    ]


@pytest.mark.parametrize(
    ("config", "launch"),
    [
        ({}, {"paramsText": '{"outdir": "az://c/out"}'}),
        ({}, {"configText": "params.input = 'az://c/in'"}),
        ({}, {"outputDir": "az://c/out"}),
        ({"nextflowConfig": "workDir = 'az://c/w'"}, {}),
    ],
)
def test_the_plugin_is_named_where_such_paths_are_used(
    config: dict[str, Any], launch: dict[str, Any]
) -> None:
    assert spec(config, **launch)["environment"] == {"A": "1", "NXF_PLUGINS_DEFAULT": "nf-azure"}
    assert spec(config, azure={}, **launch)["environment"] == {"A": "1"}


def test_the_plugin_is_not_loaded_for_nothing() -> None:
    assert spec(paramsText='{"n": 1}')["environment"] == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("plain", "'plain'"), ("it's", r"'it\'s'"), ("a\\b", r"'a\\b'"), ("$x", "'$x'"), ("a\nb", r"'a\nb'")],
)
def test_texts_stay_texts_in_groovy(text: str, wanted: str) -> None:
    assert quoted(text) == wanted
