"""This machine itself: nothing is emulated, and nobody takes a machine away."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ThisMachine:
    """`Place` for the platform `local-platform`."""

    platform = "local-platform"
    role = ""
    plugin = ""
    carried = ""
    title = "this machine itself"
    mark = 0

    def __init__(self, work: Path) -> None:
        self._work = work

    def start(self) -> Mapping[str, str]:
        """There is nothing to start."""
        return {}

    def stop(self) -> None:
        """There is nothing to stop."""

    def open(self, shared: list[Path]) -> None:
        """Machines see every file of this machine."""

    def enforce(self, permissions: Any) -> None:
        """There are no permissions."""

    def credentials(self) -> list[dict[str, Any]]:
        """None are needed."""
        return []

    def config(self) -> dict[str, Any]:
        """A directory."""
        return {"discriminator": self.platform, "workDir": str(self._work)}

    def interrupt(self) -> str:
        """Raises RuntimeError: `check` refuses the option before."""
        raise RuntimeError("nobody takes a local machine away")

    def calls(self, since: int) -> list[str]:  # noqa: ARG002 (there is no cloud to be called)
        """None."""
        return []

    def reads_log(self, call: str) -> bool:  # noqa: ARG002 (there is no cloud to be called)
        """No call is made."""
        return False

    def leftovers(self) -> list[str]:
        """The environment's own receipt and the processes tell all."""
        return []

    def kept(self) -> list[str]:
        """The run's files."""
        return [f"file {path.name}" for path in sorted(self._work.rglob("nf-*")) if path.is_file()]

    def result(self, run: str) -> Any:
        """From the work directory."""
        path = self._work / "results" / run / "summary.json"
        return json.loads(path.read_text()) if path.is_file() else None
