"""What a demo leaves that was killed in the middle (SIGKILL, a closed laptop): the next one removes it."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from local.demo import processes
from local.host.lock import DataLock
from shared.errors import HeadnodeError

PREFIX = "headnode-demo-"


def directory() -> tuple[Path, DataLock]:
    """A new directory for one demo and the lock that says that the demo lives."""
    made = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = DataLock(made)
    lock.take("a demo")
    return made, lock


def keep(lock: DataLock) -> None:
    """Lets go of a directory that stays: one without a lock file is nobody's remains."""
    lock.path.unlink()
    lock.free()


def clear() -> list[Path]:
    """Ends the processes and removes the directories of this user's demos that are no more; returns the
    directories. Never touches those of a demo that lives, and those that were kept."""
    places = Path(tempfile.gettempdir()).resolve()
    return [place for place in sorted(places.glob(PREFIX + "*")) if cleared(place)]


def cleared(place: Path) -> bool:
    """Whether it was a dead demo's, and is gone."""
    with suppress(FileNotFoundError):
        if place.is_symlink() or place.stat().st_uid != os.getuid():
            return False
        lock = DataLock(place)
        if not lock.path.is_file():
            return False
        try:
            lock.take("the clearing of a dead demo")
        except HeadnodeError:
            return False
        processes.end_all(place)
        shutil.rmtree(place, ignore_errors=True)
        lock.free()
    return not place.exists()
