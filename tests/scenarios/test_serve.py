"""`headnode serve` as a real process: first token, lock, port, orderly end, kill -9, idleness."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.headnode import COMMAND, Said, headnode, one_line, variables

FAST = {
    "HEADNODE_HEARTBEAT": "1",
    "HEADNODE_LOOK_AGAIN": "0.3",
    "HEADNODE_SWEEP_EVERY": "1",
    "HEADNODE_CANCEL_GRACE": "1",
    "HEADNODE_ORPHAN_GRACE": "3",
}


class Served:
    """A `headnode serve` that runs."""

    def __init__(self, data: Path, port: int, **given: str) -> None:
        words = [COMMAND, "serve", "--data", str(data), "--port", str(port), "-o", "json"]
        self.process = subprocess.Popen(
            words, env=variables({**FAST, **given}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.said: dict[str, Any] = json.loads(line)
        self.url: str = self.said["url"]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.token: str = given.get("HEADNODE_TOKEN", "") or self.said["token"] or ""

    def headnode(self, *words: str) -> Said:
        return headnode(*words, HEADNODE_URL=self.url, HEADNODE_TOKEN=self.token)

    def json(self, *words: str) -> Any:
        said = self.headnode(*words, "-o", "json")
        assert said.code == 0, said.err
        return said.json

    def end(self, with_signal: int) -> int:
        """Sends a signal and waits; the exit code."""
        self.process.send_signal(with_signal)
        _out, self.err = self.process.communicate(timeout=10)
        return self.process.returncode


@contextmanager
def serve(data: Path, port: int = 0, **given: str) -> Iterator[Served]:
    served = Served(data, port, **given)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.end(signal.SIGKILL)


def wait_for(what: Callable[[], Any], within: float = 30.0) -> Any:
    end = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < end, f"did not happen within {within} s"
        time.sleep(0.05)
    return found


def text_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_the_first_token_is_shown_once_and_stored_hashed(tmp_path: Path) -> None:
    with serve(tmp_path / "data") as first:
        assert first.token
        assert first.json("info")["url"] == first.url
        assert first.end(signal.SIGTERM) == 0
    assert first.token.encode() not in text_of(tmp_path / "data")
    with serve(tmp_path / "data") as second:
        assert second.said["token"] is None
        second.token = first.token
        assert second.headnode("info").code == 0
        second.token = first.token[:-2] + "xx"
        assert one_line(second.headnode("info")) == f"{second.url} refused the token: set HEADNODE_TOKEN"


def test_the_token_can_be_given(tmp_path: Path) -> None:
    with serve(tmp_path / "data", HEADNODE_TOKEN="my-own-token") as served:
        assert served.said["token"] is None
        assert served.headnode("info").code == 0
    assert b"my-own-token" not in text_of(tmp_path / "data")


def test_the_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    with serve(tmp_path / "data"):
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_second_one_on_the_same_data_is_refused_in_one_line(tmp_path: Path) -> None:
    with serve(tmp_path / "data") as served:
        said = headnode("serve", "--data", str(tmp_path / "data"), "--port", "0")
        assert said.code == 1
        line = one_line(said)
        assert line.startswith(f"{tmp_path}/data is in use by another headnode")
        assert str(served.process.pid) in line
        assert served.headnode("info").code == 0


def test_a_taken_port_is_one_line_and_touches_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = headnode("serve", "--data", str(tmp_path / "data"), "--port", str(port))
    assert (said.code, one_line(said)) == (
        1,
        f"cannot listen on 127.0.0.1 port {port}: address already in use",
    )
    assert not (tmp_path / "data").exists()


def test_an_address_of_somebody_else_is_one_line(tmp_path: Path) -> None:
    said = headnode("serve", "--data", str(tmp_path), "--host", "192.0.2.1", "--port", "0")
    assert said.code == 1
    assert one_line(said).startswith("cannot listen on 192.0.2.1 port 0:")


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    said = headnode("serve", "--data", str(tmp_path), "--port", "0", HEADNODE_HEARTBEAT="often")
    assert (said.code, one_line(said)) == (1, "HEADNODE_HEARTBEAT is not a number: 'often'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_two_seconds(tmp_path: Path, number: int) -> None:
    with serve(tmp_path / "data") as served:
        began = time.monotonic()
        assert served.end(number) == 0
        assert time.monotonic() - began < 2.0
        assert served.err == ""


def test_idle_it_hardly_computes(tmp_path: Path) -> None:
    with serve(tmp_path / "data", HEADNODE_SWEEP_EVERY="60") as served:
        served.headnode("info")
        # The best of a few looks: its start, and a machine that is busy otherwise, do not count.
        assert min(busy(served.process.pid, 0.5) for _ in range(6)) < 0.01


def busy(pid: int, seconds: float) -> float:
    """The share of one core that a process uses."""
    before = computed(pid)
    time.sleep(seconds)
    return (computed(pid) - before) / seconds


def computed(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


SCRIPT = """#!/bin/sh
for line in $(seq 1 30); do echo "line $line"; sleep 0.2; done
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "main.sh").write_text(SCRIPT)
    (folder / "main.sh").chmod(0o755)
    return folder


def environment(served: Served, work: Path) -> None:
    said = served.headnode("env", "create", "here", "--platform", "local", "--work-dir", str(work))
    assert said.code == 0, said.err


def test_killed_in_the_middle_of_a_run_it_goes_on(tmp_path: Path, pipeline: Path) -> None:
    with serve(tmp_path / "data", HEADNODE_TOKEN="t") as first:
        environment(first, tmp_path / "work")
        run = first.json("launch", str(pipeline), "--env", "here", "--main-script", "main.sh")["workflowId"]
        wait_for(lambda: "line 3" in first.json("runs", "logs", run))
        first.end(signal.SIGKILL)
    with serve(tmp_path / "data", first.port, HEADNODE_TOKEN="t") as second:
        said = second.headnode("runs", "logs", "-f", run)
        assert said.code == 0, said.err
        lines = [line for line in said.out.splitlines() if re.fullmatch(r"line \d+", line)]
        assert lines == [f"line {number}" for number in range(1, 31)]
        record = second.json("runs", "show", run)
        assert (record["status"], len(record["attempts"])) == ("SUCCEEDED", 1)
        receipt = second.json("env", "dispose", "here")
        assert receipt["left"] == []


def test_stopping_it_leaves_machines_alive(tmp_path: Path, pipeline: Path) -> None:
    with serve(tmp_path / "data", HEADNODE_TOKEN="t") as first:
        environment(first, tmp_path / "work")
        run = first.json("launch", str(pipeline), "--env", "here", "--main-script", "main.sh")["workflowId"]
        wait_for(lambda: "line 1" in first.json("runs", "logs", run))
        assert first.end(signal.SIGINT) == 0
    assert machines(tmp_path)
    with serve(tmp_path / "data", first.port, HEADNODE_TOKEN="t") as second:
        second.headnode("runs", "cancel", run)
        wait_for(lambda: second.json("runs", "show", run)["status"] == "CANCELLED")
        wait_for(lambda: not machines(tmp_path))


def machines(directory: Path) -> list[str]:
    """Processes that carry the mark of a machine under this directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                marks = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"HEADNODE_MACHINE={directory}".encode() in marks:
                found.append(entry.name)
    return found


def test_followed_failures_and_cancellations_have_their_exit_code(tmp_path: Path, pipeline: Path) -> None:
    (pipeline / "main.sh").write_text("#!/bin/sh\necho before the fall\nexit 7\n")
    with serve(tmp_path / "data", HEADNODE_TOKEN="t") as served:
        environment(served, tmp_path / "work")
        said = served.headnode(
            "launch", str(pipeline), "--main-script", "main.sh", "--name", "sad", "--follow"
        )
        assert said.code == 1
        assert "before the fall" in said.out
        last = said.err.splitlines()[-1]
        assert last.startswith("headnode: sad FAILED")
        assert "7" in last
        listed = served.json("runs", "list", "--status", "failed")
        assert [run["runName"] for run in listed] == ["sad"]
        assert served.headnode("runs", "delete", listed[0]["id"]).code == 0
        assert served.json("runs", "list") == []
