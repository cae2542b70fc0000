"""The machine's init: carries out its user data once, then idles until the machine is shut down.

Runs inside the sandbox, alone (`python -I firstboot.py PLAN`), and imports the standard library only.
As on a real machine, the end of the user data does not end the machine, and a command that fails
does not stop the next one.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


def placed(path: str) -> Path:
    """Where a file goes: under HEADNODE_ROOT when the machine has no root directory of its own."""
    root = os.environ.get("HEADNODE_ROOT", "")
    return Path(root + path) if root else Path(path)


def write_file(entry: dict[str, Any]) -> None:
    """One `write_files` entry, never readable by others for a moment."""
    path = placed(entry["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if entry["append"] else os.O_TRUNC)
    with os.fdopen(os.open(path, flags, entry["mode"] & 0o700), "wb") as file:
        file.write(base64.b64decode(entry["content"]))
    path.chmod(entry["mode"])
    user, _, group = entry["owner"].partition(":")
    if os.geteuid() == 0:
        try:
            shutil.chown(path, user or -1, group or -1)
        except (LookupError, OSError) as error:
            print(f"firstboot: {path}: {error}", flush=True)


def run(command: "str | list[str]") -> None:
    """One `runcmd` entry; its failure is only noted."""
    argv = ["sh", "-c", command] if isinstance(command, str) else command
    try:
        status = subprocess.run(argv, check=False).returncode
    except OSError as error:
        print(f"firstboot: {argv[0]}: {error}", flush=True)
        return
    if status:
        print(f"firstboot: command ended with status {status}", flush=True)


def main(plan_file: str) -> None:
    """Carries out the plan, then waits for ever."""
    plan = json.loads(Path(plan_file).read_text())
    if plan["ignored"]:
        print(f"firstboot: {plan['ignored']}", flush=True)
    for entry in plan["files"]:
        write_file(entry)
    for command in plan["commands"]:
        run(command)
    if plan["script"]:
        script = placed("/var/lib/cloud/instance/scripts/part-001")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(plan["script"])
        script.chmod(0o700)
        run([str(script)])
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
