"""The one resource of a local environment: its work directory.

A marker file says which environments of which installation it was made for. A directory that was
there before is its owner's and is never marked, let alone removed.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import Refused

MARKER = ".headnode-owner"
STATE = ".headnode"
"""Where the runner keeps checkpoints, in the work directory."""


def ensure(path: Path, installation: str, environment_id: str) -> None:
    """Makes the directory with our marker, or adds the environment to a marker that is ours. Idempotent.
    Raises Refused when it cannot be made."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = path.with_name(f"{path.name}.headnode-{environment_id}")
            staged.mkdir(exist_ok=True)
            # Directory and marker appear at once: a crash leaves no directory that nobody owns.
            (staged / MARKER).write_text(owned(installation, [environment_id]))
            staged.rename(path)
            return
        if not path.is_dir():
            raise Refused(f"{path} is not a directory")
        with marker(path, installation) as found:
            if found and environment_id not in found["environments"]:
                found["environments"].append(environment_id)
    except OSError as error:
        raise Refused(f"{path} cannot be made: {error.strerror}") from None


def release(path: Path, installation: str, environment_id: str) -> None:
    """Takes the environment off the marker. With the last one goes what we put there, and the directory
    itself when nothing else is in it: results and logs of runs belong to the user, as they would in a
    bucket. Idempotent."""
    if not is_owned(path, installation, environment_id):
        return
    with marker(path, installation) as found:
        found["environments"].remove(environment_id)
    if not found["environments"]:
        shutil.rmtree(path / STATE, ignore_errors=True)
        (path / MARKER).unlink(missing_ok=True)
        try:
            path.rmdir()
        except OSError:
            return


def is_owned(path: Path, installation: str, environment_id: str) -> bool:
    """Whether the marker says that the directory was made for this environment."""
    found = read(path, installation)
    return environment_id in found.get("environments", [])


@contextmanager
def marker(path: Path, installation: str) -> Iterator[dict[str, Any]]:
    """The marker's content, to be changed in place, for one process at a time; empty when it is not
    ours."""
    with (path / MARKER).open("r+") if read(path, installation) else nothing() as file:
        if file is None:
            yield {}
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        found = json.load(file)
        yield found
        file.seek(0)
        file.truncate()
        file.write(owned(found["installation"], found["environments"]))


@contextmanager
def nothing() -> Iterator[None]:
    """Stands for a file that is not there."""
    yield None


def read(path: Path, installation: str) -> dict[str, Any]:
    """A marker of this installation; empty for any other, or none."""
    try:
        found: dict[str, Any] = json.loads((path / MARKER).read_text())
    except (OSError, ValueError):
        return {}
    return found if found.get("installation") == installation else {}


def owned(installation: str, environments: list[str]) -> str:
    """The marker's text."""
    return json.dumps({"installation": installation, "environments": environments}) + "\n"
