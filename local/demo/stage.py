"""What the demo plays on: an emulated cloud where one is needed, a control plane, an engine."""

import os
import secrets
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from local.cli.client import Api
from local.clouds.aws import EmulatedAws
from local.demo import processes
from local.nextflow import Engine, resolve
from local.serve import Host
from shared.errors import Refused
from shared.model.message import from_text
from shared.ports import World
from shared.steps.deliver import handle

if TYPE_CHECKING:
    from local.demo import Options

EXAMPLE = Path(__file__).parents[1] / "example"
REGION = "us-east-1"
BUCKET = "headnode-demo"
ACCESS_KEY = "AKIAHEADNODEDEMO0000"
"""The control plane's own key, so that its calls can be told from the machines'."""
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
        self.aws: EmulatedAws | None = None
        self.engine: Engine | None = None
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each step made each call to the cloud."""
        self.host: Host | None = None
        self.work = directory / "work"
        self.secret = secrets.token_hex(20)
        self._variables: dict[str, str | None] = {}

    @property
    def platform(self) -> str:
        """The platform's name in the API."""
        return "aws-cloud" if self.is_aws else "local-platform"

    @property
    def is_aws(self) -> bool:
        """Whether it plays on the emulated AWS."""
        return self.options.platform == "aws-cloud"

    @property
    def api(self) -> Api:
        """The control plane's API. Only while it runs."""
        if self.host is None:
            raise RuntimeError("the stage is not set")
        return Api(self.host.url, self.host.token)

    def start(self) -> None:
        """Everything is ready when it returns."""
        self.engine = engine_for(self.options.engine)
        # Machines inherit this process's PATH.
        self._set(
            "PATH", f"{Path(self.engine.command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        )
        if self.is_aws:
            self.aws = EmulatedAws(directory=self.directory / "cloud").start()
            for name, value in self.aws.environment(REGION).items():
                self._set(name, value)
            import boto3

            boto3.client("s3").create_bucket(Bucket=BUCKET)
            self.aws.room.share = [self.pipeline(), *self._engine_files()]
        # One worker, so that every call to the cloud belongs to the step that is running.
        self.host = Host(
            self.directory / "control", workers=1, settings=PACE, environ={}, handle=self._handle
        ).start()
        if self.aws is not None:
            # The control plane may do what the published policy allows, and nothing else.
            self.aws.enforce(ACCESS_KEY, self.api.get("/headnode/permissions/aws-cloud"))

    def stop(self) -> None:
        """Ends everything, machines included. Idempotent."""
        if self.host is not None:
            self.host.stop()
        if self.aws is not None:
            self.aws.stop()
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

    def interrupt(self) -> str:
        """Takes the machine that runs away, as spot does; returns its id."""
        assert self.aws is not None
        import boto3

        wanted = [{"Name": "instance-state-name", "Values": ["running"]}]
        found = boto3.client("ec2").describe_instances(Filters=wanted)["Reservations"]
        instance = str(found[0]["Instances"][0]["InstanceId"])
        self.aws.interrupt(instance, notice=15.0)
        return instance

    def _set(self, name: str, value: str) -> None:
        self._variables.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def _handle(self, text: str, world: World) -> object:
        """Runs a message and notes which calls to the cloud were made meanwhile."""
        if self.aws is None:
            return handle(text, world)
        mark = self.aws.journal.count
        try:
            return handle(text, world)
        finally:
            step = from_text(text).step
            self.calls.update((step, call) for call in self._calls_since(mark) if not reads_log(call))

    def calls_by_step(self) -> dict[str, dict[str, int]]:
        """The control plane's calls to the cloud. Logs are read by the API too, while steps run: every
        such call counts as `logs`."""
        if self.aws is None:
            return {}
        counted = self.calls + Counter(("logs", call) for call in self._calls_since(0) if reads_log(call))
        found: dict[str, dict[str, int]] = {}
        for (step, call), count in sorted(counted.items()):
            found.setdefault(step, {})[call] = count
        return found

    def _calls_since(self, mark: int) -> list[str]:
        assert self.aws is not None
        entries = self.aws.journal.entries(since=mark)
        return [
            f"{entry.service}:{entry.action}" for entry in entries if entry.principal.endswith(ACCESS_KEY)
        ]


def reads_log(call: str) -> bool:
    """Whether a call reads a run's log or files."""
    return call.startswith(("logs:", "s3:Get", "s3:Head"))


def engine_for(wanted: str) -> Engine:
    """The engine that was asked for: auto, nextflow or script. Raises Refused when it cannot be had."""
    environ = {**os.environ, "HEADNODE_NEXTFLOW": "script"} if wanted == "script" else None
    engine = resolve(environ=environ)
    if wanted == "nextflow" and engine.kind == "script":
        raise Refused(f"no Nextflow can be had here: {engine.note}")
    return engine
