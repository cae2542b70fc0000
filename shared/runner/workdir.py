"""The run's work directory as a few operations, and the one that is a plain directory."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from shared.runner.errors import Failed


class Sink(Protocol):
    """A file that is being written: it appears whole at `close`, and never after `abort`."""

    def write(self, data: bytes) -> int: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class WorkDir(Protocol):
    """Names are relative, with `/`. Methods block, and raise Failed."""

    def put(self, name: str, source: IO[bytes]) -> None:
        """Writes a file, replacing one that is there."""

    def get(self, name: str, path: Path) -> bool:
        """Copies a file here; False when there is none."""

    def names(self, prefix: str) -> Iterator[str]:
        """Files whose name begins with `prefix`."""

    def sink(self, name: str) -> Sink:
        """Begins to write a file."""


class PosixDir:
    """Plain file copies; a reader sees the old or the new file, never a part."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, source: IO[bytes]) -> None:
        sink = self.sink(name)
        try:
            while chunk := source.read(1024 * 1024):
                sink.write(chunk)
            sink.close()
        except BaseException:
            sink.abort()
            raise

    def get(self, name: str, path: Path) -> bool:
        try:
            shutil.copyfile(self.path / name, path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Failed(f"{name}: {error.strerror}") from None
        return True

    def names(self, prefix: str) -> Iterator[str]:
        top = (self.path / prefix).parent
        for folder, _, files in sorted(os.walk(top)):
            for each in sorted(files):
                name = str((Path(folder) / each).relative_to(self.path))
                if name.startswith(prefix) and not name.endswith(PARTIAL):
                    yield name

    def sink(self, name: str) -> Sink:
        return _File(self.path / name)


PARTIAL = ".headnode-part"


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + PARTIAL)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        except OSError as error:
            raise Failed(f"{path.name}: {error.strerror}") from None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise Failed(f"{self._path.name}: {error.strerror}") from None

    def close(self) -> None:
        try:
            self._file.close()
            self._part.replace(self._path)
        except OSError as error:
            raise Failed(f"{self._path.name}: {error.strerror}") from None

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)
