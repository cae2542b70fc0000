"""Processes as /proc shows them. Standard library only: the supervisor of a sandbox imports it."""

import contextlib
import os
import signal
from pathlib import Path

PROC = Path("/proc")


def started(pid: int) -> str:
    """When a process started (clock ticks since boot, with the boot's own id); empty when there is no
    such process, or only its zombie. With the pid it names a process for good: pids are reused."""
    fields = _stat(pid)
    return f"{fields[19]}@{_boot_id()}" if fields and fields[0] != "Z" else ""


def descendants(root: int) -> list[int]:
    """Every process below `root` that is not a zombie, parents first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], list(children.get(root, []))
    while todo:
        pid = todo.pop(0)
        todo += children.get(pid, [])
        if started(pid):
            found.append(pid)
    return found


def marked(mark: str) -> list[int]:
    """Processes that carry `NAME=value` in their environment, this one excluded. For machines whose
    supervisor is dead, when there is no tree to walk any more."""
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def command(pid: int) -> str:
    """A process's command line, for looking up what it is; empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def send(pid: int, signal_number: int = signal.SIGKILL) -> None:
    """Signals a process; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on: state, parent, ... The command before them may
    hold spaces and brackets, so they are counted from the last bracket."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _boot_id() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
