"""A record's body as the clouds' tables keep it."""

import zlib

PACKED_FROM = 16_384
"""Bytes from which a body is deflated: reads and writes are billed by the kilobyte, and items are small."""


def packed(body: bytes) -> bytes:
    """JSON, or deflated when it is long (a zlib stream begins with an `x`, JSON of a record with a brace)."""
    return body if len(body) < PACKED_FROM else zlib.compress(body, 6)


def unpacked(body: bytes) -> bytes:
    """The inverse of `packed`."""
    return body if body.startswith(b"{") else zlib.decompress(body)
