"""The run's work directory: in S3 or a POSIX directory, with the same few operations."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from shared.runner.aws import Aws
from shared.runner.errors import Failed, StepFailed
from shared.runner.s3 import Bucket, Upload


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


def opened(address: str, aws: Aws) -> WorkDir:
    """The work directory at an address. Raises StepFailed for one that this runner cannot use."""
    if address.startswith("s3://"):
        bucket, _, prefix = address[5:].partition("/")
        return S3Dir(Bucket(aws, bucket), prefix.strip("/"))
    path = address.removeprefix("file://")
    if not path.startswith("/"):
        raise StepFailed(f"work directory {address} is neither s3://... nor an absolute path")
    return PosixDir(Path(path))


class S3Dir:
    """Objects below a prefix."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self.bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, source: IO[bytes]) -> None:
        self.bucket.put(self._prefix + name, source)

    def get(self, name: str, path: Path) -> bool:
        return self.bucket.get(self._prefix + name, path)

    def names(self, prefix: str) -> Iterator[str]:
        for key in self.bucket.names(self._prefix + prefix):
            yield key[len(self._prefix) :]

    def sink(self, name: str) -> Sink:
        return Upload(self.bucket, self._prefix + name)


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
