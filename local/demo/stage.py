"""What the demo plays on: a place, a control plane, an engine."""

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.cli.client import Api
from local.demo import processes
from local.demo.places import Place, place_of
from local.nextflow import Engine, resolve
from local.serve import Host
from shared.errors import Refused
from shared.model.message import from_text
from shared.ports import World
from shared.steps.deliver import handle

if TYPE_CHECKING:
    from local.demo import Options

EXAMPLE = Path(__file__).parents[1] / "example"
PACE = {
    "heartbeat": 1.0,
    "look_again": 0.3,
    "sweep_every": 2.0,
    "orphan_grace": 4.0,
    "cancel_grace": 2.0,
    "capacity_retry": 2.0,
    "silent_after": 30.0,
    "boot_within": 60.0,
}
"""Settings so that a demo does not wait as a real cloud needs to."""


class Stage:
    """Starts and stops what the demo needs, all of it under `directory`. Changes this process's
    environment variables while it runs."""

    def __init__(self, options: "Options", directory: Path) -> None:
        self.options = options
        self.directory = directory
        self.place: Place = place_of(options, directory)
        self.engine: Engine | None = None
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each step made each call to the cloud."""
        self.host: Host | None = None
        self.is_open = False
        """Whether the place stands, with what the user owns in it."""
        self._variables: dict[str, str | None] = {}

    @property
    def api(self) -> Api:
        """The control plane's API. Only while it runs."""
        if self.host is None:
            raise RuntimeError("the stage is not set")
        return Api(self.host.url, self.host.token)

    def start(self) -> None:
        """Everything is ready when it returns."""
        self.engine = engine_for(self.options.engine, self.place.plugin)
        self.place.carried = carried(self.engine, self.place.plugin)
        # Machines inherit this process's PATH.
        self._set(
            "PATH", f"{Path(self.engine.command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        )
        for name, value in self.place.start().items():
            self._set(name, value)
        self.is_open = True
        self.place.open([self.pipeline(), *self._engine_files()])
        # One worker, so that every call to the cloud belongs to the step that is running.
        self.host = Host(
            self.directory / "control", workers=1, settings=PACE, environ={}, handle=self._handle
        ).start()
        if self.place.role:
            # The control plane may do what the published policy allows, and nothing else.
            self.place.enforce(self.api.get(f"/headnode/permissions/{self.place.role}"))

    def stop(self) -> None:
        """Ends everything, machines included. Idempotent."""
        if self.host is not None:
            self.host.stop()
        self.place.stop()
        # Local machines outlive their control plane, as they should; but not the demo.
        processes.end_all(self.directory)
        while self._variables:
            name, value = self._variables.popitem()
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def pipeline(self) -> Path:
        """The pipeline's folder where machines can read it."""
        source = (self.options.pipeline or EXAMPLE).resolve()
        copy = self.directory / "pipeline"
        if not copy.exists():
            shutil.copytree(source, copy, symlinks=True)
        return copy

    def _engine_files(self) -> list[Path]:
        """The directory of an engine of our own making; one from PATH is where machines find it too."""
        if self.engine is None or self.engine.kind == "path":
            return []
        return [Path(self.engine.command[0]).resolve().parent]

    def _set(self, name: str, value: str) -> None:
        self._variables.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def _handle(self, text: str, world: World) -> object:
        """Runs a message and notes which calls to the cloud were made meanwhile."""
        mark = self.place.mark
        try:
            return handle(text, world)
        finally:
            step, made = from_text(text).step, self.place.calls(mark)
            self.calls.update((step, call) for call in made if not self.place.reads_log(call))

    def calls_by_step(self) -> dict[str, dict[str, int]]:
        """The control plane's calls to the cloud. Logs are read by the API too, while steps run: every
        such call counts as `logs`."""
        reads = [call for call in self.place.calls(0) if self.place.reads_log(call)]
        counted = self.calls + Counter(("logs", call) for call in reads)
        found: dict[str, dict[str, int]] = {}
        for (step, call), count in sorted(counted.items()):
            found.setdefault(step, {})[call] = count
        return found


def engine_for(wanted: str, plugin: str) -> Engine:
    """The engine that was asked for: auto, nextflow or script. Raises Refused when it cannot be had.

    Where tasks go through a plugin of Nextflow's, auto is the script twin unless that was built here."""
    if wanted != "script":
        engine = resolve()
        if not plugin or carried(engine, plugin):
            if wanted == "nextflow" and engine.kind == "script":
                raise Refused(f"no Nextflow can be had here: {engine.note}")
            return engine
        if wanted == "nextflow":
            raise Refused(f"tasks need Nextflow's plugin {plugin}: build it (python -m local.plugins)")
    twin = resolve(environ={**os.environ, "HEADNODE_NEXTFLOW": "script"})
    why = f"; tasks would need the plugin {plugin}, which was not built here" if plugin else ""
    return replace(twin, note=twin.note + why)


def carried(engine: Engine, plugin: str) -> str:
    """The plugin that the engine carries, with its version; empty when it does not."""
    return next((each for each in engine.plugins if each.split("@")[0] == plugin), "")
