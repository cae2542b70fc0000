"""Where a page ended: the sort key and id of its last record, as opaque text."""

import base64
import binascii
import json


def to_text(sort: str, id: str) -> str:
    """The cursor after this record."""
    return base64.urlsafe_b64encode(json.dumps([sort, id]).encode()).decode()


def from_text(cursor: str) -> tuple[str, str]:
    """Sort key and id. Raises ValueError for text that is not a cursor."""
    try:
        sort, id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a page cursor") from error
    return str(sort), str(id)
