"""What the runner needs of the cloud that its machine is in; here: a machine that is in none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.runner.console import Console
from shared.runner.errors import StepFailed
from shared.runner.shipping import FileTarget, Shipper
from shared.runner.workdir import PosixDir, WorkDir


@dataclass(frozen=True)
class Notice:
    """The cloud takes this machine back: as it words it, and the seconds that are left at least."""

    said: str
    within: float

    @property
    def grace(self) -> float:
        """Seconds that the engine gets to end by itself."""
        return self.within / 8

    @property
    def saving(self) -> float:
        """Seconds for saving what it did, of which some are left for the report."""
        return self.within * 5 / 8


class Cloud:
    """No cloud: directories and files only. Every method may be called from any thread."""

    scheme = ""
    """How addresses of its object storage begin."""
    notice_every = 5.0
    """Seconds between two looks for a notice."""
    removes_itself = False
    """Whether the user lets this machine remove itself, should nobody else."""

    def machine_id(self) -> str:
        """This machine's id in its cloud; "" while or where it cannot be had. Blocks for seconds at most."""
        return ""

    def notice(self) -> Notice | None:
        """That the cloud takes this machine back, while it says so. Never raises."""
        return None

    def environment(self) -> dict[str, str]:
        """Variables that a run gets unless its own say otherwise."""
        return {}

    def secrets(self) -> Iterable[str]:
        """What must never be seen in a log."""
        return ()

    def secret(self, source: str) -> str:
        """A secret's value. Raises StepFailed for a source that is not known here, and Failed."""
        raise StepFailed(f"its source is not known to this runner: {source.partition(':')[0][:40]}")

    def work_dir(self, address: str) -> WorkDir:
        """The work directory at an address. Raises StepFailed for one that this runner cannot use."""
        path = address.removeprefix("file://")
        if not path.startswith("/"):
            known = f"neither {self.scheme}... nor" if self.scheme else "not"
            raise StepFailed(f"work directory {address} is {known} an absolute path")
        return PosixDir(Path(path))

    def shipper(self, console: Console, logs: dict[str, str]) -> Shipper:
        """Begins to ship what the console gets. Raises StepFailed for a place that is not known here."""
        if logs.get("kind") != "file":
            raise StepFailed(f"log target {logs.get('kind')!r} is not known to this runner")
        return Shipper(console, FileTarget(Path(logs["path"])))

    def shortfall(self) -> str:
        """What of the log did not get to one of its places so far, for the log's end; "" for nothing."""
        return ""

    def let_go(self) -> None:
        """Everything is saved and said: the cloud may take the machine. Blocks for seconds at most."""

    def remove_machine(self) -> bool:
        """Asks the cloud to remove this very machine, where the user allows that to it. Whether it was
        asked. Never raises; may be repeated."""
        return False
