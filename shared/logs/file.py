"""Logs on this host: lines from the file that a runner appends to, files from the work directory."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from shared.errors import Fault, Invalid, Retry
from shared.logs.names import checked
from shared.model.environment import Environment
from shared.model.run import Attempt, Run
from shared.ports import LogPage

LONGEST_LINE = 1_000_000
"""Bytes of a line; the runner splits longer ones (200,000 characters of up to four bytes)."""
TYPICAL_LINE = 1024


def log_path(root: Path, run_id: str, attempt: int) -> Path:
    """Where the runner of an attempt appends its lines, below the host's data directory."""
    return root.absolute() / "local" / "logs" / run_id / f"{attempt}.txt"


class FileLogs:
    """`ports.LogSource` for files. A cursor is a byte offset."""

    def __init__(self, environment: Environment, root: Path) -> None:
        self._environment = environment
        self._root = root

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        """At most `limit` whole lines from the cursor on; a line that is being written is left for
        later. Raises Invalid for a cursor that is none of ours."""
        start = offset(cursor)
        try:
            with log_path(self._root, run.id, attempt.number).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(start)
                data = file.read(min(size - start, limit * TYPICAL_LINE)) if size > start else b""
                if data and b"\n" not in data:
                    data += file.readline(LONGEST_LINE)
        except FileNotFoundError:
            return LogPage(cursor=cursor, end=True)
        except OSError as error:
            raise Retry(f"log cannot be read: {error.strerror}") from None
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.split(b"\n")[:-1][: max(limit, 0)]
        taken = start + sum(len(line) + 1 for line in lines)
        text = tuple(line.decode(errors="replace") for line in lines)
        return LogPage(lines=text, cursor=str(taken), end=taken >= size or not lines)

    def size(self, run: Run, name: str) -> int | None:
        """Bytes of a file in the run's work directory."""
        with self._opened(run, name) as file:
            return os.fstat(file.fileno()).st_size if file else None

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file in the run's work directory. Raises Invalid for a file that is not there."""
        with self._opened(run, name) as file:
            if file is None:
                raise Invalid(Fault("fileName", f"{name} not found"))
            file.seek(max(start, 0))
            return file.read(-1 if length is None else max(length, 0))

    @contextmanager
    def _opened(self, run: Run, name: str) -> Iterator[BinaryIO | None]:
        """A plain file, reached without following any link below the work directory; None where there
        is none. Whoever runs a task may put links there, to any file that this host can read."""
        *folders, last = checked(name).split("/")
        work_dir = run.work_dir or str(self._environment.config.get("workDir") or "")
        with ExitStack() as held:
            try:
                here = opened_at(held, work_dir.removeprefix("file://"), os.O_DIRECTORY)
                for folder in folders:
                    here = opened_at(held, folder, os.O_DIRECTORY | os.O_NOFOLLOW, here)
                # Without O_NONBLOCK somebody's pipe would hold us up for ever.
                found = opened_at(held, last, os.O_NOFOLLOW | os.O_NONBLOCK, here)
            except OSError:
                yield None
                return
            plain = stat.S_ISREG(os.fstat(found).st_mode)
            with open(found, "rb", closefd=False) as file:
                yield file if plain else None


def opened_at(held: ExitStack, name: str, flags: int, folder: int | None = None) -> int:
    """A descriptor for reading, closed with `held`."""
    found = os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=folder)
    held.callback(os.close, found)
    return found


def offset(cursor: str) -> int:
    """The byte offset that a cursor stands for."""
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise Invalid(Fault("cursor", "not a cursor of this log"))
    return int(cursor)
