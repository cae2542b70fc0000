"""A machine is a sandboxed process tree.

    host ── supervisor (own session) ── bwrap ── firstboot (init) ── what the user data starts

With bubblewrap a machine has its own process, host name and IPC namespaces, a read-only root with
/etc/headnode, /var, /tmp and /run of its own, and the host's network (the control plane listens on its
loopback). Without it, it is a plain process tree with everything under HEADNODE_ROOT. Either way
`shutdown`, `poweroff` and `halt` on PATH end it, and ending it leaves no process behind.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.providers.local import processes, rootfs, userdata
from shared.providers.local.supervisor import KILLED, POWER_BUTTON

OnExit = Callable[[int], None]

PACKAGE_ROOT = Path(__file__).resolve().parents[3]

SHUTDOWN = """#!/bin/sh
# Ends this machine, or plans to: shutdown [-h|-P|-H] [now|+minutes] | -c
when=now
for word in "$@"; do
  case "$word" in
    -c) when=cancel ;;
    now|+*) when=$word ;;
  esac
done
case "$when" in
  now) seconds=0 ;;
  cancel) seconds=cancel ;;
  *) seconds=$((${when#+} * 60)) ;;
esac
echo "$seconds" > "POWER"
"""


@dataclass
class Machine:
    """A machine that was started here or found again. Thread-safe; nothing raises when it is gone."""

    directory: Path
    pid: int
    """The supervisor's; one signal to it ends the machine."""
    _started: str
    _process: "subprocess.Popen[bytes] | None" = None
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def alive(self) -> bool:
        """Whether anything of it still runs."""
        return not self._over.is_set() and processes.started(self.pid) == self._started

    @property
    def ended(self) -> dict[str, Any]:
        """How it ended: {"status", "why": exit|shutdown|killed|host gone|lost, "at"}; empty while alive."""
        try:
            found: dict[str, Any] = json.loads((self.directory / "ended.json").read_text())
        except FileNotFoundError:
            return {} if self.alive else {"status": KILLED, "why": "lost", "at": 0.0}
        return {} if self.alive else found

    def wait(self, timeout: float | None = None) -> int | None:
        """Blocks until it has ended; its exit status (0 for a shutdown, 137 when killed), or None
        after `timeout` seconds."""
        return int(self.ended["status"]) if self._over.wait(timeout) else None

    def kill(self, timeout: float = 10.0) -> None:
        """Pulls the plug: every process, also those that left the session. Blocks until they are
        gone. Idempotent."""
        if processes.started(self.pid) == self._started:
            processes.send(self.pid, 15)
            if not self._over.wait(timeout):
                processes.send(self.pid)
        sweep(self.directory)
        self._over.wait(timeout)

    def press_power(self) -> None:
        """Asks it to shut down in an orderly way, as a cloud's terminate does: SIGTERM to what runs,
        SIGKILL two seconds later. Does not wait. Idempotent."""
        if processes.started(self.pid) == self._started:
            processes.send(self.pid, POWER_BUTTON)

    def console(self) -> str:
        """What it printed, the firmware's view: output of the user data."""
        try:
            return (self.directory / "console.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _watch(self, on_exit: OnExit | None) -> None:
        """Waits for the end in a thread of its own and tells about it once."""
        if self._process is not None:
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
        while processes.started(self.pid) == self._started:
            time.sleep(0.1)
        if not (self.directory / "ended.json").exists():
            sweep(self.directory)
        self._over.set()
        if on_exit is not None:
            on_exit(int(self.ended["status"]))

    def _watched(self, on_exit: OnExit | None) -> "Machine":
        name = f"machine-{self.directory.name}"
        threading.Thread(target=self._watch, args=(on_exit,), name=name, daemon=True).start()
        return self


class Sandbox:
    """Starts machines. `isolated` None uses bubblewrap where it works; it is tried once."""

    def __init__(self, isolated: bool | None = None) -> None:
        self.isolated = rootfs.usable() if isolated is None else isolated

    def start(
        self,
        script: Path | Sequence[str],
        directory: Path,
        environment: dict[str, str],
        on_exit: OnExit | None = None,
        *,
        share: Sequence[Path] = (),
        outlive: bool = False,
    ) -> Machine:
        """Starts a machine in `directory` (made if absent) and returns once it runs.

        `script` is a file of user data (the machine then lives until it is shut down) or an argument
        list (it lives as long as that program). `environment` is all it gets, plus PATH and HOME.
        `share` are directories it sees at their own paths and may write. It dies with this process
        unless `outlive`. `on_exit` gets the exit status, in a thread of its own."""
        prepare(directory)
        root = directory / "root"
        argv = self.boots(script, directory) if isinstance(script, Path) else [str(word) for word in script]
        inside = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **environment}
        inside["HEADNODE_MACHINE"] = str(directory)
        if self.isolated:
            argv = [*rootfs.bubblewrap(directory, [Path(p) for p in share]), *argv]
            inside["PATH"] = f"{rootfs.MACHINE}/bin:{inside['PATH']}"
            inside.setdefault("HOME", rootfs.HOME)
        else:
            inside["PATH"] = f"{directory}/run/bin:{inside['PATH']}"
            inside["HEADNODE_ROOT"] = str(root)
            inside.setdefault("HOME", str(root) + rootfs.HOME)
        machine = {"argv": argv, "environment": inside, "cwd": str(root), "outlive": outlive}
        return self.supervised(directory, machine)._watched(on_exit)

    def boots(self, user_data: Path, directory: Path) -> list[str]:
        """The init that carries out user data. It is read out here, so that the machine needs no
        YAML library."""
        plan = userdata.plan(user_data.read_text(errors="replace"))
        seen = Path(rootfs.MACHINE if self.isolated else directory / "run")
        secret_file(directory / "run" / "plan.json", json.dumps(plan))
        shutil.copyfile(Path(__file__).with_name("firstboot.py"), directory / "run" / "firstboot.py")
        return [sys.executable, "-I", str(seen / "firstboot.py"), str(seen / "plan.json")]

    def supervised(self, directory: Path, machine: dict[str, Any]) -> Machine:
        """Starts the supervisor and waits until it has written its pid file."""
        secret_file(directory / "machine.json", json.dumps(machine))
        with (directory / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-S", "-m", "shared.providers.local.supervisor", str(directory)],
                stdin=subprocess.DEVNULL if machine["outlive"] else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": os.environ.get("PATH", os.defpath)},
                cwd=directory,
                start_new_session=True,
            )
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            process.wait()
            raise OSError(f"machine did not start: {(directory / 'supervisor.log').read_text()[-2000:]}")
        return Machine(directory, process.pid, processes.started(process.pid), process)

    def adopt(self, directory: Path, on_exit: OnExit | None = None) -> Machine | None:
        """A machine that an earlier process started there with `outlive`; None when it does not live."""
        found = seen(directory)
        return found._watched(on_exit) if found is not None and found.alive else None


def seen(directory: Path) -> Machine | None:
    """The machine that was started in a directory, alive or not, by whomever; None when none was. Nobody
    waits for its end: `wait` does not return, `alive` and `ended` tell."""
    try:
        known = json.loads((directory / "machine.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Machine(directory, int(known["pid"]), str(known["started"]))


def prepare(directory: Path) -> None:
    """The machine's own directories and its power switch. Idempotent."""
    (directory / "run" / "bin").mkdir(parents=True, exist_ok=True)
    rootfs.furnish(directory / "root")
    power = directory / "run" / "power"
    if not (power.exists() and stat.S_ISFIFO(power.stat().st_mode)):
        os.mkfifo(power, 0o600)
    # Found from the script's own place, which differs inside and outside of a sandbox.
    text = SHUTDOWN.replace("POWER", '$(dirname "$0")/../power')
    for name in ("shutdown", "poweroff", "halt"):
        command = directory / "run" / "bin" / name
        command.write_text(text)
        command.chmod(0o755)


def sweep(directory: Path) -> None:
    """Kills what still carries the machine's mark, for a machine whose supervisor is gone."""
    for pid in processes.marked(f"HEADNODE_MACHINE={directory}"):
        processes.send(pid)


def secret_file(path: Path, text: str) -> None:
    """Writes a file that only its owner can ever read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
