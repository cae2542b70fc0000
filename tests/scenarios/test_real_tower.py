"""Nextflow's own reporting plugin against `headnode serve`. Skipped where none was built: `local.plugins`."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.nextflow import Engine, resolve
from tests.headnode import Served, serve, variables, wait_for

EXAMPLE = Path(__file__).parents[2] / "local" / "example"
TASKS, PROCESSES = 11, ["SPLIT", "COUNT", "MERGE", "REPORT"]
SLEEPER = """process NAP {
    script:
    'sleep 300'
}

workflow { NAP() }
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    found = resolve()
    if not any(each.startswith("nf-tower@") for each in found.plugins):
        pytest.skip(f"no nf-tower was built here: python -m local.plugins. {found.note}")
    return found


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path / "data", HEADNODE_SILENT_AFTER="3") as served:
        yield served


class Nextflow:
    """Somebody's own Nextflow in a directory."""

    def __init__(self, engine: Engine, hosted: Served, place: Path) -> None:
        self.engine, self.hosted, self.place = engine, hosted, place

    def start(self, pipeline: Path, *words: str, **given: str) -> "subprocess.Popen[str]":
        token = {"TOWER_ACCESS_TOKEN": self.hosted.token, "TOWER_API_ENDPOINT": self.hosted.url}
        environ = variables({"NXF_ANSI_LOG": "false", "NXF_OFFLINE": "true", **token, **given})
        argv = [*self.engine.command, "run", str(pipeline), "-with-tower", self.hosted.url, *words]
        return subprocess.Popen(
            argv,
            cwd=self.place,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **given: str) -> tuple[int, str]:
        """The example, to its end."""
        with self.start(EXAMPLE, "--outdir", "out", "--pause", "0", *words, **given) as process:
            said, _ = process.communicate(timeout=120)
        return process.returncode, said


@pytest.fixture
def nextflow(engine: Engine, hosted: Served, tmp_path: Path) -> Nextflow:
    place = tmp_path / "place"
    place.mkdir()
    return Nextflow(engine, hosted, place)


def get(hosted: Served, path: str) -> Any:
    headers = {"Authorization": f"Bearer {hosted.token}"}
    return httpx.get(hosted.url + path, headers=headers).raise_for_status().json()


def runs(hosted: Served, query: str = "") -> list[Any]:
    """The newest first."""
    return [each["workflow"] for each in get(hosted, f"/workflow{query}")["workflows"]]


def statuses(hosted: Served, run: str) -> list[str]:
    found = get(hosted, f"/workflow/{run}/tasks?max=100")["tasks"]
    return [each["task"]["status"] for each in found]


def test_a_run_its_resumption_and_one_that_fails(hosted: Served, nextflow: Nextflow) -> None:
    code, said = nextflow.run()
    assert code == 0, said
    (run,) = runs(hosted)
    assert f"Monitor the execution with Seqera Platform using this URL: {hosted.url}" in said
    assert (run["status"], run["exitStatus"], run["resume"]) == ("SUCCEEDED", 0, False)
    assert statuses(hosted, run["id"]) == ["COMPLETED"] * TASKS
    progress = get(hosted, f"/workflow/{run['id']}")["progress"]
    assert progress["workflowProgress"]["succeeded"] == TASKS
    assert [each["process"] for each in progress["processesProgress"]] == PROCESSES
    metrics = get(hosted, f"/workflow/{run['id']}/metrics")["metrics"]
    assert sorted(each["process"] for each in metrics) == sorted(PROCESSES)

    code, said = nextflow.run("-resume")
    assert code == 0, said
    again = next(each for each in runs(hosted) if each["id"] != run["id"])
    assert (again["status"], again["resume"], again["sessionId"]) == ("SUCCEEDED", True, run["sessionId"])
    assert statuses(hosted, again["id"]) == ["CACHED"] * TASKS

    code, said = nextflow.run("--input", "/dev/null")
    assert code != 0
    bad = next(each for each in runs(hosted) if each["id"] not in (run["id"], again["id"]))
    failed = get(hosted, f"/workflow/{bad['id']}")["workflow"]
    assert (failed["status"], failed["success"]) == ("FAILED", False)
    assert "SPLIT" in failed["errorReport"]
    assert statuses(hosted, failed["id"])[0] == "FAILED"


def test_a_token_that_expires_on_the_way_is_renewed(hosted: Served, nextflow: Nextflow) -> None:
    """The access token is refused from the first; the refresh token gives one that is not."""
    dead = hosted.token[:-4] + "AAAA"
    code, said = nextflow.run(TOWER_ACCESS_TOKEN=dead, TOWER_REFRESH_TOKEN=hosted.token)
    assert code == 0, said
    assert [each["status"] for each in runs(hosted)] == ["SUCCEEDED"]
    code, said = nextflow.run(TOWER_ACCESS_TOKEN=dead)
    assert code != 0
    assert "Unauthorized Seqera Platform API access" in said


def test_a_workspace_is_named_and_a_foreign_one_refused(hosted: Served, nextflow: Nextflow) -> None:
    orgs = get(hosted, f"/user/{get(hosted, '/user-info')['user']['id']}/workspaces")["orgsAndWorkspaces"]
    mine = next(each["workspaceId"] for each in orgs if each["workspaceId"])
    code, said = nextflow.run(TOWER_WORKSPACE_ID=str(mine))
    assert code == 0, said
    assert [each["status"] for each in runs(hosted, f"?workspaceId={mine}")] == ["SUCCEEDED"]
    code, said = nextflow.run(TOWER_WORKSPACE_ID="123456789")
    assert code != 0


def test_a_nextflow_that_is_killed_is_noticed(hosted: Served, nextflow: Nextflow, tmp_path: Path) -> None:
    pipeline = tmp_path / "main.nf"
    pipeline.write_text(SLEEPER)
    with nextflow.start(pipeline) as process:
        wait_for(lambda: [each for each in runs(hosted) if "RUNNING" in statuses(hosted, each["id"])], 60)
        os.killpg(process.pid, signal.SIGKILL)
    assert wait_for(lambda: [each["status"] for each in runs(hosted)] == ["UNKNOWN"])
