"""The engine as a child process: its output goes to the console, its end has a real exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO

from shared.runner.console import Console
from shared.runner.errors import StepFailed
from shared.runner.lines import Splitter

LINGER = 2.0
"""Seconds for which output is still read after the program ended: something that it left behind may
hold the pipe open for ever."""


class Child:
    """A program in a process group of its own. Its output is read at once, so it never blocks on us."""

    def __init__(self, argv: list[str], environment: dict[str, str], cwd: Path, console: Console) -> None:
        """Starts it. Raises StepFailed when that is not possible."""
        try:
            self._process = subprocess.Popen(
                argv,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StepFailed(f"{argv[0]} cannot be started: {error.strerror}") from None
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=pump, args=(self._process.stdout, console), name="output", daemon=True
        )
        self._reader.start()

    def wait(self, timeout: float) -> int | None:
        """The exit status (128 + signal for one that was killed), or None after `timeout` seconds."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(LINGER)
        return status if status >= 0 else 128 - status

    def stop(self, grace: float) -> int:
        """SIGTERM to the group, SIGKILL after `grace` seconds; blocks until it has ended."""
        self._send(signal.SIGTERM)
        status = self.wait(grace)
        self._send(signal.SIGKILL)
        while status is None:
            status = self.wait(5.0)
        return status

    def _send(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def pump(source: IO[bytes], console: Console) -> None:
    """Reads until the end and writes whole masked lines. A line without an end is shown after a while,
    for example a prompt or a progress bar, only when it gets its end: lines are never torn."""
    splitter = Splitter(console.mask)
    with source:
        while data := os.read(source.fileno(), 65536):
            for line in splitter.feed(data):
                console.write(line)
    for line in splitter.end():
        console.write(line)


def output(argv: list[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    """What a short program prints. Raises StepFailed with the end of its output when it fails, cannot be
    found, or takes longer than `timeout` seconds."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{argv[0]} took longer than {time.monotonic() - started:.0f} s") from None
    except OSError as error:
        raise StepFailed(f"{argv[0]}: {error.strerror}") from None
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise StepFailed(f"{' '.join(argv[:2])} ended with status {done.returncode}: {text.strip()[-800:]}")
    return text


def remove_container(name: str) -> None:
    """Ends a container that docker's client left running."""
    try:
        output(["docker", "rm", "--force", name], 60.0)
    except (StepFailed, subprocess.SubprocessError):
        return
