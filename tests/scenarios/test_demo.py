"""`headnode demo` as a user starts it: every way through it, and nothing left behind by any."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.nextflow import resolve
from tests.headnode import COMMAND, Said, headnode, variables

TALKS = """#!/bin/sh
for line in $(seq 1 {lines}); do echo "line $line"; sleep 0.1; done
echo 'summary: {{"answer": 42}}'
exit {code}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of the demo's own, that must be empty when it is over."""
    directory = Path(tempfile.mkdtemp(prefix="demo-test-"))
    monkeypatch.setenv("TMPDIR", str(directory))
    yield directory
    assert list(directory.iterdir()) == []
    assert processes(directory) == []
    directory.rmdir()


def processes(directory: Path) -> list[str]:
    """Processes that were started for a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                marks = (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in words or f"HEADNODE_MACHINE={directory}".encode() in marks:
                found.append(words.decode())
    return found


def pipeline(tmp_path: Path, lines: int = 5, code: int = 0, answer: int | None = 42) -> str:
    """A pipeline's folder with a script twin; its path."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "main.sh").write_text(TALKS.format(lines=lines, code=code))
    if answer is not None:
        (folder / "expected.json").write_text(json.dumps({"answer": answer}))
    return str(folder)


def demo(*words: str) -> Said:
    return headnode("demo", "--engine", "script", *words, timeout=90.0)


def receipt(*words: str) -> tuple[int, dict[str, Any]]:
    said = demo(*words, "-o", "json")
    return said.code, said.json


def test_the_bundled_example_on_an_emulated_aws() -> None:
    code, found = receipt()
    assert (code, found["left"], found["result"]["right"]) == (0, [], True)
    assert found["result"]["got"]["sequences"] == 96
    assert found["made"] == found["removed"]
    assert [thing.split()[0] for thing in found["made"]] == ["IamRole", "IamInstanceProfile"]
    assert found["nextflow"]["kind"] == "script"
    assert len(found["run"]["machines"]) == 1
    assert found["calls"]["launch"] == {"ec2:RunInstances": 1}
    assert set(found["calls"]) == {"create", "launch", "logs", "reap", "dispose"}
    moments = [moment["at"] for moment in found["timeline"]]
    assert moments == sorted(moments)
    assert moments[-1] < 60


def test_on_this_machine_itself(tmp_path: Path) -> None:
    said = demo("--platform", "local", "--pipeline", pipeline(tmp_path))
    assert said.code == 0, said.out + said.err
    assert "  | line 5" in said.out.splitlines()
    assert said.out.splitlines()[-1] == "left: 0"
    assert "as expected" in said.out


def test_a_machine_that_is_taken_away(tmp_path: Path) -> None:
    code, found = receipt("--spot-interruption", "--pipeline", pipeline(tmp_path, lines=60))
    assert (code, found["left"]) == (0, [])
    assert [machine["interrupted"] for machine in found["run"]["machines"]] == [True, False]
    assert found["run"]["status"] == "SUCCEEDED"
    assert found["calls"]["launch"] == {"ec2:RunInstances": 2}


def test_a_wrong_result_is_exit_code_1_and_nothing_is_left(tmp_path: Path) -> None:
    said = demo("--platform", "local", "--pipeline", pipeline(tmp_path, answer=41))
    assert said.code == 1
    assert "WRONG" in said.out
    assert said.out.splitlines()[-1] == "left: 0"


def test_a_pipeline_that_fails_is_exit_code_1_and_nothing_is_left(tmp_path: Path) -> None:
    code, found = receipt("--pipeline", pipeline(tmp_path, code=3, answer=None))
    assert (code, found["left"], found["run"]["status"]) == (1, [], "FAILED")


@pytest.mark.parametrize(
    ("platform", "number"),
    [("aws-cloud", signal.SIGINT), ("azure-cloud", signal.SIGINT), ("local", signal.SIGTERM)],
)
def test_interrupted_it_leaves_nothing(tmp_path: Path, number: int, platform: str) -> None:
    folder = pipeline(tmp_path, lines=600)
    words = [COMMAND, "demo", "--engine", "script", "--platform", platform, "--pipeline", folder]
    process = subprocess.Popen(
        words, env=variables({}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if "| line 3" in line:
            process.send_signal(number)
            break
    began = time.monotonic()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(read) + out
    assert out.splitlines()[-1] == "left: 0"
    assert "WRONG" not in out
    assert time.monotonic() - began < 30


def test_interrupted_before_anything_was_made(place: Path) -> None:
    words = [COMMAND, "demo", "--engine", "script"]
    process = subprocess.Popen(
        words, env=variables({}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    end = time.monotonic() + 20
    # Not before its own directory: Python's look whether a directory can be written leaves a file when it is
    # interrupted.
    while not list(place.glob("headnode-demo-*")) and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out


@pytest.mark.parametrize("platform", ["aws-cloud", "local"])
def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path, platform: str, place: Path) -> None:
    folder = pipeline(tmp_path, lines=600)
    words = [COMMAND, "demo", "--engine", "script", "--platform", platform, "--pipeline", folder]
    process = subprocess.Popen(
        words, env=variables({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert any("| line 3" in line for line in process.stdout)
    kept = Path(tempfile.mkdtemp(prefix="headnode-demo-", dir=place))
    [dead] = [each for each in place.iterdir() if each != kept]
    process.kill()
    process.communicate(timeout=60)
    (tmp_path / "mine" / "main.sh").write_text(TALKS.format(lines=5, code=0))
    said = demo("--platform", "local", "--pipeline", folder)
    assert said.code == 0, said.err
    assert f"removed what a killed demo had left: {dead}" in said.err.splitlines()
    assert processes(dead) == []
    assert list(place.iterdir()) == [kept]
    kept.rmdir()


def test_the_next_one_leaves_a_living_one_alone(tmp_path: Path, place: Path) -> None:
    folder = pipeline(tmp_path, lines=600)
    words = [COMMAND, "demo", "--engine", "script", "--platform", "local", "--pipeline", folder]
    living = subprocess.Popen(
        words, env=variables({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert living.stdout is not None
    assert any("| line 3" in line for line in living.stdout)
    other = tmp_path / "other"
    other.mkdir()
    said = demo("--platform", "local", "--pipeline", pipeline(other))
    assert (said.code, "removed" in said.err) == (0, False)
    assert any("| line" in line for line in living.stdout)
    living.send_signal(signal.SIGINT)
    assert living.communicate(timeout=60)[0].splitlines()[-1] == "left: 0"


def test_what_cannot_be_shown_is_one_line(tmp_path: Path) -> None:
    said = demo("--platform", "local", "--spot-interruption")
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    said = demo("--pipeline", str(tmp_path / "nowhere"))
    assert (said.code, said.err) == (1, f"headnode: --pipeline {tmp_path}/nowhere is no folder\n")


@pytest.mark.long
def test_with_a_real_nextflow_that_loses_its_machine() -> None:
    if resolve().kind == "script":
        pytest.skip("no Nextflow can be had here: " + resolve().note)
    said = headnode("demo", "--engine", "nextflow", "--spot-interruption", timeout=120.0)
    assert said.code == 0, said.out + said.err
    assert "Cached process > " in said.out
    assert said.out.splitlines()[-1] == "left: 0"
