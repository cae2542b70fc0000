"""seqerakit itself, which makes a whole workspace from a file. It runs the platform's command line, and
`tests.tw` stands in for that; everything else is real."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.host import web
from tests.headnode import variables
from tests.unit.api.front import Front

pytest.importorskip("seqerakit", reason="pip install -e .[dev] brings it")

ROOT = Path(__file__).parents[2]
AT = "headnode/main"
HELLO = "https://github.com/nextflow-io/hello"
HERE = {"workspace": AT}
FILE = {
    "labels": [{"name": "owner", "value": "rna", **HERE}],
    "credentials": [
        {"type": "aws", "name": "mine", "access-key": "$SOME_ACCESS_KEY", "secret-key": "s3cret", **HERE}
    ],
    "compute-envs": [
        {
            "type": "aws-cloud",
            "name": "ce",
            "credentials": "mine",
            "region": "eu-west-1",
            "work-dir": "s3://bucket/work",
            "wait": "AVAILABLE",
            "primary": True,
            **HERE,
        }
    ],
    "actions": [{"type": "tower", "name": "nightly", "pipeline": HELLO, "compute-env": "ce", **HERE}],
    "pipelines": [
        {"name": "hello", "url": HELLO, "compute-env": "ce", "params": {"greeting": "hi"}, **HERE},
    ],
    "launch": [{"name": "first", "pipeline": "hello", "params": {"greeting": "hello"}, **HERE}],
}
NOT_LAUNCH = ",".join(block for block in FILE if block != "launch")


@dataclass
class Kit:
    """seqerakit at a control plane that listens and works."""

    api: Front
    url: str
    home: Path

    def run(self, *words: str) -> tuple[int, str]:
        """Its exit code, and all that it said."""
        file = self.home / "workspace.yml"
        file.write_text(yaml.safe_dump(FILE))
        given = {
            "TOWER_API_ENDPOINT": self.url,
            "TOWER_ACCESS_TOKEN": self.api.token,
            "SOME_ACCESS_KEY": "AKIAEXAMPLE",
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        argv = [sys.executable, "-m", "seqerakit.cli", str(file), "--cli=--insecure", *words]
        with subprocess.Popen(
            argv,
            env=variables(given),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            while process.poll() is None:
                self.api.work()  # what workers do, while `--wait` looks
                try:
                    process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
            assert process.stdout is not None
            return process.returncode, process.stdout.read()

    def names(self, what: str, key: str = "") -> list[str]:
        return [each["name"] for each in self.api.get(f"/{what}?workspaceId=1")[key or what]]


@pytest.fixture
def kit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kit]:
    api = Front.fresh(tmp_path / "data", request.node.name)
    bound = web.bind("127.0.0.1", 0)
    server = web.Web(api.app, bound)
    server.start()
    program = tmp_path / "bin" / "tw"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.tw "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    yield Kit(api, web.url_of(bound) + "/api", tmp_path)
    server.stop()


def everything(kit: Kit) -> dict[str, list[str]]:
    names = {what: kit.names(what) for what in ("labels", "credentials", "pipelines", "actions")}
    return {**names, "compute-envs": kit.names("compute-envs", "computeEnvs")}


ALL = {
    "labels": ["owner"],
    "credentials": ["mine"],
    "pipelines": ["hello"],
    "actions": ["nightly"],
    "compute-envs": ["ce"],
}


def test_a_workspace_is_made_launched_kept_overwritten_and_removed(kit: Kit) -> None:
    code, said = kit.run()
    assert code == 0, said
    assert everything(kit) == ALL
    [run] = kit.api.get("/workflow?workspaceId=1")["workflows"]
    assert run["workflow"]["runName"] == "first"
    launch = kit.api.get(f"/workflow/{run['workflow']['id']}/launch")["launch"]
    assert (launch["pipeline"], yaml.safe_load(launch["paramsText"])) == (HELLO, {"greeting": "hello"})
    assert kit.api.get("/compute-envs?workspaceId=1")["computeEnvs"][0]["primary"] is True
    assert "s3cret" not in str(kit.api.get("/credentials?workspaceId=1"))

    code, said = kit.run("--targets", NOT_LAUNCH)
    assert code == 1
    assert "already exists and will not be created" in said

    before = kit.api.get("/pipelines?workspaceId=1")["pipelines"][0]["pipelineId"]
    code, said = kit.run("--targets", NOT_LAUNCH, "--on-exists=ignore")
    assert code == 0, said
    assert kit.api.get("/pipelines?workspaceId=1")["pipelines"][0]["pipelineId"] == before

    kit.api.finish(run["workflow"]["id"])
    code, said = kit.run("--targets", "actions,pipelines", "--on-exists=overwrite")
    assert code == 0, said
    assert everything(kit) == ALL
    assert kit.api.get("/pipelines?workspaceId=1")["pipelines"][0]["pipelineId"] != before

    code, said = kit.run("--targets", NOT_LAUNCH, "--delete")
    assert code == 0, said
    assert everything(kit) == {what: [] for what in ALL}


def test_what_it_reads_in_our_words(kit: Kit) -> None:
    code, said = kit.run("--info")
    assert code == 0, said
    assert "'versionCheck': 1" in said or "versionCheck: 1" in said
    code, said = kit.run("--targets", "pipelines")
    assert code == 1
    assert "Resource not found" in said, "the environment is not there yet"
