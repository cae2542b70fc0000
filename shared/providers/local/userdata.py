"""Reads cloud-init user data: a `#!` script, or the part of `#cloud-config` that boot documents use.

Understood: `write_files` (path, content, encoding, permissions, owner, append) and `runcmd` (strings
and argument lists). Other keys are left out, as a cloud-init without that module would.
"""

import base64
import gzip
from typing import Any

PLAIN = ("", "text/plain")
BASE64 = ("b64", "base64")
GZIPPED = ("gz+b64", "gz+base64", "gzip+b64", "gzip+base64")


def plan(user_data: str) -> dict[str, Any]:
    """What a machine does with it: {"files": [...], "commands": [...], "script": text, "ignored": why}.
    Pure; never raises: a real machine also boots with user data that it can not read."""
    nothing: dict[str, Any] = {"files": [], "commands": [], "script": "", "ignored": ""}
    if user_data.startswith("#!"):
        return {**nothing, "script": user_data}
    if not user_data.startswith("#cloud-config"):
        return {**nothing, "ignored": "user data is neither #cloud-config nor a script"}
    try:
        return {**nothing, **cloud_config(user_data)}
    except Exception as error:
        return {**nothing, "ignored": f"user data cannot be read: {error}"}


def cloud_config(text: str) -> dict[str, Any]:
    """The files and commands of a cloud-config document; raises for anything that is not one."""
    import yaml

    document = yaml.safe_load(text)
    files = [
        {
            "path": str(each["path"]),
            "content": base64.b64encode(content(each)).decode(),
            "mode": int(str(each.get("permissions", "0644")), 8),
            "owner": str(each.get("owner", "root:root")),
            "append": bool(each.get("append", False)),
        }
        for each in document.get("write_files") or []
    ]
    listed = document.get("runcmd") or []
    commands = [each if isinstance(each, str) else [str(word) for word in each] for each in listed]
    return {"files": files, "commands": commands}


def content(entry: dict[str, Any]) -> bytes:
    """The bytes of a `write_files` entry."""
    raw, encoding = str(entry.get("content", "")), str(entry.get("encoding", ""))
    if encoding in PLAIN:
        return raw.encode()
    data = base64.b64decode(raw)
    if encoding in BASE64:
        return data
    if encoding in GZIPPED:
        return gzip.decompress(data)
    raise ValueError(f"unknown encoding {encoding}")
