#!/usr/bin/env python3
"""Stands in for azcopy on nodes of the emulated Batch: `azcopy cp SOURCE TARGET [--recursive]` between a
directory and blobs under a signature. What it does not know it refuses. It has the standard library only."""

import os
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit

WITH_VALUE = {"--block-blob-tier", "--block-size-mb"}
VERSION = "2023-11-03"


class CopyError(Exception):
    """Why nothing, or not everything, was copied."""


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 for whatever went wrong, as azcopy's."""
    try:
        copy(*read(arguments))
    except urllib.error.HTTPError as error:
        return failed(f"RESPONSE Status: {error.code} {error.headers.get('x-ms-error-code', '')}")
    except (CopyError, OSError) as error:
        return failed(str(error))
    return 0


def read(arguments: Sequence[str]) -> tuple[str, str, bool]:
    """Source, target, and whether directories are meant."""
    words, recursive, rest = [], False, iter(arguments)
    for each in rest:
        if each in WITH_VALUE:
            next(rest, None)
        elif each == "--recursive":
            recursive = True
        elif each.startswith("--"):
            raise CopyError(f"unknown flag: {each}")
        else:
            words.append(each)
    if len(words) != 3 or words[0] not in ("cp", "copy"):
        raise CopyError("wrong number of arguments, please refer to the help page on usage of this command")
    return words[1], words[2], recursive


def copy(source: str, target: str, recursive: bool) -> None:
    """One of the two is a URL."""
    up, down = (each.startswith("https://") for each in (target, source))
    if up == down:
        raise CopyError("the inferred source/destination combination could not be identified")
    if up:
        upload(Path(source), *target.split("?", 1), recursive)
        return
    path, signature = source.split("?", 1)
    if path.endswith("/*"):
        download_all(path[:-2], signature, Path(target), recursive)
        return
    file = Path(target)
    fetch(source, file / Path(unquote(path)).name if file.is_dir() else file)


def upload(source: Path, path: str, signature: str, recursive: bool) -> None:
    """A file becomes the blob of that name; a directory one below it for each of its files."""
    if not source.exists():
        raise CopyError(f"cannot find source to scan: {source}")
    if source.is_file():
        put(source, f"{path}?{signature}")
        return
    if not recursive:
        raise CopyError("cannot use directory as source without --recursive")
    for folder, _, names in os.walk(source, followlinks=True):
        for name in names:
            file = Path(folder, name)
            put(file, f"{path}/{quote(str(file.relative_to(source.parent)))}?{signature}")


def download_all(path: str, signature: str, target: Path, recursive: bool) -> None:
    """What is below a directory of blobs; there must be something."""
    address = urlsplit(path)
    container, _, prefix = unquote(address.path).lstrip("/").partition("/")
    base = f"{address.scheme}://{address.netloc}/{container}"
    found = listed(base, f"{prefix}/", signature)
    if not found:
        raise CopyError("no transfers were scheduled")
    for name in found:
        below = name[len(prefix) + 1 :]
        if recursive or "/" not in below:
            file = target / below
            file.parent.mkdir(parents=True, exist_ok=True)
            fetch(f"{base}/{quote(name)}?{signature}", file)


def listed(base: str, prefix: str, signature: str) -> list[str]:
    """The names of all blobs under a prefix."""
    names: list[str] = []
    asked = {"restype": "container", "comp": "list", "prefix": prefix}
    while True:
        with ask("GET", f"{base}?{urlencode(asked)}&{signature}") as answer:
            page = ET.fromstring(answer.read())  # noqa: S314 (from the emulator)
        names += [each.text or "" for each in page.iterfind("Blobs/Blob/Name")]
        asked["marker"] = page.findtext("NextMarker") or ""
        if not asked["marker"]:
            return names


def fetch(url: str, file: Path) -> None:
    """One blob."""
    with ask("GET", url) as answer:
        file.write_bytes(answer.read())


def put(file: Path, url: str) -> None:
    """One block blob."""
    ask("PUT", url, file.read_bytes(), {"x-ms-blob-type": "BlockBlob"}).close()


def ask(
    method: str, url: str, body: "bytes | None" = None, headers: "Mapping[str, str] | None" = None
) -> HTTPResponse:
    """The answer; raises for every other status than 2xx. A blob's name may be escaped or not."""
    known = {"x-ms-version": VERSION, "Content-Type": "application/octet-stream", **(headers or {})}
    path, _, query = url.partition("?")
    whole = f"{quote(unquote(path), safe=':/')}?{query}"
    request = urllib.request.Request(whole, body, known, method=method)  # noqa: S310 (`copy` saw its scheme)
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=60)  # noqa: S310
    return answer


def failed(why: str) -> int:
    """Says why."""
    print(f"failed to perform copy command due to error: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
