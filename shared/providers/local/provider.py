"""Platform `local-platform`: a run is a sandboxed process tree on this host.

Same runner, same boot document, same reports as in a cloud. Everything is files below the host's data
directory, so machines survive the control plane and are found again.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.errors import Fault, NoCapacity, Retry
from shared.logs.file import log_path
from shared.model import tags
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import GONE, Machine, Offer, Order
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import Clock, Undivided
from shared.providers.local import directory
from shared.providers.local.config import faults, variables
from shared.providers.local.machine import About, Shelf, machine_id
from shared.providers.local.sandbox import Sandbox, seen

PAGE = 1000
KILL_AFTER = 10.0
"""Seconds after being asked to stop at which a machine that still lives is killed."""
PASSED_ON = (
    "PATH", "LANG", "TZ", "JAVA_HOME", "JAVA_CMD", "NXF_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "HEADNODE_PACE",
)  # fmt: skip
"""Variables of this host that its machines get; its credentials are not among them."""


class LocalProvider(Undivided):
    """`ports.Provider` for this host. Its methods do not block, but for `start` (about 50 ms)."""

    confirm_after = 0.0

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        clock: Clock,
        root: Path,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._environment = environment
        self._installation = settings.installation
        self._clock = clock
        self._root = root.absolute() / "local"
        self._shelf = Shelf(self._root, settings.installation)
        self._sandbox = sandbox

    @property
    def _work_dir(self) -> Path:
        return Path(str(self._environment.config.get("workDir") or "/nonexistent"))

    def check(self) -> list[Fault]:
        """Whether the work directory can be made and written here."""
        found = faults(self._environment.config)
        if found:
            return found
        path = self._work_dir
        if path.exists() and not path.is_dir():
            return [Fault("workDir", f"{path} is not a directory")]
        there = next(each for each in (path, *path.parents) if each.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            return [Fault("workDir", f"{there} cannot be written by this user")]
        return []

    def details(self) -> dict[str, Any]:
        """Nothing is left open by the config."""
        return {}

    def resources(self) -> list[Resource]:
        """The work directory."""
        return [Resource(key="workDir", type="directory", name=str(self._work_dir))]

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:  # noqa: ARG002 (needs nothing)
        """Makes the directory with our marker; one that was there before stays its owner's."""
        directory.ensure(Path(row.name), self._installation, self._environment.id)
        return Made(cloud_id=row.name)

    def remove(self, row: ResourceRow) -> bool:
        """Takes our marker and state away; what runs have put there stays the user's."""
        directory.release(Path(row.name), self._installation, self._environment.id)
        return True

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """Directories that still carry our marker for this environment."""
        return [
            Leftover(type=row.type, cloud_id=row.name, why="still marked as ours")
            for row in rows
            if directory.is_owned(Path(row.name), self._installation, self._environment.id)
        ]

    def offers(self, run: Run) -> list[Offer]:  # noqa: ARG002 (the same for every run)
        """This host."""
        return [Offer(machine_type="process")]

    def start(self, order: Order) -> str:
        """Starts the process tree. The same order gives the same machine, also after a crash between
        writing down and starting. Raises NoCapacity when `maxMachines` of them are running."""
        id = machine_id(self._installation, order.token)
        with self._shelf.locked(id) as path:
            known = self._shelf.read(id)
            if seen(path) is not None or (known is not None and known.stopped_at):
                return id
            self._room_for(id)
            self._shelf.write(About(id=id, tags=self._tags(order), started_at=self._clock.now()))
            boot = path / "user-data"
            boot.touch(mode=0o600)
            boot.write_text(order.boot)
            try:
                self._machines().start(boot, path, self._variables(id), share=self._shared(), outlive=True)
            except OSError as error:
                if seen(path) is None:
                    raise Retry(f"the machine cannot be started: {error}") from None
        return id

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """The attempt's machine that is not gone."""
        for machine in self._alive():
            if (machine.run_id, machine.attempt) == (run_id, attempt):
                return machine
        return None

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """These machines of ours; one that is gone is still shown for a day."""
        known = (self._shelf.read(id) for id in ids)
        return {about.id: self._shelf.shown(about) for about in known if about is not None}

    def machines(self) -> Iterator[list[Machine]]:
        """Machines that are not gone, in pages; clears up after the others."""
        page: list[Machine] = []
        for machine in self._alive():
            page.append(machine)
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Asks each to shut down; kills one that was asked before and does not go."""
        now = self._clock.now()
        for id in dict.fromkeys(ids):
            if self._shelf.read(id) is not None:
                with self._shelf.locked(id):
                    self._stop(id, now)
        return {}

    def _stop(self, id: str, now: float) -> None:
        about = self._shelf.read(id)
        if about is None:
            return
        self._shelf.write(about.but(stopped_at=about.stopped_at or now))
        process = seen(self._shelf.path(id))
        if process is not None and process.alive:
            process.press_power()
            if about.stopped_at and now - about.stopped_at > KILL_AFTER:
                process.kill(timeout=0.5)

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Sets or takes away a tag of machines of ours."""
        for id in dict.fromkeys(ids):
            if self._shelf.read(id) is None:
                continue
            with self._shelf.locked(id):
                about = self._shelf.read(id)
                if about is not None:
                    kept = {name: text for name, text in about.tags.items() if name != tag}
                    self._shelf.write(about.but(tags=kept if value is None else {**kept, tag: value}))

    def scope(self) -> str:
        """All environments of this host share its listing."""
        return f"local:{self._root}"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """Lines go to a file of this host; the engine is the host's own, without a container."""
        return {
            "logs": {"kind": "file", "path": str(log_path(self._root.parent, run.id, attempt.number))},
            "region": "",
            "environment": {"HEADNODE_ENGINE": "host", **variables(self._environment.config)},
        }

    def _alive(self) -> Iterator[Machine]:
        now = self._clock.now()
        for id in self._shelf.ids():
            about = self._shelf.read(id)
            if about is None:
                continue
            machine = self._shelf.shown(about)
            if machine.state == GONE:
                self._shelf.clear(about, now)
            else:
                yield machine

    def _room_for(self, id: str) -> None:
        limit = int(self._environment.config.get("maxMachines") or 0)
        mine = [
            each for each in self._alive() if each.environment_id == self._environment.id and each.id != id
        ]
        if limit and len(mine) >= limit:
            raise NoCapacity(f"{limit} machines of this environment are running", "MaxMachines")

    def _tags(self, order: Order) -> dict[str, str]:
        return {
            **order.labels,
            tags.INSTALLATION: self._installation,
            tags.ENVIRONMENT: self._environment.id,
            tags.RUN: order.run_id,
            tags.ATTEMPT: str(order.attempt),
            tags.OWNER: order.owner,
            tags.DEADLINE: str(order.deadline),
        }

    def _variables(self, id: str) -> dict[str, str]:
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, "HEADNODE_MACHINE_ID": id, "AWS_EC2_METADATA_DISABLED": "true"}

    def _shared(self) -> list[Path]:
        logs = log_path(self._root.parent, "x", 1).parent.parent
        logs.mkdir(parents=True, exist_ok=True)
        # Pipelines and inputs may lie in /tmp; the rest of the host is there to read anyway.
        return [path for path in (Path("/tmp"), logs, self._work_dir) if path.exists()]  # noqa: S108

    def _machines(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = Sandbox()
        return self._sandbox
