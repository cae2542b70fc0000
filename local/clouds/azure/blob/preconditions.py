"""If-Match and its family, and the conditions of appends."""

import email.utils

from local.clouds.azure.blob import errors
from local.clouds.azure.blob.models import Blob
from local.clouds.azure.call import Call

HEADERS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})


def check(call: Call, blob: Blob | None) -> None:
    """Raises Refused unless the request's conditions hold for the blob as it is; 304 for reads of what
    is unchanged. A blob that is not there fits only what asks for nothing, or for nothing to be there."""
    reads = call.method in ("GET", "HEAD")
    wanted, unwanted = call.headers.get("if-match", ""), call.headers.get("if-none-match", "")
    if blob is None:
        if wanted:
            raise errors.condition_not_met()
        return
    if wanted and not _names(wanted, blob):
        raise errors.condition_not_met()
    if unwanted and _names(unwanted, blob):
        raise _unwanted(unwanted, reads)
    since = _time(call, "if-modified-since")
    if since is not None and int(blob.changed_at) <= since and not unwanted:
        raise errors.condition_not_met(304 if reads else 412)
    until = _time(call, "if-unmodified-since")
    if until is not None and int(blob.changed_at) > until and not wanted:
        raise errors.condition_not_met()


def check_append(call: Call, blob: Blob, length: int) -> None:
    """Raises Refused unless the append may be done at this length of the blob."""
    position = number(call, "x-ms-blob-condition-appendpos")
    if position is not None and position != blob.size:
        raise errors.append_position()
    limit = number(call, "x-ms-blob-condition-maxsize")
    if limit is not None and blob.size + length > limit:
        raise errors.max_size()


def number(call: Call, header: str) -> int | None:
    """A header that is a whole number; None without it. Raises Refused."""
    text = call.headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise errors.bad_header(header, text)
    return int(text)


def _unwanted(text: str, reads: bool) -> errors.StorageRefused:
    if text.strip() == "*" and not reads:
        return errors.blob_exists()
    return errors.condition_not_met(304 if reads else 412)


def _names(text: str, blob: Blob) -> bool:
    tags = [each.strip().strip('"') for each in text.split(",")]
    return "*" in tags or blob.etag.strip('"') in tags


def _time(call: Call, header: str) -> float | None:
    text = call.headers.get(header)
    if text is None:
        return None
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise errors.bad_header(header, text) from None
