"""One machine's work, from its spec to the report of its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Callable

from shared.runner.aws import Aws
from shared.runner.boot import Boot, Places
from shared.runner.checkpoint import Checkpoint
from shared.runner.console import Console
from shared.runner.control import Control, Reporter, Word
from shared.runner.engine import Launch, launch, own_environment, shell
from shared.runner.errors import Dismissed, Failed, RunnerError, StepFailed
from shared.runner.finish import Kept
from shared.runner.imds import Metadata
from shared.runner.lines import Mask
from shared.runner.pipeline import fetched, local_path, shown
from shared.runner.process import Child, output
from shared.runner.retry import repeated
from shared.runner.shipping import Shipper, target
from shared.runner.spec import Spec
from shared.runner.staging import POST_RUN, Secrets, secret_values, stage_files
from shared.runner.watch import (
    CANCELLED,
    DISMISSED,
    INTERRUPTED,
    TERMINATED,
    Deadline,
    Stop,
    watch,
)
from shared.runner.workdir import opened

SPEC_WITHIN = 600.0
"""Seconds for which the control plane may be away before the machine gives up without a spec."""
FINISHED = "finished"
SIGNALS_WITHIN = 0.2
"""Seconds within which the signals of one shutdown reach all processes."""
GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL for the engine; half of it when the cloud takes the machine."""
SAVE_EVERY = 60.0
SAVE_WITHIN = 300.0
"""Seconds for which a final upload is repeated."""
LINES_WITHIN = 30.0
NOTICE_SAVE = 75.0
"""Seconds for the last checkpoint after a spot notice, which leaves two minutes in all."""
END_WITHIN = 300.0
"""Seconds for which the report of the end is repeated. After that the cloud's own word counts."""


class Session:
    """The work of one machine. `run` returns when everything that can be saved and said was."""

    def __init__(self, boot: Boot, places: Places, stop: Stop, pace: float = 1.0) -> None:
        self.boot = boot
        self.places = places
        self.stop = stop
        self.pace = pace
        self.metadata = Metadata()
        self.mask = Mask()
        self.mask.add(boot.token)
        self.run_dir = places.run(boot.run)
        self.console = Console(self.run_dir / f"nf-{boot.run}.txt", self.mask)
        self.deadline = Deadline(boot.deadline)
        self.control = Control(boot, self.machine)
        self.reporter = Reporter(self.control, self.heard, lambda _: stop.ask(DISMISSED))
        self.secrets = Secrets(places.base / "secrets")
        self.shipper: Shipper | None = None
        self.kept: Kept | None = None
        self.checkpoint: Checkpoint | None = None
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
        spec = Spec.of(given)
        self.control.token = spec.token
        self.deadline.move(spec.deadline)
        self.reporter.beat(spec.heartbeat)
        aws = self.prepare(spec)
        self.background(lambda: watch(self.stop, self.deadline, self.metadata, self.noticed, self.pace))
        self.at("stage", f"{len(spec.files)} files, {len(spec.secrets)} secrets")
        stage_files(spec, self.run_dir)
        self.secrets.stage(secret_values(spec, aws, self.mask))
        self.restore(spec)
        self.at("pipeline", shown(spec.pipeline))
        pipeline = fetched(spec, self.places.pipeline)
        self.at("engine", spec.engine)
        work = str(local_path(spec.work_dir) or self.places.work)
        Path(work).mkdir(parents=True, exist_ok=True)
        started = launch(spec, self.places, pipeline, work, self.secrets.file, self.console.say)
        if self.stop.pending:
            return None, self.stop.reason
        return self.engine(spec, started, work)

    def prepare(self, spec: Spec) -> Aws:
        """Log shipping, the work directory, and what of it belongs to this run."""
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            self.mask.add(spec.environment.get(name, "") or os.environ.get(name, ""))
        self.mask.add(spec.token)
        aws = Aws(spec.region, self.metadata, {**os.environ, **spec.environment})
        self.shipper = Shipper(self.console, target(spec.logs, aws))
        store = opened(spec.work_dir, aws)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.kept = Kept(spec, store, self.run_dir, self.console.path)
        if spec.engine == "nextflow" and spec.session and spec.environment.get("HEADNODE_CHECKPOINT") != "0":
            own = None if local_path(spec.work_dir) else self.places.work
            self.checkpoint = Checkpoint(store, spec.session, own, self.run_dir)
        return aws

    def restore(self, spec: Spec) -> None:
        """What earlier machines left. A checkpoint that cannot be read costs time, not the run."""
        if spec.attempt > 1 and self.kept:
            repeated(self.kept.fetch_earlier, SAVE_WITHIN * self.pace)
        if spec.restores and self.checkpoint:
            self.at("restore", spec.session)
            try:
                self.console.say(f"{self.checkpoint.restore()} task directories restored")
            except (Failed, OSError) as error:
                self.console.say(f"nothing can be restored, every task runs again: {error}")

    def engine(self, spec: Spec, started: Launch, work: str) -> tuple[int | None, str]:
        """Runs the engine to its end, or until it has to stop; then the post-run script."""
        child = Child(started.argv, started.environment, self.run_dir, self.console)
        self.say("start", step="engine start", message=spec.engine)
        self.background(self.save_now_and_then)
        status = child.wait(0.05)
        while status is None and not self.stop.pending:
            status = child.wait(0.1)
        if status != 0:
            self.learn_why(status)
        if status is None:
            self.console.say(f"stopping: {self.stop.reason}")
            status = child.stop(GRACE / 2 if self.stop.reason == INTERRUPTED else GRACE)
            if started.container:
                remove_container(started.container)
        if self.stop.reason != INTERRUPTED:
            self.post_run(spec, work, status)
        return status, self.stop.reason if status or self.stop.reason != TERMINATED else ""

    def learn_why(self, status: int | None) -> None:
        """A machine that is taken away gets SIGTERM for all its processes at once, the engine before or
        after us: ask the cloud whether this is what happened."""
        if status is not None:
            time.sleep(SIGNALS_WITHIN)
        pending = self.stop.pending
        if (status is not None or self.stop.reason == TERMINATED) and (said := self.metadata.interruption()):
            self.noticed(said)
            self.stop.ask(INTERRUPTED)
            self.stop.reason = INTERRUPTED
        elif pending and status is not None:
            self.console.say(f"stopped: {self.stop.reason}")

    def post_run(self, spec: Spec, work: str, status: int) -> None:
        """The post-run script. Its failure is only noted."""
        if not spec.post_run.strip():
            return
        own = own_environment(spec, self.run_dir, work, self.secrets.file)
        environment = {**os.environ, **own, "NXF_EXIT_STATUS": str(status)}
        script = Child([shell(), POST_RUN], environment, self.run_dir, self.console)
        left = max(10.0, min(3600.0, self.deadline.stops_at - time.time()))
        ended = script.wait(left)
        if ended != 0:
            script.stop(1.0)
            self.console.say(
                f"the post-run script ended with status {ended if ended is not None else 'none'}"
            )

    def save_now_and_then(self) -> None:
        """Until the work stops: what would be lost with the machine goes to the work directory."""
        pause = SAVE_EVERY * self.pace
        while not self.stop.asked.wait(pause) and not self.stop.pending:
            began = time.monotonic()
            try:
                self.save_unfinished()
            except (RunnerError, OSError) as error:
                self.note(f"cannot save to the work directory: {error}")
            pause = max(SAVE_EVERY * self.pace, 5 * (time.monotonic() - began))

    def save_unfinished(self) -> None:
        """The console, Nextflow's log and the tasks that are done, as they are."""
        if self.kept:
            self.kept.save_console()
            self.kept.save_log()
        if self.checkpoint:
            self.checkpoint.save()

    def finish(self, status: int | None, error: str) -> None:
        """Saves and says everything that is left. Whatever of it fails, the rest is done."""
        interrupted = self.stop.reason == INTERRUPTED
        self.stop.asked.set()
        message = "" if status == 0 else self.console.tail()[-1500:]
        if status is not None and not error:
            self.console.say(f"ended with status {status}")
        patience = self.pace * (NOTICE_SAVE if interrupted else SAVE_WITHIN)
        trouble = [
            self.tried("files", lambda: self.save_files(status, patience)),
            self.tried("checkpoint", lambda: self.save_checkpoint(patience)),
        ]
        if not interrupted:
            trouble.append(self.tried("results", lambda: self.save_results(patience)))
        # Lines were shipped all the while; these are the last ones.
        trouble.append(self.tried("log lines", lambda: self.shipped(LINES_WITHIN)))
        lost = "; ".join(filter(None, trouble))
        self.reporter.finish(
            END_WITHIN * self.pace,
            step=self.step,
            exit_status=None if interrupted else status,
            error=INTERRUPTED if interrupted else self.mask(error),
            message=self.mask("\n".join(filter(None, (message, lost)))),
        )

    def save_files(self, status: int | None, patience: float) -> None:
        """The files that are named after the run."""
        if kept := self.kept:
            repeated(lambda: kept.save_all(status), patience)

    def save_checkpoint(self, patience: float) -> None:
        """All finished tasks, as far as there is time."""
        if checkpoint := self.checkpoint:
            until = time.monotonic() + patience
            repeated(lambda: checkpoint.save(final=True, until=until), patience)

    def save_results(self, patience: float) -> None:
        """The output directory, where it is one of this machine."""
        if kept := self.kept:
            repeated(kept.save_results, patience)

    def shipped(self, patience: float) -> None:
        """Sends the log lines that are left."""
        if self.shipper and not self.shipper.drain(patience):
            raise Failed(self.shipper.trouble or "not all of them in time")

    def tried(self, what: str, act: Callable[[], Any]) -> str:
        """Does one of the last things; why it could not be done, or ""."""
        try:
            act()
        except Exception as error:
            trouble = f"{what} could not be saved: {error}"
            self.note(trouble)
            return trouble
        return ""

    def at(self, step: str, message: str) -> None:
        """Begins a step: in the log, and to the control plane."""
        if self.stop.pending:
            raise StepFailed(self.stop.reason)
        self.step = step
        self.console.say(f"{step}: {message}")
        # Also where a cloud shows a machine's boot, for those that never reach a log.
        print(self.mask(f"headnode: {step}: {message}"), flush=True)
        self.say("boot", step=step, message=message)

    def say(self, event: str, **fields: Any) -> None:
        """A report, with what the machine is at this moment."""
        self.reporter.say(event, **fields)

    def noticed(self, said: str) -> None:
        """The cloud takes this machine back."""
        self.console.say(f"the cloud takes this machine back: {said}")
        self.say("notice", step=self.step, message=said)

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
            self.machine_id = known or self.metadata.get("/latest/meta-data/instance-id")
        facts: dict[str, Any] = {"id": self.machine_id} if self.machine_id else {}
        with contextlib.suppress(OSError):
            facts["disk_free_gb"] = round(shutil.disk_usage(self.places.base).free / 1e9, 2)
        return facts

    def note(self, text: str) -> None:
        """A line for the user about something that does not end the run."""
        self.console.say(text)

    def background(self, body: Callable[[], None]) -> None:
        """Runs a body beside the work, until the process ends."""
        threading.Thread(target=body, daemon=True).start()


def remove_container(name: str) -> None:
    """Ends a container that docker's client left running."""
    try:
        output(["docker", "rm", "--force", name], 60.0)
    except (StepFailed, subprocess.SubprocessError):
        return
