"""Keeps finished tasks and Nextflow's own state in the run's work directory, so that another machine can
go on where this one was taken away.

    <work dir>/.headnode/<session>/work/ab/cdef....tar.gz    one finished task directory, written once
    <work dir>/.headnode/<session>/logs/ab/cdef....tar.gz    the log files of one that failed or is at work
    <work dir>/.headnode/<session>/nextflow.tar.gz           .nextflow of the launch directory
"""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

from shared.runner.errors import Failed
from shared.runner.tasklogs import FILES, TaskLogs
from shared.runner.workdir import WorkDir

QUIET = 30.0
"""Seconds for which a directory that is no task's must not have changed before it is taken."""
SETTLED = 1.0
"""Seconds from a task's exit file to the moment its directory is taken."""
AT_ONCE = 4
TRIES = 3


class Checkpoint:
    """The checkpoint of one session. `work` None where Nextflow works in the work directory itself."""

    def __init__(self, store: WorkDir, session: str, work: Path | None, launch_dir: Path) -> None:
        self._store = store
        self._prefix = f".headnode/{session}/"
        self._work = work
        self._state = launch_dir / ".nextflow"
        self._logs = TaskLogs(store, self._prefix, work) if work else None
        self._done: set[str] = set()
        self._lock = threading.Lock()
        self._last_state: object = None

    def save(self, *, final: bool = False, until: float = float("inf")) -> int:
        """Writes what is new; how many task directories. With `final` nothing is running any more, so
        that nothing has to settle first. Stops early at `until` (monotonic seconds). Raises Failed."""
        with self._lock:
            units, others = self._sorted_out(final)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                saved = sum(pool.map(lambda unit: self._save_unit(unit, until), units))
                list(pool.map(lambda unit: self._save_logs(unit, until), others))
            self._save_state()
            return saved

    def restore(self) -> int:
        """Brings back what an earlier machine saved, to the same paths; how many task directories.
        Raises Failed."""
        with self._lock, ThreadPoolExecutor(AT_ONCE) as pool:
            prefix = f"{self._prefix}work/"
            names = list(self._store.names(prefix)) if self._work else []
            units = [name[len(prefix) : -len(".tar.gz")] for name in names if name.endswith(".tar.gz")]
            list(pool.map(self._restore_unit, units))
            self._done.update(units)
            self._restore(f"{self._prefix}nextflow.tar.gz", self._state.parent)
            return len(units)

    def _units(self) -> Iterator[str]:
        """The directories that are saved one by one: tasks (`ab/cdef...`), collected files
        (`tmp/ab/cdef...`), and inputs that were fetched (`stage-.../ab/cdef...`)."""
        for top in subdirectories(self._work):
            deep = top.name == "tmp" or top.name.startswith("stage-")
            for middle in subdirectories(top):
                for path in subdirectories(middle) if deep else (middle,):
                    yield str(path.relative_to(cast("Path", self._work)))

    def _sorted_out(self, final: bool) -> tuple[list[str], list[str]]:
        """The directories to take now, and the tasks of which only the log is to be had."""
        ready, others = [], []
        for unit in self._units():
            if unit in self._done:
                continue
            if self._ready(unit, final):
                ready.append(unit)
            elif (cast("Path", self._work) / unit / ".command.run").exists():
                others.append(unit)
        return ready, others

    def _ready(self, unit: str, final: bool) -> bool:
        path = cast("Path", self._work) / unit
        now = time.time()
        if (path / ".command.run").exists():
            exited = path / ".exitcode"
            try:
                settled = final or now - exited.stat().st_mtime > SETTLED
                return settled and exited.read_text().strip() == "0"
            except OSError:
                return False
        return final or now - newest(path) > QUIET

    def _save_unit(self, unit: str, until: float) -> int:
        if time.monotonic() > until:
            return 0
        path = cast("Path", self._work) / unit
        try:
            self._pack(f"{self._prefix}work/{unit}.tar.gz", path)
        except FileNotFoundError:  # Nextflow cleaned it up while we read
            return 0
        self._done.add(unit)
        return 1

    def _save_logs(self, unit: str, until: float) -> None:
        if self._logs and time.monotonic() <= until:
            self._logs.save(unit)

    def _save_state(self) -> None:
        """Nextflow's cache changes while it is read: a file that vanishes means once more."""
        for attempt in range(TRIES):
            state = fingerprint(self._state)
            if not state or state == self._last_state:
                return
            try:
                self._pack(f"{self._prefix}nextflow.tar.gz", self._state)
            except FileNotFoundError:
                if attempt == TRIES - 1:
                    raise Failed("the state of Nextflow changes too fast to be saved") from None
                continue
            self._last_state = state
            return

    def _pack(self, name: str, path: Path) -> None:
        sink = self._store.sink(name)
        try:
            with gzip.GzipFile(fileobj=cast("IO[bytes]", sink), mode="wb", compresslevel=1) as packed:
                pack(path, cast("IO[bytes]", packed))
            sink.close()
        except BaseException:
            sink.abort()
            raise

    def _restore_unit(self, unit: str) -> None:
        target = cast("Path", self._work) / unit
        self._restore(f"{self._prefix}work/{unit}.tar.gz", target.parent)

    def _restore(self, name: str, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=parent, prefix=".headnode-") as file:
            if self._store.get(name, Path(file.name)):
                unpack(Path(file.name), parent)


def pack(path: Path, to: IO[bytes]) -> None:
    """Writes a directory as a pax archive whose times are exact to the nanosecond. Raises
    FileNotFoundError when something vanishes meanwhile."""
    with tarfile.open(fileobj=to, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for each in (path, *in_order(path)):
            info: tarfile.TarInfo | None = archive.gettarinfo(str(each), str(each.relative_to(path.parent)))
            if info is None:  # a socket or the like
                continue
            nanoseconds = each.lstat().st_mtime_ns
            info.mtime = nanoseconds // 1_000_000_000
            info.pax_headers = {"mtime": f"{info.mtime}.{nanoseconds % 1_000_000_000:09d}"}
            if not info.isreg():
                archive.addfile(info)
                continue
            with each.open("rb") as file:
                archive.addfile(info, cast("IO[bytes]", Padded(file)))


class Padded:
    """A file that may become shorter while it is read: an archive needs as many bytes as announced."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, zeros at the end when the file has no more."""
        return self._file.read(size).ljust(size, b"\0")


def unpack(archive: Path, parent: Path) -> None:
    """Extracts an archive of `pack` below `parent`, with its times. Raises Failed for one that would
    write elsewhere, or that is damaged."""
    folders: list[tuple[Path, int]] = []
    try:
        with tarfile.open(archive, "r:gz") as packed:
            for info in packed:
                target = parent / info.name
                inside = Path(os.path.normpath(target)).is_relative_to(parent)
                # An archive of ours never goes through a link that it brought itself.
                if not inside or not target.parent.resolve().is_relative_to(parent.resolve()):
                    raise Failed(f"{archive.name}: {info.name} leads outside")
                packed.extract(info, parent, set_attrs=True, numeric_owner=True, **EXTRACTED)
                when = exact(info)
                if info.isdir():
                    folders.append((target, when))
                else:
                    os.utime(target, ns=(when, when), follow_symlinks=False)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise Failed(f"a checkpoint is damaged: {error}") from None
    for folder, when in reversed(folders):
        os.utime(folder, ns=(when, when))


# Links of task directories are absolute, which newer Pythons only take from a trusted archive.
EXTRACTED: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}


def exact(info: tarfile.TarInfo) -> int:
    """A member's time in nanoseconds."""
    whole, _, part = info.pax_headers.get("mtime", str(info.mtime)).partition(".")
    return int(whole) * 1_000_000_000 + int(part.ljust(9, "0")[:9] or 0)


def subdirectories(path: Path | None) -> list[Path]:
    """Directories in a directory, none when it does not exist."""
    try:
        entries = path.iterdir() if path else []
        return sorted(each for each in entries if each.is_dir() and not each.is_symlink())
    except OSError:
        return []


def in_order(path: Path) -> Iterator[Path]:
    """Everything below a directory. A task's log files come first, so that they can be had without the
    rest; then what tells which files there are (LevelDB's CURRENT and MANIFEST), so that a copy made
    meanwhile names no file that it lacks."""
    for each in sorted(path.iterdir(), key=rank):
        yield each
        if each.is_dir() and not each.is_symlink():
            yield from in_order(each)


def rank(path: Path) -> tuple[int, Path]:
    """Orders the entries of a directory for an archive."""
    if path.name in FILES:
        return FILES.index(path.name), path
    return len(FILES) + (not path.name.startswith(("CURRENT", "MANIFEST"))), path


def newest(path: Path) -> float:
    """The latest change below a directory, epoch seconds."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except OSError:  # something vanished: that is a change too
        return time.time()


def fingerprint(path: Path) -> object:
    """Changes when anything below a directory does; empty when there is none."""
    try:
        return sorted((str(each), each.lstat().st_mtime_ns, each.lstat().st_size) for each in path.rglob("*"))
    except OSError:
        return object()
