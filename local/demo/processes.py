"""The kernel's view: which processes belong to a directory."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def running_in(directory: Path) -> list[int]:
    """Processes, not this one, that run in a directory or were started for it; their ids."""
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    others = [entry for entry in entries if int(entry.name) != os.getpid()]
    return [int(entry.name) for entry in others if belongs(entry, str(directory))]


def end_all(directory: Path) -> None:
    """Kills them, and those that they start meanwhile."""
    for _ in range(10):
        found = running_in(directory)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.05)


def belongs(entry: Path, directory: str) -> bool:
    """Whether a process works in the directory, names it in its arguments, or carries a machine's mark."""
    try:
        inside = str((entry / "cwd").readlink()).startswith(directory)
        words = (entry / "cmdline").read_bytes().decode(errors="replace")
        marks = (entry / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return inside or directory in words or f"HEADNODE_MACHINE={directory}" in marks
