"""Files of a work directory in Azure Blob storage, by reading blobs alone: no listing, no account key."""

from urllib.parse import quote

from shared.azure_endpoints import STORAGE_SCOPE, Endpoints
from shared.errors import Fault, Invalid, Refused
from shared.logs.names import checked
from shared.logs.wire import Reply, Wire, refusal

ACTION = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
HEADERS = {"x-ms-version": "2021-12-02"}
"""The version of the blob service that this was written for."""


def size(wire: Wire, url: str) -> int | None:
    """The blob's bytes, by one HEAD; None when it is not there. Raises Forbidden, Throttled, Unreachable."""
    reply = wire.send("HEAD", url, scope=STORAGE_SCOPE, headers=HEADERS)
    if reply.status == 404:
        return None
    if reply.status != 200:
        raise refusal(reply, ACTION)
    return int(reply.headers["content-length"])


def read(wire: Wire, url: str, start: int = 0, length: int | None = None) -> bytes:
    """Bytes from `start`, at most `length` (None: all). Empty past the end. Raises Refused when the blob
    is not there. Memory: what is returned."""
    if length is not None and length <= 0:
        return b""
    reply = ranged(wire, url, start, length) if start or length is not None else ranged(wire, url)
    if reply.status == 404:
        raise Refused(f"{url.rpartition('/')[2]} is not in the work directory")
    return b"" if reply.status == 416 else reply.body


def ranged(wire: Wire, url: str, start: int | None = None, length: int | None = None) -> Reply:
    """One ranged read; 200, 206, 404 and 416 are answers."""
    last = "" if length is None else (start or 0) + length - 1
    wanted = {} if start is None else {"x-ms-range": f"bytes={start}-{last}"}
    reply = wire.send("GET", url, scope=STORAGE_SCOPE, headers={**HEADERS, **wanted})
    if reply.status not in (200, 206, 404, 416):
        raise refusal(reply, ACTION)
    return reply


def file_url(endpoints: Endpoints, account: str, work_dir: str, name: str) -> str:
    """Where a file of the work directory is. Raises Invalid for a name that leads elsewhere."""
    return f"{folder_url(endpoints, account, work_dir)}/{quote(checked(name), safe='/')}"


def log_url(endpoints: Endpoints, account: str, work_dir: str, run_id: str, attempt: int) -> str:
    """The folder of an attempt's log parts: `<it>/0001.log` is the first."""
    return f"{folder_url(endpoints, account, work_dir)}/.headnode/logs/{quote(run_id, safe='')}/{attempt}"


def folder_url(endpoints: Endpoints, account: str, work_dir: str) -> str:
    """A work directory's address, without a slash at its end. Raises Invalid for one that is not
    `az://container/path`."""
    container, _, path = work_dir.removeprefix("az://").strip("/").partition("/")
    if not work_dir.startswith("az://") or not container:
        raise Invalid(Fault("workDir", "not an az:// path"))
    if not account:
        raise Invalid(Fault("storageAccount", "no storage account is known"))
    below = f"/{quote(path, safe='/')}" if path else ""
    return f"{endpoints.blob(account)}/{quote(container, safe='')}{below}"
