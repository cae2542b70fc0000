"""Blobs in Azure storage: read, list, and write as a stream, in blocks where one request would be too big."""

from __future__ import annotations

import base64
import re
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shared.runner.azure import STORAGE, Azure
from shared.runner.errors import Failed
from shared.runner.http import Answer
from shared.runner.workdir import Sink

VERSION = "2021-12-02"
BLOCK = 8 * 1024 * 1024
"""Bytes of a block; one that is no larger is written with one request."""
GROW_EVERY = 10_000
"""Blocks after which the block size doubles: a blob takes 50,000 blocks, so that there is room for 2 TB."""
RANGE = 16 * 1024 * 1024


class Container:
    """One container, at its address. Blocks; every call is repeated for a while; raises Failed."""

    def __init__(self, azure: Azure, url: str, patience: float = 60.0) -> None:
        self._azure = azure
        self._url = url.rstrip("/")
        self.patience = patience

    def url(self, name: str, parameters: dict[str, str] | None = None) -> str:
        """The address of a blob, or with an empty name of the container."""
        path = f"{self._url}/{urllib.parse.quote(name, safe='/-._~')}" if name else self._url
        return f"{path}?{urllib.parse.urlencode(parameters)}" if parameters else path

    def get(self, name: str, path: Path) -> bool:
        """Reads a blob into a file, a range at a time; False when there is none."""
        start, size = 0, 1
        with path.open("wb") as file:
            while start < size:
                headers = {"x-ms-range": f"bytes={start}-{start + RANGE - 1}"}
                answer = self.send("GET", self.url(name), headers=headers, accept=(404, 416))
                if answer.status == 404:
                    return False
                if answer.status == 416:  # an empty blob has no first byte
                    return True
                file.write(answer.body)
                start += len(answer.body)
                size = total(answer)
        return True

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`, in order."""
        marker = ""
        while True:
            asked = {"restype": "container", "comp": "list", "prefix": prefix}
            answer = self.send("GET", self.url("", {**asked, **({"marker": marker} if marker else {})}))
            root = ET.fromstring(answer.body)  # noqa: S314 (the cloud's own answer)
            for each in root.iter("Blob"):
                yield each.findtext("Name") or ""
            marker = root.findtext("NextMarker") or ""
            if not marker:
                return

    def put(self, name: str, source: IO[bytes]) -> None:
        """Writes a blob from a stream."""
        upload = Upload(self, name)
        while chunk := source.read(1024 * 1024):
            upload.write(chunk)
        upload.close()

    def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """One call of the blob service."""
        given = {"x-ms-version": VERSION, **(headers or {})}
        return self._azure.send(STORAGE, method, url, body, given, patience=self.patience, accept=accept)


class Upload:
    """A blob that is being written. It appears whole at `close`, or never. Memory: one block."""

    def __init__(self, container: Container, name: str) -> None:
        self._container = container
        self._name = name
        self._buffer = bytearray()
        self._ids: list[str] = []
        # Somebody else may write blocks of the same blob: theirs have other names.
        self._mine = uuid.uuid4().hex[:16]

    def write(self, data: bytes) -> int:
        """Takes bytes; sends a block when enough of them are there."""
        self._buffer += data
        if len(self._buffer) > BLOCK << (len(self._ids) // GROW_EVERY):
            self._flush()
        return len(data)

    def close(self) -> None:
        """Sends the rest and makes the blob appear."""
        if not self._ids:
            headers = {"x-ms-blob-type": "BlockBlob"}
            self._container.send("PUT", self._container.url(self._name), bytes(self._buffer), headers)
            return
        if self._buffer:
            self._flush()
        named = "".join(f"<Latest>{each}</Latest>" for each in self._ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{named}</BlockList>'.encode()
        url = self._container.url(self._name, {"comp": "blocklist"})
        self._container.send("PUT", url, body, {"Content-Type": "application/xml"})

    def abort(self) -> None:
        """Forgets it. Blocks that no list names cost nothing and are gone within a week; a DELETE would
        take away the blob that was there before. Never raises."""
        self._buffer.clear()

    def _flush(self) -> None:
        id = base64.b64encode(f"{self._mine}{len(self._ids):08d}".encode()).decode()
        url = self._container.url(self._name, {"comp": "block", "blockid": id})
        self._container.send("PUT", url, bytes(self._buffer))
        self._ids.append(id)
        self._buffer.clear()


class BlobDir:
    """`WorkDir` below a path of a container."""

    def __init__(self, container: Container, prefix: str) -> None:
        self._container = container
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, source: IO[bytes]) -> None:
        self._container.put(self._prefix + name, source)

    def get(self, name: str, path: Path) -> bool:
        return self._container.get(self._prefix + name, path)

    def names(self, prefix: str) -> Iterator[str]:
        for name in self._container.names(self._prefix + prefix):
            yield name[len(self._prefix) :]

    def sink(self, name: str) -> Sink:
        return Upload(self._container, self._prefix + name)


def total(answer: Answer) -> int:
    """The whole blob's size, from the answer to a ranged read. Raises Failed without one."""
    found = re.search(r"/(\d+)$", answer.headers.get("Content-Range", ""))
    if found is None:
        raise Failed("a ranged read was not answered with a range")
    return int(found.group(1))
