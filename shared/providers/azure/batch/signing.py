"""Signatures with the keys of a Batch account and of a storage account, and signatures for containers.

Sources: learn.microsoft.com "Authenticate via Shared Key (Batch service)", "Authorize with Shared Key
(Azure Storage)", "Create a service SAS", "Create a user delegation SAS".
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

VERSION = "2021-12-02"
"""The version of the blob service that signatures are made for."""
PERMISSIONS = "racwdl"
"""Of a run's signature for its work container: read, add, create, write, delete, list."""
STANDARD = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)
DAY = 86400.0
MOST_DELEGATED = 7 * DAY
"""Seconds for which Azure gives a key of user delegation."""
EARLIER = 900.0
"""Seconds before now at which a signature begins: the clocks of two machines differ."""


def signed(key: str, text: str) -> str:
    """HMAC-SHA256 by a key in base64, in base64. Raises ValueError for a key that is none."""
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()


def batch_headers(
    account: str, key: str, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers that a request of the Batch service gets."""
    given = {**lowered(headers), "ocp-date": dated()}
    length = str(len(body)) if body else "" if method in ("GET", "HEAD") else "0"
    lines = [method, *(given.get(name, length if name == "content-length" else "") for name in STANDARD)]
    lines += [f"{name}:{value}" for name, value in sorted(given.items()) if name.startswith("ocp-")]
    signature = signed(key, "\n".join(lines) + resource(account, url))
    return {"ocp-date": given["ocp-date"], "Authorization": f"SharedKey {account}:{signature}"}


def blob_headers(
    account: str, key: str, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers that a request of the blob service gets."""
    given = {**lowered(headers), "x-ms-date": dated()}
    length = str(len(body)) if body else ""
    lines = [method, *(given.get(name, length if name == "content-length" else "") for name in STANDARD)]
    lines += [f"{name}:{value}" for name, value in sorted(given.items()) if name.startswith("x-ms-")]
    signature = signed(key, "\n".join(lines) + resource(account, url))
    return {"x-ms-date": given["x-ms-date"], "Authorization": f"SharedKey {account}:{signature}"}


def resource(account: str, url: str) -> str:
    """What a request is about, as both services sign it."""
    parts = urlsplit(url)
    asked = sorted((name.lower(), value) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return f"\n/{account}{parts.path or '/'}" + "".join(f"\n{name}:{value}" for name, value in asked)


def container_sas(account: str, container: str, key: str, begins: float, ends: float) -> str:
    """The query that opens a container until then, by the storage account's key."""
    said = {"sp": PERMISSIONS, "st": utc(begins), "se": utc(ends), "spr": "https", "sv": VERSION}
    said["sr"] = "c"
    names = ("sp", "st", "se", "", "si", "sip", "spr", "sv", "sr", "snapshot", "ses")
    return with_signature(said, account, container, key, (*names, *("rscc", "rscd", "rsce", "rscl", "rsct")))


def delegated_sas(account: str, container: str, key: Mapping[str, str], begins: float, ends: float) -> str:
    """The same by a key of user delegation (`Value`, `SignedOid`, ... as Azure names its parts)."""
    said = {
        "sp": PERMISSIONS,
        "st": utc(begins),
        "se": utc(ends),
        "skoid": key["SignedOid"],
        "sktid": key["SignedTid"],
        "skt": key["SignedStart"],
        "ske": key["SignedExpiry"],
        "sks": key["SignedService"],
        "skv": key["SignedVersion"],
        "spr": "https",
        "sv": VERSION,
        "sr": "c",
    }
    first = ("sp", "st", "se", "", "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid")
    rest = ("sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct")
    return with_signature(said, account, container, key["Value"], first + rest)


def with_signature(
    said: Mapping[str, str], account: str, container: str, key: str, names: tuple[str, ...]
) -> str:
    """The query with its signature; an empty name stands for the resource itself."""
    path = f"/blob/{account}/{container}"
    text = "\n".join(said.get(name, "") if name else path for name in names)
    return urlencode({**said, "sig": signed(key, text)}, quote_via=quote)


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their names in lower case."""
    return {name.lower(): value.strip() for name, value in headers.items()}


def dated() -> str:
    """The date of a request. As in Azure's own clients it is this machine's, whatever a test takes for the
    time: the service refuses one that is a quarter of an hour off."""
    return formatdate(usegmt=True)


def utc(moment: float) -> str:
    """A moment as signatures write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
