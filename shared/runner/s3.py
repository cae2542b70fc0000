"""Objects in S3: read, list, and write as a stream, in parts where one request would be too big."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shared.runner.aws import Aws
from shared.runner.errors import Denied, Failed
from shared.runner.http import Answer
from shared.runner.sigv4 import query, quoted
from shared.runner.workdir import Sink

SINGLE = 64 * 1024 * 1024
"""Bytes up to which an object is written with one request (it is held in memory)."""
PART = 16 * 1024 * 1024
GROW_EVERY = 1000
"""Parts after which the part size doubles: S3 takes 10,000 parts of an object, and 5 TB."""
RANGE = 16 * 1024 * 1024


class Bucket:
    """One bucket. Blocks; every call is repeated for a while; raises Failed."""

    def __init__(self, aws: Aws, name: str, patience: float = 60.0) -> None:
        self._aws = aws
        self.name = name
        self.patience = patience

    def url(self, key: str, parameters: dict[str, str] | None = None) -> str:
        """The address of an object: path style where an endpoint is given or the name has dots."""
        path = quoted(key, "/")
        if self._aws.endpoint("s3") or "." in self.name:
            base = f"{self._aws.host('s3')}/{self.name}/{path}"
        else:
            scheme, _, host = self._aws.host("s3").partition("://")
            base = f"{scheme}://{self.name}.{host}/{path}"
        return f"{base}?{query(parameters)}" if parameters else base

    def get(self, key: str, path: Path) -> bool:
        """Reads an object into a file, a range at a time; False when there is none."""
        start, size = 0, 1
        with path.open("wb") as file:
            while start < size:
                headers = {"Range": f"bytes={start}-{start + RANGE - 1}"}
                try:
                    answer = self._send("GET", self.url(key), headers=headers)
                except Denied as error:
                    if error.status == 416:  # an empty object has no first byte
                        return True
                    raise
                if answer.status == 404:
                    return False
                file.write(answer.body)
                start += len(answer.body)
                size = total(answer)
        return True

    def names(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`, in order."""
        after = ""
        while True:
            parameters = {"list-type": "2", "prefix": prefix}
            if after:
                parameters["continuation-token"] = after
            answer = self._send("GET", self.url("", parameters))
            if answer.status == 404:
                raise Failed(f"bucket {self.name} not found")
            root = ET.fromstring(answer.body)  # noqa: S314 (the cloud's own answer)
            space = re.sub(r"[^}]*$", "", root.tag)
            for each in root.iter(f"{space}Key"):
                yield each.text or ""
            after = root.findtext(f"{space}NextContinuationToken") or ""
            if not after:
                return

    def put(self, key: str, source: IO[bytes]) -> None:
        """Writes an object from a stream."""
        upload = Upload(self, key)
        try:
            while chunk := source.read(1024 * 1024):
                upload.write(chunk)
            upload.close()
        except BaseException:
            upload.abort()
            raise

    def _send(
        self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        return self._aws.send("s3", method, url, body, headers, self.patience)


class Upload:
    """An object that is being written. It appears whole at `close`, or never. Memory: one part."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._buffer = bytearray()
        self._id = ""
        self._etags: list[str] = []

    def write(self, data: bytes) -> int:
        """Takes bytes; sends a part when enough of them are there."""
        self._buffer += data
        limit = PART << (len(self._etags) // GROW_EVERY) if self._id else SINGLE
        if len(self._buffer) > limit:
            self._flush()
        return len(data)

    def close(self) -> None:
        """Sends the rest and makes the object appear."""
        if not self._id:
            self._need(self._bucket._send("PUT", self._bucket.url(self._key), bytes(self._buffer)))
            return
        if self._buffer:
            self._flush()
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            for number, etag in enumerate(self._etags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer = self._need(self._bucket._send("POST", self._address({"uploadId": self._id}), body))
        if b"<Error>" in answer.body:  # S3 may answer 200 and fail while it writes the answer
            raise Failed(f"s3: {self._key} could not be completed")

    def abort(self) -> None:
        """Gives the parts up, so that nobody pays for them. Never raises."""
        if self._id:
            try:
                self._bucket._send("DELETE", self._address({"uploadId": self._id}))
            except Failed:
                return

    def _flush(self) -> None:
        if not self._id:
            answer = self._need(self._bucket._send("POST", self._address({"uploads": ""})))
            found = re.search(rb"<UploadId>([^<]+)</UploadId>", answer.body)
            if found is None:
                raise Failed("s3: no upload id")
            self._id = found.group(1).decode()
        parameters = {"partNumber": str(len(self._etags) + 1), "uploadId": self._id}
        answer = self._need(self._bucket._send("PUT", self._address(parameters), bytes(self._buffer)))
        self._etags.append(answer.headers.get("ETag", ""))
        self._buffer.clear()

    def _address(self, parameters: dict[str, str]) -> str:
        return self._bucket.url(self._key, parameters)

    def _need(self, answer: Answer) -> Answer:
        if answer.status == 404:
            raise Denied(f"bucket {self._bucket.name} not found", "NoSuchBucket", 404)
        return answer


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


def total(answer: Answer) -> int:
    """The whole object's size, from the answer to a ranged read."""
    found = re.search(r"/(\d+)$", answer.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else len(answer.body)
