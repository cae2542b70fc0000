"""The `headnode` command as a user starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("headnode"))


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would steer a headnode, plus what is given."""
    foreign = ("HEADNODE_", "TOWER_", "AWS_", "NO_COLOR", "FORCE_COLOR")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(foreign)}, **given}


def headnode(*words: str, timeout: float = 60.0, **given: str) -> Said:
    """Runs one command to its end; keyword arguments are environment variables."""
    done = subprocess.run(
        [COMMAND, *words],
        env=variables(given),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def one_line(said: Said) -> str:
    """The error's text; asserts that there is nothing else."""
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("headnode: "), said.err
    assert said.out == ""
    return lines[0].removeprefix("headnode: ")


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

    def headnode(self, *words: str, **given: str) -> Said:
        return headnode(*words, HEADNODE_URL=self.url, HEADNODE_TOKEN=self.token, **given)

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
