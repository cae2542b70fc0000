"""The `headnode` command as a user starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
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
