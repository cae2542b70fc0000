"""The one-machine host: HTTP API, queue workers and timers in one process, on SQLite.

Everything that matters is in the data directory before an answer is given, so the process may be
killed at any moment and started again.
"""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Any

from local.host import first_token, web
from local.host.lock import DataLock
from local.host.timers import Timer
from local.host.workers import Workers
from shared.api.app import build
from shared.model.message import Message
from shared.ports import World
from shared.steps.deliver import handle
from shared.wiring import local_world, settings_from

log = logging.getLogger("headnode.host")

WORKERS = 8
"""Steps at once, unless told otherwise: they mostly wait for a cloud's answer."""
STEP_WITHIN = 0.5
"""Seconds that steps under way are given when the host stops."""
FORGET_EVERY = 3600.0
"""Seconds between two rounds of forgetting expired rows."""


def installation_of(data: Path) -> str:
    """This data directory's own installation id, made at its first start: tags in the cloud carry it,
    so it must stay the same for as long as the directory lives."""
    note = data / "installation"
    if not note.exists():
        note.write_text(f"local-{secrets.token_hex(6)}\n")
    return note.read_text().strip()


class Host:
    """One running control plane. `start` and `stop` may each be called once, from one thread; use it
    as a context manager where that is handy. Machines go on living when it stops.

    HEADNODE_* variables of `environ` win over `settings`, and those over the defaults."""

    def __init__(
        self,
        data: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        workers: int = WORKERS,
        token: str = "",
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] = os.environ,
        handle: Callable[[str, World], object] = handle,
    ) -> None:
        self.data = data
        self.token = token
        """The token that was given, or that was made because there was none; empty otherwise."""
        self.made_token = False
        self.url = ""
        self._lock = DataLock(data)
        self._address = (host, port)
        self._count = workers
        self._settings = dict(settings or {})
        self._environ = environ
        self._handle = handle
        self._timers: list[Timer] = []
        self._workers: Workers | None = None
        self._web: web.Web | None = None

    @property
    def world(self) -> World:
        """The world that the API and the steps see. Only while it runs."""
        if self._workers is None:
            raise RuntimeError("the host is not running")
        return self._workers.world

    def start(self) -> "Host":
        """Returns once the API answers and messages are worked on. Raises HeadnodeError, and holds
        nothing, when the data directory is in use or the port is taken."""
        bound = web.bind(*self._address)
        try:
            self.url = web.url_of(bound)
            self._lock.take(self.url)
            self._begin(bound)
        except BaseException:
            bound.close()
            self.stop()
            raise
        return self

    def _begin(self, bound: socket) -> None:
        given = {"installation": installation_of(self.data), "api_url": self.url, **self._settings}
        world = local_world(self.data, settings_from(self._environ, **given))
        # Nobody else has this directory: what an earlier process had in hand when it was killed is free.
        world.queue.recover()
        self._workers = Workers(world, self._handle, self._count)
        made = first_token.ensure(self.world, self.data, self.token)
        self.token, self.made_token = self.token or made, bool(made)
        self._web = web.Web(build(self.world), bound)
        self._web.start()
        self._workers.start()
        self._timers = [
            Timer(world.settings.sweep_every, self._tick, "tick"),
            Timer(FORGET_EVERY, self._forget, "forget"),
        ]
        for timer in self._timers:
            timer.start()

    def stop(self) -> None:
        """Stops within two seconds: requests and steps under way are given a moment; a step that
        needs longer is run again by the next host."""
        for timer in self._timers:
            timer.stop(0.1)
        if self._web is not None:
            self._web.stop()
        if self._workers is not None:
            self._workers.stop(STEP_WITHIN)
        self._lock.free()

    def __enter__(self) -> "Host":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _tick(self) -> None:
        self.world.queue.send(Message(step="reap", subject="tick"))

    def _forget(self) -> None:
        self.world.store.expire(self.world.clock.now())


def asked_to_stop() -> threading.Event:
    """An event that SIGINT and SIGTERM set from now on. Only in the main thread; ask for it before
    anybody is told that the host runs, since who knows may stop it at once."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return asked
