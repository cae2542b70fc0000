"""Logs on this host: lines from the file that a runner appends to, files from the work directory."""

from pathlib import Path

from shared.errors import Fault, Invalid, Retry
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
        path = self._path(run, name)
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file in the run's work directory. Raises Invalid for a file that is not there."""
        if self.size(run, name) is None:
            raise Invalid(Fault("fileName", f"{name} not found"))
        with self._path(run, name).open("rb") as file:
            file.seek(max(start, 0))
            return file.read(-1 if length is None else max(length, 0))

    def _path(self, run: Run, name: str) -> Path:
        if not name or name in (".", "..") or any(character in name for character in "/\\\0"):
            raise Invalid(Fault("fileName", "must be a bare file name"))
        work_dir = run.work_dir or str(self._environment.config.get("workDir") or "")
        return Path(work_dir.removeprefix("file://")) / name


def offset(cursor: str) -> int:
    """The byte offset that a cursor stands for."""
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise Invalid(Fault("cursor", "not a cursor of this log"))
    return int(cursor)
