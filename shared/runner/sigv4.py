"""AWS Signature Version 4, for requests whose body is at hand."""

from __future__ import annotations

import hashlib
import hmac
import time
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """Access keys; `expires` is epoch seconds (UTC), 0.0 for keys that do not expire."""

    access: str
    secret: str
    token: str = ""
    expires: float = 0.0


def signed(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    keys: Keys,
    service: str,
    region: str,
    now: float | None = None,
) -> dict[str, str]:
    """The headers to send, with the signature added. `url` must already be percent-encoded, its query
    sorted by `query`."""
    parts = urllib.parse.urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    digest = hashlib.sha256(body).hexdigest()
    sent = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp, "X-Amz-Content-Sha256": digest}
    if keys.token:
        sent["X-Amz-Security-Token"] = keys.token
    canonical = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = ";".join(sorted(canonical))
    lines = [f"{name}:{canonical[name]}" for name in sorted(canonical)]
    # S3 signs the path as it is sent; the other services are only asked at "/".
    request = "\n".join([method, parts.path or "/", parts.query, *lines, "", names, digest])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for word in (stamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def query(parameters: dict[str, str]) -> str:
    """A query string in the one form that signatures are made over."""
    pairs = sorted((quoted(name), quoted(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def quoted(text: str, keep: str = "") -> str:
    """Percent-encoded as the signature wants it: all but letters, digits and `-._~`."""
    return urllib.parse.quote(text, safe="-._~" + keep)
