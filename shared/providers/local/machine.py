"""The machines of this host as files: what each is for, and the marks it carries.

machines/<id>/about.json    written before the machine is started; `Stub` with its tags
machines/<id>/...           the sandbox's own files (`sandbox.py`)
"""

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.model import tags
from shared.model.machine import GONE, PENDING, RUNNING, STOPPING, Machine
from shared.model.records import Model, encode
from shared.providers.local import sandbox

ID = re.compile(r"local-[0-9a-f]{20}")
FORGET_AFTER = 86400.0
"""Seconds for which a machine that is gone can still be looked at."""


class About(Model, frozen=True, kw_only=True):
    """What is known about a machine. Times are epoch seconds (UTC)."""

    id: str
    tags: dict[str, str]
    started_at: float
    stopped_at: float = 0.0
    """When it was last asked to stop, or 0.0."""
    gone_at: float = 0.0
    """When it was first seen to be gone, or 0.0."""


def machine_id(installation: str, token: str) -> str:
    """The id that follows from an order's token: the same order asks for the same machine."""
    return "local-" + hashlib.sha256(f"{installation}/{token}".encode()).hexdigest()[:20]


class Shelf:
    """The directory of all machines on this host. Methods that change a machine hold its lock."""

    def __init__(self, root: Path, installation: str) -> None:
        self._root = root / "machines"
        self._installation = installation

    def path(self, id: str) -> Path:
        """A machine's directory."""
        return self._root / id

    @contextmanager
    def locked(self, id: str) -> Iterator[Path]:
        """The machine's directory, made if need be, for one process at a time. The kernel unlocks for one
        that was killed."""
        path = self.path(id)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path

    def read(self, id: str) -> About | None:
        """What is known about a machine of this installation; None for any other id."""
        if not ID.fullmatch(id):
            return None
        try:
            found = json.loads((self.path(id) / "about.json").read_bytes())
        except (OSError, ValueError):
            return None
        about = About(**{**found, "id": id})
        return about if about.tags.get(tags.INSTALLATION) == self._installation else None

    def write(self, about: About) -> None:
        """Replaces what is known about a machine; a reader sees the old or the new."""
        path = self.path(about.id) / "about.json"
        fresh = path.with_name("about.json.new")
        fresh.write_bytes(encode(about))
        fresh.replace(path)

    def ids(self) -> list[str]:
        """Every id that has a directory, of whichever installation."""
        try:
            return sorted(each.name for each in self._root.iterdir() if ID.fullmatch(each.name))
        except FileNotFoundError:
            return []

    def clear(self, about: About, now: float) -> None:
        """Gives back the room of a machine that is gone, and forgets it after FORGET_AFTER."""
        if not about.gone_at:
            with self.locked(about.id) as path:
                # With its disk goes what held its boot token; the console is kept for a while.
                for name in ("root", "run"):
                    shutil.rmtree(path / name, ignore_errors=True)
                (path / "user-data").unlink(missing_ok=True)
                self.write(about.but(gone_at=now))
        elif now - about.gone_at > FORGET_AFTER:
            shutil.rmtree(self.path(about.id), ignore_errors=True)

    def shown(self, about: About) -> Machine:
        """The machine as the port shows it."""
        state, reason, interrupted = self.state(about)
        found = about.tags
        return Machine(
            id=about.id,
            state=state,
            reason=reason,
            interrupted=interrupted,
            run_id=found.get(tags.RUN, ""),
            attempt=int(found.get(tags.ATTEMPT, "0")),
            environment_id=found.get(tags.ENVIRONMENT, ""),
            started_at=about.started_at,
            deadline=number(found.get(tags.DEADLINE)),
            hold_until=number(found.get(tags.HOLD)),
            orphan_since=number(found.get(tags.ORPHAN)),
        )

    def state(self, about: About) -> tuple[str, str, bool]:
        """State, reason, and whether it was taken away: a process tree that vanished without a word (the
        host was switched off, somebody killed it) is."""
        process = sandbox.seen(self.path(about.id))
        if process is None:
            return (GONE, "never started", False) if about.stopped_at else (PENDING, "", False)
        if process.alive:
            return (STOPPING, "stopping", False) if about.stopped_at else (RUNNING, "", False)
        why = str(process.ended.get("why", "lost"))
        return GONE, why, why == "lost" and not about.stopped_at


def number(text: str | None) -> float:
    """A tag's number; 0.0 when it is missing or none."""
    try:
        return float(text or 0.0)
    except ValueError:
        return 0.0
