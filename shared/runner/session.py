"""One machine's work, from its spec to the report of its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
import traceback
from dataclasses import replace
from typing import Any, Callable

from shared.runner import scm
from shared.runner.boot import Boot, Places
from shared.runner.cloud import Notice
from shared.runner.clouds import at_boot, chosen
from shared.runner.console import Console
from shared.runner.control import Control, Reporter, Word
from shared.runner.engine import Launch, launch, own_environment, post_run, work_place
from shared.runner.errors import Dismissed, Failed, RunnerError, StepFailed
from shared.runner.keeping import Keeper, tried
from shared.runner.lines import Mask
from shared.runner.pipeline import fetched, shown
from shared.runner.process import Child, remove_container
from shared.runner.retry import repeated
from shared.runner.shipping import Shipper
from shared.runner.spec import Spec
from shared.runner.staging import Secrets, secret_values, stage_files
from shared.runner.watch import (
    CANCELLED,
    DISMISSED,
    INTERRUPTED,
    TERMINATED,
    Deadline,
    Stop,
    watch_cloud,
    watch_deadline,
)

SPEC_WITHIN = 600.0
"""Seconds for which the control plane may be away before the machine gives up without a spec."""
FINISHED = "finished"
SIGNALS_WITHIN = 0.2
"""Seconds within which the signals of one shutdown reach all processes."""
GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL for the engine."""
LINES_WITHIN = 30.0
END_WITHIN = 300.0
"""Seconds for which the report of the end is repeated. After that the cloud's own word counts."""


class Session:
    """The work of one machine. `run` returns when everything that can be saved and said was."""

    def __init__(self, boot: Boot, places: Places, stop: Stop, pace: float = 1.0) -> None:
        self.boot = boot
        self.places = places
        self.stop = stop
        self.pace = pace
        self.cloud = at_boot()
        self.notice: Notice | None = None
        self.mask = Mask()
        self.mask.add(boot.token)
        self.run_dir = places.run(boot.run)
        self.console = Console(self.run_dir / f"nf-{boot.run}.txt", self.mask)
        self.deadline = Deadline(boot.deadline)
        self.control = Control(boot, self.machine)
        self.reporter = Reporter(self.control, self.heard, lambda _: stop.ask(DISMISSED))
        self.secrets = Secrets(places.base / "secrets")
        self.shipper: Shipper | None = None
        self.keeper: Keeper | None = None
        self.machine_id = ""
        self.step = "boot"

    def run(self) -> None:
        """Everything. Never raises for what can go wrong on a machine: it is reported."""
        status: int | None = None
        error = ""
        try:
            status, error = self.work()
        except Dismissed as gone:
            self.stop.ask(DISMISSED)
            self.console.say(str(gone))
        except RunnerError as failed:
            error = f"{self.step}: {failed}"
            self.console.say(error)
        except OSError as failed:
            error = f"{self.step}: {failed.strerror or type(failed).__name__}"
            self.console.say(error)
        except Exception as failed:  # a defect of ours must not leave a run without its end
            traceback.print_exc()
            error = f"{self.step}: the runner failed unexpectedly ({type(failed).__name__})"
            self.console.say(error)
        finally:
            self.secrets.remove()
        if self.stop.reason != DISMISSED:
            self.finish(status, error)
        # Tells the shell around us that nothing is left to be said.
        (self.places.base / FINISHED).touch()

    def work(self) -> tuple[int | None, str]:
        """The steps in their order. The engine's exit status, and why it was stopped if it was."""
        self.at("boot", f"machine {self.machine().get('id', 'without an id')}")
        self.at("fetch spec", self.boot.control)
        given = repeated(self.control.spec, SPEC_WITHIN, denied_too=True)
        spec = self.prepare(Spec.of(given))
        self.at("stage", f"{len(spec.files)} files, {len(spec.secrets)} secrets")
        stage_files(spec, self.run_dir)
        self.secrets.stage(secret_values(spec, self.cloud, self.mask), scm.config(spec.git))
        self.restore(spec)
        self.at("pipeline", shown(spec.pipeline))
        pipeline = fetched(spec, self.places.pipeline)
        self.at("engine", spec.engine)
        work = work_place(spec, self.places)
        started = launch(spec, self.places, pipeline, work, self.secrets.file, self.console.say)
        if self.stop.pending:
            return None, self.stop.reason
        return self.engine(spec, started, work)

    def prepare(self, spec: Spec) -> Spec:
        """Deadline and heartbeat, log shipping, the work directory. The spec with what the cloud adds to
        its environment."""
        self.control.token = spec.token
        self.deadline.move(spec.deadline)
        self.reporter.beat(spec.heartbeat)
        cloud = self.cloud = chosen(spec)
        for secret in (spec.token, *scm.secrets(spec.git), *cloud.secrets()):
            self.mask.add(secret)
        self.shipper = cloud.shipper(self.console, spec.logs)
        spec = replace(spec, environment={**cloud.environment(), **spec.environment})
        store = cloud.work_dir(spec.work_dir)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.keeper = Keeper(spec, store, self.places, self.run_dir, self.console, self.pace)
        self.background(lambda: watch_deadline(self.stop, self.deadline, self.pace))
        self.background(lambda: watch_cloud(self.stop, cloud, self.noticed, self.pace))
        return spec

    def restore(self, spec: Spec) -> None:
        """What earlier machines left."""
        assert self.keeper is not None
        self.keeper.fetch_earlier()
        if self.keeper.restores:
            self.at("restore", spec.session)
            self.keeper.restore()

    def engine(self, spec: Spec, started: Launch, work: str) -> tuple[int | None, str]:
        """Runs the engine to its end, or until it has to stop; then the post-run script."""
        child = Child(started.argv, started.environment, self.run_dir, self.console)
        self.reporter.say("start", step="engine start", message=spec.engine)
        if keeper := self.keeper:
            self.background(lambda: keeper.now_and_then(self.stop))
        status = child.wait(0.05)
        while status is None and not self.stop.pending:
            status = child.wait(0.1)
        if status != 0:
            self.learn_why(status)
        if status is None:
            self.console.say(f"stopping: {self.stop.reason}")
            status = child.stop(self.notice.grace if self.notice else GRACE)
            if started.container:
                remove_container(started.container)
        if self.stop.reason != INTERRUPTED:
            own = own_environment(spec, self.run_dir, work, self.secrets.file)
            post_run(spec, own, self.run_dir, status, self.console, self.deadline.stops_at)
        return status, self.stop.reason if status or self.stop.reason != TERMINATED else ""

    def learn_why(self, status: int | None) -> None:
        """A machine that is taken away gets SIGTERM for all its processes at once, the engine before or
        after us: ask the cloud whether this is what happened."""
        if status is not None:
            time.sleep(SIGNALS_WITHIN)
        pending = self.stop.pending
        if (status is not None or self.stop.reason == TERMINATED) and (notice := self.cloud.notice()):
            self.noticed(notice)
            self.stop.ask(INTERRUPTED)
            self.stop.reason = INTERRUPTED
        elif pending and status is not None:
            self.console.say(f"stopped: {self.stop.reason}")

    def finish(self, status: int | None, error: str) -> None:
        """Saves and says everything that is left. Whatever of it fails, the rest is done."""
        interrupted = self.stop.reason == INTERRUPTED
        self.stop.asked.set()
        message = "" if status == 0 else self.console.tail()[-1500:]
        if status is not None and not error:
            self.console.say(f"ended with status {status}")
        within = self.notice.saving if interrupted and self.notice else 0.0
        trouble = self.keeper.at_the_end(status, within) if self.keeper else []
        # Lines were shipped all the while; these are the last ones.
        trouble.append(tried("log lines", lambda: self.shipped(LINES_WITHIN), self.console.say))
        lost = "; ".join(filter(None, trouble))
        self.reporter.finish(
            END_WITHIN * self.pace,
            step=self.step,
            exit_status=None if interrupted else status,
            error=INTERRUPTED if interrupted else self.mask(error),
            message=self.mask("\n".join(filter(None, (message, lost)))),
        )
        self.cloud.let_go()

    def shipped(self, patience: float) -> None:
        """Sends the log lines that are left."""
        if lost := self.cloud.shortfall():
            self.console.say(lost)
        if self.shipper and not self.shipper.drain(patience):
            raise Failed(self.shipper.trouble or "not all of them in time")

    def at(self, step: str, message: str) -> None:
        """Begins a step: in the log, and to the control plane."""
        if self.stop.pending:
            raise StepFailed(self.stop.reason)
        self.step = step
        self.console.say(f"{step}: {message}")
        # Also where a cloud shows a machine's boot, for those that never reach a log.
        print(self.mask(f"headnode: {step}: {message}"), flush=True)
        self.reporter.say("boot", step=step, message=message)

    def noticed(self, notice: Notice) -> None:
        """The cloud takes this machine back."""
        self.notice = notice
        self.console.say(f"the cloud takes this machine back: {notice.said}")
        self.reporter.say("notice", step=self.step, message=notice.said)

    def heard(self, word: Word) -> None:
        """What the control plane answered to a report."""
        self.deadline.move(word.deadline)
        if word.cancel:
            self.stop.ask(CANCELLED)
        elif not word.go_on:
            self.stop.ask(DISMISSED)

    def machine(self) -> dict[str, Any]:
        """What is known about this machine: its id in the cloud, and the room on its disk."""
        if not self.machine_id:
            known = os.environ.get("HEADNODE_MACHINE_ID", "")
            self.machine_id = known or self.cloud.machine_id()
        facts: dict[str, Any] = {"id": self.machine_id} if self.machine_id else {}
        with contextlib.suppress(OSError):
            facts["disk_free_gb"] = round(shutil.disk_usage(self.places.base).free / 1e9, 2)
        return facts

    def background(self, body: Callable[[], None]) -> None:
        """Runs a body beside the work, until the process ends."""
        threading.Thread(target=body, daemon=True).start()
