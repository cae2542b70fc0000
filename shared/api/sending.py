"""Sends a file of somebody's work directory: whole or a range, and never as a page of ours."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from shared.api.problem import Problem

PIECE = 1024 * 1024
"""Bytes read from the work directory at once."""
Read = Callable[[int, int], bytes]
"""At most so many bytes (the second) from an offset on."""
PARTS: dict[int | str, dict[str, Any]] = {
    206: {"description": "A part of the file"},
    416: {"description": "The range is not in the file"},
}
"""What else an operation that sends a file answers."""


def sent(request: Request, name: str, media: str, size: int, read: Read) -> Response:
    """The answer with a file of `size` bytes. Raises Problem 416 for a range that is not in it."""
    start, end = asked_range(request.headers.get("range", ""), size)
    headers = {
        "Content-Length": str(end - start),
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
        # A report is somebody's HTML: it must not act as a page of ours.
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if (start, end) != (0, size):
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if "Content-Range" in headers else 200
    return StreamingResponse(pieces(read, start, end), status, headers, media)


def asked_range(header: str, size: int) -> tuple[int, int]:
    """First byte and the one behind the last, for one range; the whole file for anything else. Raises
    Problem 416 for a range behind the end."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if match is None or match.group(0) == "bytes=-":
        return 0, size
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= size or end <= start:
        raise Problem(416, "range: not in this file", headers={"Content-Range": f"bytes */{size}"})
    return start, end


def pieces(read: Read, start: int, end: int) -> Iterator[bytes]:
    """A file's bytes, piece by piece."""
    while start < end:
        data = read(start, min(PIECE, end - start))
        if not data:
            return
        start += len(data)
        yield data
