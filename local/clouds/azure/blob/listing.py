"""List Blobs: sorted by name, folded at a delimiter, in pages. List Containers: the same without folding."""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.clouds.answer import Answer
from local.clouds.azure.blob import errors
from local.clouds.azure.blob.models import Blob, Container
from local.clouds.azure.blob.reading import http_date
from local.clouds.azure.blob.xml import document
from local.clouds.azure.call import Call

if TYPE_CHECKING:
    from local.clouds.azure.state import State

PAGE = 5000
"""Names on a page, and the most that can be asked for."""
_UNSAYABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTENT = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control")


def blobs(state: "State", call: Call, container: Container) -> Answer:
    """One page; NextMarker leads to the next one, and is empty on the last."""
    asked = call.query
    include = set(filter(None, asked.get("include", "").lower().split(",")))
    strange = sorted(include - {"metadata"})
    if strange:
        raise errors.unmodelled(f"include={strange[0]} of ListBlobs")
    size, marker = _size(asked.get("maxresults")), _after(asked.get("marker", ""))
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    names = [name for name in _names(container, prefix, delimiter) if name[0] >= marker]
    page, rest = names[:size], names[size:]
    said: dict[str, Any] = {
        name: asked[key]
        for name, key in (("Prefix", "prefix"), ("Marker", "marker"), ("MaxResults", "maxresults"))
        if key in asked
    }
    if delimiter:
        said["Delimiter"] = delimiter
    said["Blobs"] = [_entry(container, name, folded, include) for name, folded in page]
    said["NextMarker"] = base64.b64encode(rest[0][0].encode()).decode() if rest else ""
    there = f"{state.url}/blob/{call.names['account']}/"
    body = document("EnumerationResults", said, ServiceEndpoint=there, ContainerName=container.name)
    return Answer(200, body, [("Content-Type", "application/xml")])


def containers(state: "State", call: Call) -> Answer:
    """One page of an account's containers."""
    account, asked = call.names["account"], call.query
    if asked.get("include"):
        raise errors.unmodelled("include of ListContainers")
    size, marker = _size(asked.get("maxresults")), _after(asked.get("marker", ""))
    there = state.blobs.containers[account]
    names = [name for name in sorted(there) if name.startswith(asked.get("prefix", "")) and name >= marker]
    page, rest = names[:size], names[size:]
    said: dict[str, Any] = {
        name: asked[key]
        for name, key in (("Prefix", "prefix"), ("Marker", "marker"), ("MaxResults", "maxresults"))
        if key in asked
    }
    said["Containers"] = [{"Container": _container(there[name])} for name in page]
    said["NextMarker"] = base64.b64encode(rest[0].encode()).decode() if rest else ""
    body = document("EnumerationResults", said, ServiceEndpoint=f"{state.url}/blob/{account}/")
    return Answer(200, body, [("Content-Type", "application/xml")])


def _container(container: Container) -> dict[str, Any]:
    properties = {
        "Last-Modified": http_date(container.made_at),
        "Etag": container.etag,
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "HasImmutabilityPolicy": "false",
        "HasLegalHold": "false",
    }
    return {"Name": container.name, "Properties": properties}


def _names(container: Container, prefix: str, delimiter: str) -> list[tuple[str, bool]]:
    """Names, and whether they stand for all that begins with them."""
    found = set()
    for name in container.blobs:
        if name.startswith(prefix):
            head, cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            found.add((prefix + head + cut, True) if cut else (name, False))
    return sorted(found)


def _entry(container: Container, name: str, folded: bool, include: set[str]) -> dict[str, Any]:
    if folded:
        return {"BlobPrefix": {"Name": _said(name)}}
    blob = container.blobs[name]
    entry: dict[str, Any] = {"Name": _said(name), "Properties": _properties(blob)}
    if "metadata" in include:
        entry["Metadata"] = blob.metadata
    return {"Blob": entry}


def _properties(blob: Blob) -> dict[str, str]:
    headers = blob.headers
    return {
        "Creation-Time": http_date(blob.made_at),
        "Last-Modified": http_date(blob.changed_at),
        "Etag": blob.etag.strip('"'),
        "Content-Length": str(blob.size),
        **{name: headers.get(name.lower(), "") for name in _CONTENT},
        "Content-MD5": headers.get("content-md5", ""),
        "BlobType": blob.kind,
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }


def _said(name: str) -> Any:
    """A name that XML has no characters for is percent-encoded, and says so."""
    return (quote(name), {"Encoded": "true"}) if _UNSAYABLE.search(name) else name


def _size(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise errors.bad_query("maxresults", text, "OutOfRangeQueryParameterValue")
    return min(int(text), PAGE)


def _after(marker: str) -> str:
    try:
        return base64.b64decode(marker, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise errors.bad_query("marker", marker) from None
