"""Keeps what a run did in its work directory: now and then while it works, and all of it at the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

from shared.runner.boot import Places
from shared.runner.checkpoint import Checkpoint
from shared.runner.console import Console
from shared.runner.engine import WORK
from shared.runner.errors import Failed, RunnerError
from shared.runner.finish import Kept
from shared.runner.pipeline import local_path
from shared.runner.retry import repeated
from shared.runner.spec import Spec
from shared.runner.watch import Stop
from shared.runner.workdir import WorkDir

SAVE_EVERY = 60.0
SAVE_WITHIN = 300.0
"""Seconds for which a final upload is repeated."""


class Keeper:
    """The work of one run, and where it is kept. `pace` shortens every waiting, for tests."""

    def __init__(
        self, spec: Spec, store: WorkDir, places: Places, run_dir: Path, console: Console, pace: float
    ) -> None:
        self._spec = spec
        self._say = console.say
        self._pace = pace
        self._files = Kept(spec, store, run_dir, console.path)
        self._checkpoint: Checkpoint | None = None
        if spec.engine == "nextflow" and spec.session and spec.environment.get("HEADNODE_CHECKPOINT") != "0":
            direct = local_path(spec.work_dir) or spec.environment.get(WORK) == "direct"
            own = None if direct else places.work
            self._checkpoint = Checkpoint(store, spec.session, own, run_dir)

    @property
    def restores(self) -> bool:
        """Whether there may be tasks of an earlier machine to take up."""
        return self._spec.restores and self._checkpoint is not None

    def fetch_earlier(self) -> None:
        """The consoles of the attempts before this one. Raises Failed."""
        if self._spec.attempt > 1:
            repeated(self._files.fetch_earlier, SAVE_WITHIN * self._pace)

    def restore(self) -> None:
        """What earlier machines left. A checkpoint that cannot be read costs time, not the run."""
        try:
            count = self._checkpoint.restore() if self._checkpoint else 0
            self._say(f"{count} task directories restored")
        except (Failed, OSError) as error:
            self._say(f"nothing can be restored, every task runs again: {error}")

    def now_and_then(self, stop: Stop) -> None:
        """Until the work stops: what would be lost with the machine goes to the work directory."""
        pause = SAVE_EVERY * self._pace
        while not stop.asked.wait(pause) and not stop.pending:
            began = time.monotonic()
            try:
                self._save_unfinished()
            except (RunnerError, OSError) as error:
                self._say(f"cannot save to the work directory: {error}")
            pause = max(SAVE_EVERY * self._pace, 5 * (time.monotonic() - began))

    def at_the_end(self, status: int | None, within: float = 0.0) -> list[str]:
        """Saves all that there is; what could not be saved, and why. `within` are the seconds that a
        machine has which is taken away: then there are no results yet."""
        patience = self._pace * (within or SAVE_WITHIN)
        trouble = [
            tried("files", lambda: repeated(lambda: self._files.save_all(status), patience), self._say),
            tried("checkpoint", lambda: self._save_checkpoint(patience), self._say),
        ]
        if not within:
            trouble.append(tried("results", lambda: repeated(self._files.save_results, patience), self._say))
        return trouble

    def _save_unfinished(self) -> None:
        """The console, Nextflow's log and the tasks that are done, as they are."""
        self._files.save_console()
        self._files.save_log()
        if self._checkpoint:
            self._checkpoint.save()

    def _save_checkpoint(self, patience: float) -> None:
        """All finished tasks, as far as there is time."""
        if checkpoint := self._checkpoint:
            until = time.monotonic() + patience
            repeated(lambda: checkpoint.save(final=True, until=until), patience)


def tried(what: str, act: Callable[[], Any], say: Callable[[str], None]) -> str:
    """Does one of the last things; why it could not be done, or ""."""
    try:
        act()
    except Exception as error:
        trouble = f"{what} could not be saved: {error}"
        say(trouble)
        return trouble
    return ""
