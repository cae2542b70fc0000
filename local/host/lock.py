"""One host per data directory."""

import fcntl
import os
from pathlib import Path
from typing import IO

from shared.errors import HeadnodeError


class DataLock:
    """Holds a data directory for this process. The kernel lets go of it however the process ends, so a
    kill leaves nothing to clean up."""

    def __init__(self, data: Path) -> None:
        self.path = data / "lock"
        self._file: IO[str] | None = None

    def take(self, note: str) -> None:
        """Takes the lock and writes `note` into it. Raises HeadnodeError when another host has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self.path.read_text().strip()
            file.close()
            raise HeadnodeError(f"{self.path.parent} is in use by another headnode ({holder})") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, {note}\n")
        file.flush()
        self._file = file

    def free(self) -> None:
        """Lets go; nothing happens when it was not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
