"""What Batch brings to a task before it starts, and takes from it at its end: its files."""

import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from local.clouds.azure import hosts
from local.clouds.azure.batch.models import Body, Task

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TOOL = "azcopy"
"""The one program that is brought from elsewhere than blob storage: a stand-in is given for it."""
_WHEN = {"taskcompletion": (True, True), "tasksuccess": (True, False), "taskfailure": (False, True)}
_VERSION = "2023-11-03"


class TransferError(Exception):
    """A file could not be brought or taken; `body` is the task's failureInfo."""

    def __init__(self, code: str, message: str, detail: str) -> None:
        super().__init__(message)
        details = [{"name": "FilePath", "value": detail}]
        self.body: Body = {"category": "usererror", "code": code, "message": message, "details": details}


def bring(state: "State", task: Task, into: Path) -> None:
    """Fetches the resource files of a task into its working directory. Raises TransferError."""
    for each in task.body.get("resourceFiles") or []:
        url, name = str(each.get("httpUrl") or ""), str(each.get("filePath") or "")
        if not url or not name:
            raise TransferError("ResourceFileUnsupported", "Only files of an httpUrl are modelled", name)
        file = into / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if urllib.parse.urlsplit(url).path.endswith(f"/{TOOL}"):
            tool(file)
        else:
            file.write_bytes(_ask(state, "GET", url, name))
        file.chmod(int(str(each.get("fileMode") or "0770"), 8))


def tool(file: Path) -> None:
    """Puts azcopy's stand-in there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("azcopy.py"), file)
    file.chmod(0o755)


def take(state: "State", task: Task, directory: Path, exit_code: int) -> None:
    """Uploads the output files of a task whose time it is. A pattern that fits nothing is no failure. Raises
    TransferError."""
    for each in task.body.get("outputFiles") or []:
        well, badly = _WHEN[str((each.get("uploadOptions") or {}).get("uploadCondition", "")).lower()]
        if badly if exit_code else well:
            _upload(state, each, directory)


def _upload(state: "State", wanted: Body, directory: Path) -> None:
    pattern, target = str(wanted["filePattern"]), wanted["destination"]["container"]
    url, _, signature = str(target["containerUrl"]).partition("?")
    path = str(target.get("path") or "").rstrip("/")
    several = any(mark in pattern for mark in "*?[")
    place = (directory / "wd").resolve()
    for file in sorted(each.resolve() for each in place.glob(pattern)):
        if file.is_file():
            # Patterns may begin at the task's own directory, where its streams are: ../std*.txt
            name = str(file.relative_to(place)) if file.is_relative_to(place) else file.name
            blob = path if path and not several else "/".join(filter(None, (path, name)))
            _ask(state, "PUT", f"{url}/{urllib.parse.quote(blob)}?{signature}", name, file.read_bytes())


def _ask(state: "State", method: str, url: str, name: str, body: bytes | None = None) -> bytes:
    parts = urllib.parse.urlsplit(url)
    base = hosts.address(state.url, parts.netloc)
    if base is None:
        raise TransferError("MiscellaneousError", f"No host {parts.netloc} in an emulated Azure", name)
    headers = {"x-ms-version": _VERSION, "x-ms-blob-type": "BlockBlob"} if body is not None else {}
    target = f"{base}{urllib.parse.quote(urllib.parse.unquote(parts.path))}?{parts.query}"
    request = urllib.request.Request(target, body, headers, method=method)  # noqa: S310 (our own)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise _refused(method, error.code, name) from error


def _refused(method: str, status: int, name: str) -> TransferError:
    if method == "PUT":
        if status == 404:
            return TransferError("FileUploadContainerNotFound", "The container was not found", name)
        return TransferError("FileUploadAccessDenied", "Access to the container was denied", name)
    if status == 404:
        return TransferError("BlobNotFound", "One of the specified Azure Blob(s) is not found", name)
    return TransferError("BlobAccessDenied", "Access for one of the specified Azure Blob(s) is denied", name)
