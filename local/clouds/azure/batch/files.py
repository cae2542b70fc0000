"""The files of tasks: those that a process wrote, or that a test gave."""

import email.utils
import re
from pathlib import Path

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors, listing, pools, spans, tasks
from local.clouds.azure.batch.models import Body, Node, Task
from local.clouds.azure.batch.service import Request

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
STREAMS = ("stdout.txt", "stderr.txt")


def get(request: Request) -> Answer:
    """The file, or the range of ocp-range: 200 either way, since the SDKs take no 206."""
    return _sent(request, _content(request), _headers(request))


def _sent(request: Request, content: bytes, about: list[tuple[str, str]]) -> Answer:
    wanted = request.call.headers.get("ocp-range") or request.call.headers.get("range")
    if not wanted:
        return Answer(200, content, about)
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or int(match[1]) >= len(content):
        said = "The range specified is invalid for the current size of the resource."
        raise errors.BatchRefused(416, "InvalidRange", said)
    start, end = int(match[1]), min(int(match[2] or len(content) - 1), len(content) - 1)
    headers = [*about, ("Content-Range", f"bytes {start}-{end}/{len(content)}")]
    return Answer(200, content[start : end + 1], headers)


def head(request: Request) -> Answer:
    """Everything but the bytes."""
    content = _content(request)
    return Answer(200, b"", [*_headers(request), ("Content-Length", str(len(content)))])


def of_node(request: Request) -> Answer:
    """A file of a node, or its range."""
    content, node = _node_content(request)
    return _sent(request, content, _node_headers(request, node))


def head_of_node(request: Request) -> Answer:
    """Everything of it but the bytes."""
    content, node = _node_content(request)
    return Answer(200, b"", [*_node_headers(request, node), ("Content-Length", str(len(content)))])


def _node_content(request: Request) -> tuple[bytes, Node]:
    node = pools.find(request).nodes.get(request.names["node"])
    if node is None:
        raise errors.not_found("Node")
    if node.state.name in errors.UNREADY:
        raise errors.node_not_ready()
    if request.names["file"] not in node.files:
        raise errors.not_found("File")
    return node.files[request.names["file"]], node


def _node_headers(request: Request, node: Node) -> list[tuple[str, str]]:
    return _about(request, email.utils.formatdate(node.made_at, usegmt=True))


def every(request: Request) -> Answer:
    """The names and sizes of all files of a task that has started."""
    task = _started(request)
    base = f"{request.url}/jobs/{task.job.id}/tasks/{task.id}/files"
    values = [_shown(task, base, name, len(data)) for name, data in sorted(all_of(task).items())]
    return listing.answer(request.call, request.url, values)


def _shown(task: Task, base: str, name: str, size: int) -> Body:
    about = {
        "contentLength": str(size),
        "contentType": "text/plain",
        "lastModified": spans.stamp(task.started_at),
    }
    return {"name": name, "url": f"{base}/{name}", "isDirectory": False, "properties": about}


def all_of(task: Task) -> dict[str, bytes]:
    """Every file of a task by name, the two streams in any case."""
    found = {**dict.fromkeys(STREAMS, b""), **task.files}
    if task.directory:
        found |= {str(each.relative_to(task.directory)): each.read_bytes() for each in _below(task.directory)}
    return found


def _below(directory: Path) -> list[Path]:
    return [each for each in directory.rglob("*") if each.is_file() and not each.is_symlink()]


def _started(request: Request) -> Task:
    task = tasks.find(request)
    if not task.started_at and not task.files:
        raise errors.not_found("File")
    pool = request.account.pools.get(task.pool.lower())
    node = pool.nodes.get(task.host) if pool else None
    if node is None:
        raise errors.files_unavailable()
    if node.state.name in errors.UNREADY:
        raise errors.node_not_ready()
    return task


def _content(request: Request) -> bytes:
    found = all_of(_started(request)).get(request.names["file"])
    if found is None:
        raise errors.not_found("File")
    return found


def _headers(request: Request) -> list[tuple[str, str]]:
    return _about(request, email.utils.formatdate(tasks.find(request).started_at, usegmt=True))


def _about(request: Request, at: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/octet-stream"),
        ("Last-Modified", at),
        ("ocp-creation-time", at),
        ("ocp-batch-file-isdirectory", "false"),
        ("ocp-batch-file-url", f"{request.url}{request.call.path.partition(request.account.name)[2]}"),
        ("ocp-batch-file-mode", "0o100644"),
    ]
