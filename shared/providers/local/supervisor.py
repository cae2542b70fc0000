"""The process that owns a machine: starts its tree, hears its `shutdown`, and ends all of it.

Started by `sandbox.py` in a session of its own, so that a machine can outlive the control plane. It
adopts every orphan of the tree (Linux's child subreaper), so that no setsid or nohup escapes.
Standard library only; run as `python -m shared.providers.local.supervisor DIRECTORY`.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from shared.providers.local import processes

PR_SET_CHILD_SUBREAPER = 36
GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL when a machine shuts down in an orderly way."""
POWER_BUTTON = signal.SIGUSR1
KILLED = 128 + signal.SIGKILL


class Supervisor:
    """One machine. `run` blocks until nothing of it is left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Held for life: a directory never has two machines, whoever starts them.
        self.lock = os.open(directory / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.spec: dict[str, Any] = json.loads((directory / "machine.json").read_text())
        # It holds the machine's environment, which may hold secrets.
        (directory / "machine.json").unlink()
        for name in ("machine.pid", "ended.json"):
            (directory / name).unlink(missing_ok=True)
        self.power = os.open(directory / "run" / "power", os.O_RDWR | os.O_NONBLOCK)
        self.child = 0
        self.status: int | None = None
        self.off_at: float | None = None
        self.asked = 0

    def run(self) -> None:
        """Starts the machine, waits for its end, and writes how it ended."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, POWER_BUTTON):
            signal.signal(number, self.ask)
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.start()
        why = self.watch(woken)
        if why == "shutdown":
            self.terminate()
        self.end_tree()
        status = {"shutdown": 0, "exit": self.status or 0}.get(why, KILLED)
        write_whole(self.directory / "ended.json", {"status": status, "why": why, "at": time.time()})

    def ask(self, number: int, _frame: object) -> None:
        """Notes a signal; the watching loop acts on it."""
        self.asked = number

    def start(self) -> None:
        """The child, then the pid file, then one line to the host that waits for it."""
        with (self.directory / "console.log").open("ab") as console:
            child = subprocess.Popen(
                self.spec["argv"],
                env=self.spec["environment"],
                cwd=self.spec["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self.child, child.returncode = child.pid, 0  # reaped by us with all the others
        mine = {"pid": os.getpid(), "started": processes.started(os.getpid()), "child": child.pid}
        write_whole(self.directory / "machine.pid", mine)
        print("ready", flush=True)

    def watch(self, woken: int) -> str:
        """Blocks until the machine ends by itself, is shut down, or is to be killed; says which."""
        sources = [woken, self.power] + ([] if self.spec["outlive"] else [sys.stdin.fileno()])
        while True:
            timeout = None if self.off_at is None else max(0.0, self.off_at - time.time())
            readable = select.select(sources, [], [], timeout)[0]
            if woken in readable:
                os.read(woken, 4096)
            if self.power in readable:
                self.hear(os.read(self.power, 4096).decode(errors="replace"))
            self.reap()
            if self.asked == signal.SIGTERM:
                return "killed"
            if self.asked or (self.off_at is not None and time.time() >= self.off_at):
                return "shutdown"
            if self.status is not None:
                return "exit"
            if any(source not in (woken, self.power) for source in readable):
                return "host gone"

    def hear(self, text: str) -> None:
        """What `shutdown` wrote: seconds from now, or `cancel`."""
        for word in text.split():
            self.off_at = None if word == "cancel" else time.time() + float(word)

    def reap(self) -> None:
        """Collects whatever died, the machine's own child among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """SIGTERM to what the machine runs, and a moment for it to end. Not to the machine's own
        processes, which stand for its kernel and init."""
        running = [pid for pid in processes.descendants(os.getpid()) if not is_machine(pid)]
        for pid in running:
            processes.send(pid, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while time.monotonic() < until and any(processes.started(pid) for pid in running):
            self.reap()
            time.sleep(0.02)

    def end_tree(self) -> None:
        """Kills until nothing is left: a process may fork while the others are being killed."""
        while left := processes.descendants(os.getpid()):
            for pid in left:
                processes.send(pid)
            self.reap()
            time.sleep(0.002)
        self.reap()


def is_machine(pid: int) -> bool:
    """Whether a process is the sandbox itself or its init, not something that runs in it."""
    words = processes.command(pid).split()[:4]
    return bool(words) and (words[0].endswith("bwrap") or any(w.endswith("/firstboot.py") for w in words))


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Replaces a file so that a reader sees the old or the new content, never a part."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(content))
    fresh.replace(path)


if __name__ == "__main__":
    Supervisor(Path(sys.argv[1])).run()
