"""Where emulated machines stand: their directories, their boots, and an end for every one of them."""

import gzip
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shared.providers.local.sandbox import Machine, Sandbox


class MachineRoom:
    """Starts machines that carry out user data; none of them outlives this process.

    `environment` is called with an instance id and gives what its machine sees; `share` are
    directories that every machine sees at their own paths."""

    def __init__(self, directory: Path | None, environment: Callable[[str], Mapping[str, str]]) -> None:
        self.share: Sequence[Path] = ()
        self._wanted = directory
        self._directory: Path | None = None
        self._environment = environment
        self._sandbox: Sandbox | None = None
        self._machines: dict[str, Machine] = {}
        self._working: set[threading.Thread] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def start(self, id: str, user_data: bytes, on_exit: Callable[[int], None]) -> Machine:
        """Starts a machine and returns once it runs; `on_exit` is called when it is off."""
        directory = self._place() / id
        directory.mkdir(parents=True)
        if user_data[:2] == b"\x1f\x8b":
            user_data = gzip.decompress(user_data)
        script = directory / "user-data"
        script.write_bytes(user_data)
        script.chmod(0o600)

        def over(status: int) -> None:
            shutil.rmtree(directory / "root", ignore_errors=True)
            on_exit(status)

        with self._lock:
            self._sandbox = self._sandbox or Sandbox()
        machine = self._sandbox.start(script, directory, dict(self._environment(id)), over, share=self.share)
        self._machines[id] = machine
        return machine

    def place(self, id: str) -> Path:
        """A new directory of that name for what `run` will start; it is there until the room is cleared."""
        directory = self._place() / id
        directory.mkdir(parents=True)
        return directory

    def run(
        self,
        directory: Path,
        argv: Sequence[str],
        environment: Mapping[str, str],
        on_exit: Callable[[int], None],
        share: Sequence[Path] = (),
    ) -> Machine:
        """Starts a machine that lives as long as one program, in a directory that `place` gave; it sees
        `share` beside what all machines see. `on_exit` gets the program's exit status."""

        def over(status: int) -> None:
            shutil.rmtree(directory / "root", ignore_errors=True)
            on_exit(status)

        with self._lock:
            self._sandbox = self._sandbox or Sandbox()
        paths = [*self.share, *share]
        machine = self._sandbox.start(argv, directory, dict(environment), over, share=paths)
        self._machines[directory.name] = machine
        return machine

    def console(self, id: str) -> str:
        """What a machine printed, also after its end; empty when there is none of that id."""
        machine = self._machines.get(id)
        return machine.console() if machine else ""

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Does something after a while on a thread of its own, unless the room is cleared first."""
        closing = self._closing

        def work() -> None:
            if not closing.wait(seconds):
                act()
            with self._lock:
                self._working.discard(threading.current_thread())

        thread = threading.Thread(target=work, name="emulated-machine", daemon=True)
        with self._lock:
            self._working.add(thread)
        thread.start()

    def clear(self) -> None:
        """Pulls every plug, waits for the ends, and removes the directories. Idempotent."""
        self._closing.set()
        with self._lock:
            working = list(self._working)
        until = time.monotonic() + 10
        for thread in filter(lambda each: each.ident, working):
            thread.join(max(0.0, until - time.monotonic()))
        for machine in self._machines.values():
            machine.kill()
        self._machines.clear()
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        self._closing = threading.Event()

    def _place(self) -> Path:
        with self._lock:
            if self._directory is None:
                if self._wanted:
                    self._wanted.mkdir(parents=True, exist_ok=True)
                self._directory = Path(tempfile.mkdtemp(prefix="machines-", dir=self._wanted))
            return self._directory
