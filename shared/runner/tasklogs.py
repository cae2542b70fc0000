"""Keeps the logs of tasks that have no checkpoint (yet): those that failed, and those still at work.

    <work dir>/.headnode/<session>/logs/ab/cdef....tar.gz    the task's own log files, nothing else

A task that ended well is kept whole by the checkpoint, with the same files first.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import IO, cast

from shared.runner.workdir import WorkDir

FILES = (
    ".command.sh",
    ".command.run",
    ".exitcode",
    ".command.begin",
    ".command.err",
    ".command.out",
    ".command.log",
    ".command.trace",
    ".fusion.log",
)
"""The small ones first: whoever reads the archive's beginning has them."""
MOST = 16 * 1024 * 1024
"""Bytes kept of one file: the last ones, since a log's end says what went wrong."""


class TaskLogs:
    """The log files of one session's tasks. `save` may be repeated, and raises Failed."""

    def __init__(self, store: WorkDir, prefix: str, work: Path) -> None:
        self._store = store
        self._prefix = f"{prefix}logs/"
        self._work = work
        self._seen: dict[str, object] = {}

    def save(self, unit: str) -> None:
        """Writes a task's log files, if they changed since they were last written."""
        state = fingerprint(self._work / unit)
        if not state or state == self._seen.get(unit):
            return
        sink = self._store.sink(f"{self._prefix}{unit}.tar.gz")
        try:
            with gzip.GzipFile(fileobj=cast("IO[bytes]", sink), mode="wb", compresslevel=1) as packed:
                pack(self._work / unit, cast("IO[bytes]", packed))
            sink.close()
        except BaseException:
            sink.abort()
            raise
        self._seen[unit] = state


def pack(folder: Path, to: IO[bytes]) -> None:
    """An archive of a task's log files, as they are now. Links are left out: a task could point one at
    any file of the machine."""
    with tarfile.open(fileobj=to, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name in FILES:
            data = ending(folder / name)
            if data is not None:
                info = tarfile.TarInfo(f"{folder.name}/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


def ending(path: Path) -> bytes | None:
    """A plain file's bytes, of a very long one the end; None where there is no such file."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(opened, "rb") as file:
        shown = os.fstat(opened)
        if not stat.S_ISREG(shown.st_mode):
            return None
        left_out = shown.st_size - MOST
        if left_out <= 0:
            return file.read(MOST)
        file.seek(left_out)
        return b"headnode: the first %d bytes are left out\n" % left_out + file.read(MOST)


def fingerprint(folder: Path) -> object:
    """Changes when a log file does; empty when there is none."""
    found = []
    for name in FILES:
        try:
            shown = (folder / name).lstat()
        except OSError:
            continue
        found.append((name, shown.st_mtime_ns, shown.st_size))
    return found
