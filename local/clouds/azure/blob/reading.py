"""What reads a blob answers: headers that describe it, and the bytes that were asked for."""

import base64
import email.utils
import hashlib
import re
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.blob import errors, preconditions
from local.clouds.azure.blob.delegation import OVERRIDES
from local.clouds.azure.blob.models import APPEND, Blob, Container
from local.clouds.azure.blob.xml import document
from local.clouds.azure.call import Call

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_MEASURED = 4 * 1024 * 1024
"""Longest range whose MD5 a client may ask for."""


def get(_: "State", call: Call, container: Container) -> Answer:
    """The blob, or the range of x-ms-range or Range."""
    blob = existing(call, container)
    preconditions.check(call, blob)
    wanted = call.headers.get("x-ms-range") or call.headers.get("range")
    if not wanted:
        return Answer(200, blob.content.read(), described(call, blob))
    start, end = _span(wanted, blob.size)
    body = blob.content.read(start, end - start + 1)
    headers = described(call, blob)
    headers = [("x-ms-blob-content-md5" if name == "Content-MD5" else name, text) for name, text in headers]
    headers.append(("Content-Range", f"bytes {start}-{end}/{blob.size}"))
    if call.headers.get("x-ms-range-get-content-md5", "").lower() == "true":
        if len(body) > _MEASURED:
            raise errors.bad_header("x-ms-range-get-content-md5", "true")
        headers.append(("Content-MD5", md5(body)))
    return Answer(206, body, headers)


def properties(_: "State", call: Call, container: Container) -> Answer:
    """HEAD: everything but the bytes."""
    blob = existing(call, container)
    preconditions.check(call, blob)
    return Answer(200, b"", [*described(call, blob), ("Content-Length", str(blob.size))])


def blocks(_: "State", call: Call, container: Container) -> Answer:
    """The committed blocks, those that wait, or both."""
    kind, name = call.query.get("blocklisttype", "committed").lower(), call.names["blob"]
    if kind not in ("committed", "uncommitted", "all"):
        raise errors.bad_query("blocklisttype", kind)
    blob, staged = container.blobs.get(name), container.staged.get(name, {})
    if blob is None and not staged:
        raise errors.no_blob()
    if blob and blob.kind == APPEND:
        raise errors.wrong_type()
    said = {"CommittedBlocks": [(each.id, each.size) for each in blob.blocks] if blob else []}
    if kind == "uncommitted":
        said = {}
    if kind in ("uncommitted", "all"):
        said["UncommittedBlocks"] = [(id, each.size) for id, each in staged.items()]
    listed = {
        part: [{"Block": {"Name": id, "Size": str(size)}} for id, size in found]
        for part, found in said.items()
    }
    headers = [("Content-Type", "application/xml")]
    if blob:
        headers += [*stamps(blob), ("x-ms-blob-content-length", str(blob.size))]
    return Answer(200, document("BlockList", listed), headers)


def existing(call: Call, container: Container) -> Blob:
    """The blob that a request names. Raises Refused."""
    found = container.blobs.get(call.names["blob"])
    if found is None:
        raise errors.no_blob()
    return found


def stamps(blob: Blob) -> list[tuple[str, str]]:
    """ETag and Last-Modified."""
    return [("ETag", blob.etag), ("Last-Modified", http_date(blob.changed_at))]


def described(call: Call, blob: Blob) -> list[tuple[str, str]]:
    """The headers of a blob. A signature may set some of its own."""
    said = {name.title(): text for name, text in blob.headers.items()}
    said = {("Content-MD5" if name == "Content-Md5" else name): text for name, text in said.items()}
    said |= {OVERRIDES[name].title(): text for name, text in call.query.items() if name in OVERRIDES}
    found = [*said.items(), *stamps(blob), ("Accept-Ranges", "bytes")]
    found += [
        ("x-ms-creation-time", http_date(blob.made_at)),
        ("x-ms-blob-type", blob.kind),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-server-encrypted", "true"),
        *((f"x-ms-meta-{name}", text) for name, text in blob.metadata.items()),
    ]
    if blob.kind == APPEND:
        found.append(("x-ms-blob-committed-block-count", str(blob.appended)))
    return found


def http_date(at: float) -> str:
    """Tue, 21 Nov 2026 08:00:00 GMT."""
    return email.utils.formatdate(at, usegmt=True)


def md5(data: bytes) -> str:
    """As headers carry it."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _span(text: str, size: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise errors.unmodelled(f"the range {text}")
    start, end = int(match[1]), int(match[2]) if match[2] else size - 1
    if start >= size or end < start:
        raise errors.bad_range(size)
    return start, min(end, size - 1)
