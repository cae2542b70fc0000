"""`headnode serve` as a real process: first token, lock, port, orderly end, kill -9, idleness."""

import os
import re
import signal
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from local.serve import Host
from shared.model.message import Message, Parked, to_text
from shared.ports import World
from tests.headnode import Said, Served, headnode, one_line, serve, wait_for


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


def test_a_parked_message_is_shown_replayed_and_gone(tmp_path: Path) -> None:
    with Host(tmp_path / "data", token="t", environ={}) as host:
        body = to_text(Message(step="create", subject="nobody"))
        parked = Parked(
            id="p1", step="create", subject="nobody", body=body, reason="a person is wanted", at=1.0
        )
        host.world.store.put_many([parked])

        def said(*words: str) -> Said:
            return headnode("parked", *words, HEADNODE_URL=host.url, HEADNODE_TOKEN="t")

        assert "a person is wanted" in said("list").out
        assert '"subject": "nobody"' in said("show", "p1").out
        assert said("replay", "p1").code == 0
        assert said("list").out == ""


def test_a_step_that_cannot_be_settled_comes_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def handle(text: str, world: World) -> None:
        if "wanted" in text:
            calls.append(text)
            if len(calls) == 1:
                raise OSError("the disk is away")

    with Host(tmp_path / "data", environ={}, handle=handle) as host:
        host.world.queue.send(Message(step="launch", subject="wanted"))
        wait_for(lambda: len(calls) == 2, within=10)
        wait_for(lambda: host.world.queue.next_due() is None, within=10)
    assert calls[0] == calls[1]


def test_what_is_sent_is_worked_on_at_once_and_by_several(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=10)

    def handle(text: str, world: World) -> None:
        if "wanted" in text:
            together.wait()

    with Host(tmp_path / "data", environ={}, workers=4, handle=handle) as host:
        host.world.queue.send(*(Message(step="launch", subject=f"wanted {n}") for n in range(4)))
        wait_for(lambda: together.broken or host.world.queue.next_due() is None, within=10)
        assert not together.broken


def test_a_long_step_does_not_keep_the_host_and_is_run_again(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(text: str, world: World) -> None:
        if "wanted" in text:
            begun.set()
            go_on.wait(20)

    with Host(tmp_path / "data", environ={}, handle=slow) as first:
        first.world.queue.send(Message(step="launch", subject="wanted"))
        assert begun.wait(10)
        began = time.monotonic()
        first.stop()
        assert time.monotonic() - began < 2.0
    again = threading.Event()
    with Host(tmp_path / "data", environ={}, handle=lambda text, _: "wanted" in text and again.set()):
        assert again.wait(5)
    go_on.set()
