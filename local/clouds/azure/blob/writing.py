"""What changes a blob: whole, by blocks, by appends."""

import base64
import binascii
import re
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.blob import errors, preconditions
from local.clouds.azure.blob.models import APPEND, BLOCK, Blob, Block, Container, Content
from local.clouds.azure.blob.reading import existing, md5, stamps
from local.clouds.azure.blob.xml import parsed
from local.clouds.azure.call import Call

if TYPE_CHECKING:
    from local.clouds.azure.state import State

MIB = 1024 * 1024
PUT_LIMIT, BLOCK_LIMIT = 5000 * MIB, 4000 * MIB
BLOCKS = 50_000
"""Blocks of one block list."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEPT = ("content-encoding", "content-language", "content-disposition", "cache-control")


def put(state: "State", call: Call, container: Container) -> Answer:
    """A whole block blob, or the beginning of an append blob."""
    kind = call.headers.get("x-ms-blob-type", "")
    if not kind:
        raise errors.missing_header("x-ms-blob-type")
    if kind == "PageBlob":
        raise errors.unmodelled("PutBlob of a PageBlob")
    if kind not in (BLOCK, APPEND):
        raise errors.bad_header("x-ms-blob-type", kind)
    if kind == APPEND and call.body:
        raise errors.bad_header("Content-Length", str(len(call.body)))
    _whole(call, PUT_LIMIT)
    blob = _made(state, call, container, kind, Content(call.body))
    answer = Answer(201, b"", [*stamps(blob), ("x-ms-request-server-encrypted", "true")])
    if kind == BLOCK:
        blob.headers.setdefault("content-md5", md5(call.body))
        answer.headers.append(("Content-MD5", md5(call.body)))
    return answer


def put_block(_: "State", call: Call, container: Container) -> Answer:
    """Keeps a block until a list commits it, or a Put Blob makes it void."""
    name, id = call.names["blob"], call.query.get("blockid", "")
    blob, staged = container.blobs.get(name), container.staged.get(name, {})
    if blob and blob.kind == APPEND:
        raise errors.wrong_type()
    if not id:
        raise errors.bad_query("blockid", id, "MissingRequiredQueryParameter")
    known = [*staged, *(each.id for each in (blob.blocks if blob else ()))]
    if not _fits(id) or any(len(each) != len(id) for each in known):
        raise errors.bad_block()
    _whole(call, BLOCK_LIMIT)
    kept = container.staged.setdefault(name, {})
    if id in kept:
        kept[id].close()
    kept[id] = Content(call.body)
    return Answer(201, b"", [("Content-MD5", md5(call.body)), ("x-ms-request-server-encrypted", "true")])


def put_block_list(state: "State", call: Call, container: Container) -> Answer:
    """Makes the blob of the blocks that are named, old and new; the other new ones are gone."""
    name = call.names["blob"]
    blob, staged = container.blobs.get(name), container.staged.get(name, {})
    if blob and blob.kind == APPEND:
        raise errors.wrong_type()
    wanted = parsed(call.body, "BlockList")
    if len(wanted) > BLOCKS:
        raise errors.StorageRefused(400, "BlockListTooLong", "The block list is too long.")
    old = {each.id: each for each in blob.blocks} if blob else {}
    preconditions.check(call, blob)
    content, blocks = Content(), []
    for element in wanted:
        id, kind = (element.text or "").strip(), element.tag
        if kind in ("Latest", "Uncommitted") and id in staged:
            data = staged[id].read()
        elif kind in ("Latest", "Committed") and id in old and blob:
            data = blob.content.read(old[id].start, old[id].size)
        else:
            content.close()
            raise errors.bad_block_list()
        blocks.append(Block(id, content.size, len(data)))
        content.append(data)
    made = _made(state, call, container, BLOCK, content)
    made.blocks = blocks
    return Answer(201, b"", [*stamps(made), ("x-ms-request-server-encrypted", "true")])


def append(state: "State", call: Call, container: Container) -> Answer:
    """Adds a block at the end of an append blob."""
    blob = existing(call, container)
    if blob.kind != APPEND:
        raise errors.wrong_type()
    if not call.body:
        raise errors.bad_header("Content-Length", "0")
    _whole(call, 100 * MIB if call.headers.get("x-ms-version", "") >= "2022-11-02" else 4 * MIB)
    preconditions.check(call, blob)
    preconditions.check_append(call, blob, len(call.body))
    if blob.appended >= state.blobs.append_blocks:
        raise errors.too_many_blocks(state.blobs.append_blocks)
    offset = blob.size
    blob.content.append(call.body)
    blob.appended += 1
    state.blobs.touch(blob, state.now)
    return Answer(
        201,
        b"",
        [
            *stamps(blob),
            ("Content-MD5", md5(call.body)),
            ("x-ms-blob-append-offset", str(offset)),
            ("x-ms-blob-committed-block-count", str(blob.appended)),
            ("x-ms-request-server-encrypted", "true"),
        ],
    )


def set_metadata(state: "State", call: Call, container: Container) -> Answer:
    """Replaces all metadata."""
    blob = existing(call, container)
    preconditions.check(call, blob)
    blob.metadata = metadata(call)
    state.blobs.touch(blob, state.now)
    return Answer(200, b"", [*stamps(blob), ("x-ms-request-server-encrypted", "true")])


def delete(_: "State", call: Call, container: Container) -> Answer:
    """Gone at once: soft delete is not modelled."""
    preconditions.check(call, existing(call, container))
    container.remove(call.names["blob"])
    return Answer(202, b"", [("x-ms-delete-type-permanent", "true")])


def metadata(call: Call) -> dict[str, str]:
    """The x-ms-meta- headers. Raises Refused for a name that is none."""
    start = "x-ms-meta-"
    found = {name.removeprefix(start): text for name, text in call.headers.items() if name.startswith(start)}
    if not all(_NAME.fullmatch(name) for name in found):
        raise errors.bad_metadata()
    return found


def _made(state: "State", call: Call, container: Container, kind: str, content: Content) -> Blob:
    """A new blob in the place of the old one, if the request's conditions hold for that."""
    name = call.names["blob"]
    old = container.blobs.get(name)
    try:
        preconditions.check(call, old)
        blob = Blob(kind, content, old.made_at if old else state.now, _headers(call), metadata(call))
    except errors.StorageRefused:
        content.close()
        raise
    state.blobs.touch(blob, state.now)
    container.put(name, blob)
    return blob


def _headers(call: Call) -> dict[str, str]:
    asked = call.headers
    found = {"content-type": asked.get("x-ms-blob-content-type") or asked.get("content-type", "")}
    found["content-type"] = found["content-type"] or "application/octet-stream"
    if call.action == "PutBlockList":
        found["content-type"] = asked.get("x-ms-blob-content-type") or "application/octet-stream"
    for name in (*_KEPT, "content-md5"):
        text = asked.get(f"x-ms-blob-{name}")
        if text:
            found[name] = text
    return found


def _whole(call: Call, limit: int) -> None:
    if len(call.body) > limit:
        raise errors.too_large(limit)
    said = call.headers.get("content-md5")
    if said and said != md5(call.body):
        raise errors.bad_digest()


def _fits(id: str) -> bool:
    try:
        return 0 < len(base64.b64decode(id, validate=True)) <= 64
    except binascii.Error:
        return False
