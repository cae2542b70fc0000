"""The files of one task: its script, what it printed, its exit status.

A task's client says where it worked, and whoever has the run's token may say anything. So nothing is read
but files of these names, in the task's own directory below the run's work directory:

    told s3://, az:// or a path, as the work directory is     <work dir>/ab/cdef.../<name>
    told a path, and the work directory is a cloud's          the archive that the machine's runner made of it
                                                              (`runner.checkpoint`, `runner.tasklogs`)
"""

import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.errors import Refused
from shared.model.run import Run
from shared.ports import LogSource

LOGS = (".command.log", ".command.out", ".command.err")
"""What a task's log is read from: the first that has anything. `.command.log` is both of the others."""
FILES: dict[str, str] = {
    ".command.out": "Task stdout",
    ".command.err": "Task stderr",
    ".command.log": "Task log file",
    ".fusion.log": "Fusion log file",
    ".command.sh": "Task script",
    ".command.run": "Task wrapper",
    ".command.begin": "Task start mark",
    ".command.trace": "Task resource usage",
    ".exitcode": "Task exit status",
}
"""Every file of a task that can be had, and what it is called: nothing else is ever read."""
UNIT = re.compile(r"(?:^|/)([0-9a-f]{2}/[0-9a-f]{30})/?")
SESSION = re.compile(r"[0-9A-Za-z-]{1,64}")
PIECE = 256 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes that are unpacked of an archive at most: the log files of a task are at its beginning."""


class Files(Protocol):
    """The files of one task. `name` is one of `FILES`."""

    def size(self, name: str) -> int | None:
        """Bytes of it; None when it is not there."""

    def read(self, name: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on."""


def files_of(run: Run, told: str, source: LogSource) -> Files:
    """The files of a task that is said to have worked in `told`. Calls nothing. Raises Refused, for
    people, where they cannot be had."""
    unit = UNIT.search(told)
    if not told:
        raise Refused("the task has no work directory yet")
    if unit is None or unit.end() != len(told):
        raise Refused("the task's work directory is none of Nextflow's")
    folder = unit.group(1)
    cloud = "://" in run.work_dir
    if cloud and told.startswith("/"):
        if not SESSION.fullmatch(run.session_id):
            raise Refused("the run's session has no archive")
        kept = f".headnode/{run.session_id}"
        return Archived(run, source, tuple(f"{kept}/{kind}/{folder}.tar.gz" for kind in ("work", "logs")))
    if plain(told) != f"{plain(run.work_dir)}/{folder}":
        raise Refused("the task worked outside of the run's work directory, where nothing is read")
    return Direct(run, source, folder)


def plain(path: str) -> str:
    """A work directory without what may differ from one client's writing to another's."""
    return re.sub(r"^(\w+):/+", r"\1://", path.removeprefix("file://")).rstrip("/")


@dataclass(frozen=True)
class Direct:
    """Files that Nextflow itself left in the run's work directory."""

    run: Run
    source: LogSource
    folder: str

    def size(self, name: str) -> int | None:
        """As `Files`."""
        return self.source.size(self.run, f"{self.folder}/{name}")

    def read(self, name: str, start: int, length: int) -> bytes:
        """As `Files`."""
        return self.source.read(self.run, f"{self.folder}/{name}", start, length)


class Archived:
    """Files in the first archive that there is. It is read once, from its beginning, up to the first
    member that is none of `FILES`."""

    def __init__(self, run: Run, source: LogSource, archives: tuple[str, ...]) -> None:
        self._run = run
        self._source = source
        self._archives = archives
        self._files: dict[str, bytes] | None = None

    def size(self, name: str) -> int | None:
        """As `Files`."""
        found = self._unpacked().get(name)
        return None if found is None else len(found)

    def read(self, name: str, start: int, length: int) -> bytes:
        """As `Files`."""
        return self._unpacked().get(name, b"")[start : start + length]

    def _unpacked(self) -> dict[str, bytes]:
        if self._files is None:
            sizes = ((each, self._source.size(self._run, each)) for each in self._archives)
            there = next(((each, size) for each, size in sizes if size is not None), None)
            self._files = unpacked(self._pieces(*there)) if there else {}
        return self._files

    def _pieces(self, archive: str, size: int) -> Iterator[bytes]:
        for start in range(0, size, PIECE):
            yield self._source.read(self._run, archive, start, min(PIECE, size - start))


def unpacked(pieces: Iterator[bytes]) -> dict[str, bytes]:
    """The log files at the beginning of a packed archive, by name. One that is cut off or damaged gives
    what there is before that; one that would unpack to more than LARGEST, no more than that. A link is
    no file: it would lead anywhere."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=Unzipped(pieces), mode="r|") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if member.isfile() and name in FILES and member.name.count("/") == 1:
                    opened = archive.extractfile(member)
                    found.setdefault(name, opened.read() if opened else b"")
                elif not member.isdir() and name not in FILES:
                    break
    except (tarfile.TarError, zlib.error, EOFError, ValueError):
        pass
    return found


class Unzipped(io.RawIOBase):
    """Unpacks a gzip stream piece by piece, in bounded memory. Raises EOFError behind LARGEST bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._stream = zlib.decompressobj(wbits=31)
        self._left = LARGEST

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, fewer only at the end."""
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        found = bytearray()
        while len(found) < wanted and not self._stream.eof:
            packed = self._stream.unconsumed_tail or next(self._pieces, b"")
            data = self._stream.decompress(packed, min(wanted - len(found), PIECE))
            found += data
            if not data and not packed:
                break
        self._left -= len(found)
        if self._left < 0:
            raise EOFError
        return bytes(found)
