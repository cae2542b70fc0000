"""Switches the machine off."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time

COMMANDS = (["shutdown", "-h", "now"], ["poweroff"], ["halt", "-p"])
ROUNDS = 20


def power_off() -> None:
    """Asks in every way there is until this process is ended with the machine; gives up after some
    minutes (the timer that the user data set is independent of us). Found by PATH only: a sandboxed
    machine has commands of its own, and its host's must never be reached."""
    # The machine may now end us like everything else; before, signals were only noted.
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for _ in range(ROUNDS):
        for command in COMMANDS:
            ask(command)


def ask(command: list[str]) -> None:
    """Asks in one way, and leaves it some time."""
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=30.0, check=True)
        time.sleep(10.0)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"headnode: {command[0]}: {type(error).__name__}", file=sys.stderr, flush=True)
