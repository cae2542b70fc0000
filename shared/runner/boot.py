"""What the user data wrote for the runner, and where things lie on the machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.runner.errors import StepFailed


@dataclass(frozen=True)
class Boot:
    """The content of boot.json. `token` is good for fetching the spec and for reports before it."""

    control: str
    run: str
    attempt: int
    token: str
    deadline: float
    """Epoch seconds (UTC)."""

    @staticmethod
    def read(path: Path) -> Boot:
        """Raises StepFailed when the file is missing or not what it should be."""
        try:
            given = json.loads(path.read_text())
            return Boot(
                control=str(given["control"]).rstrip("/"),
                run=str(given["run"]),
                attempt=int(given["attempt"]),
                token=str(given["token"]),
                deadline=float(given["deadline"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StepFailed(f"{path} cannot be read: {type(error).__name__}") from None


@dataclass(frozen=True)
class Places:
    """Directories on the machine, all below HEADNODE_ROOT (empty on a real machine)."""

    root: str

    @staticmethod
    def of(environ: Mapping[str, str] = os.environ) -> Places:
        return Places(environ.get("HEADNODE_ROOT", ""))

    @property
    def base(self) -> Path:
        """What is ours on this machine."""
        return Path(self.root + "/var/lib/headnode")

    @property
    def work(self) -> Path:
        """Nextflow's work directory where the run's own is not a POSIX one. The same path on every
        machine: links between task directories are absolute."""
        return self.base / "work"

    @property
    def pipeline(self) -> Path:
        """Where a pipeline from a repository is cloned to."""
        return self.base / "pipeline"

    def run(self, run_id: str) -> Path:
        """The directory that the engine is started in."""
        return self.base / "run" / run_id
