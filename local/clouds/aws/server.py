"""The emulated AWS as one object: start it, point boto3 at its url, and script its bad days."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from local.clouds.aws import backends
from local.clouds.aws.batch.containers import Containers
from local.clouds.aws.batch.jobs import Job
from local.clouds.aws.batch.service import Batch
from local.clouds.aws.buckets import Buckets
from local.clouds.aws.control import Control
from local.clouds.aws.ec2 import Launches, Regions
from local.clouds.aws.events import Events, Sink
from local.clouds.aws.faults import Faults
from local.clouds.aws.filesystems.efs import Efs
from local.clouds.aws.filesystems.fsx import Fsx
from local.clouds.aws.front import Front
from local.clouds.aws.gateway import Gateway
from local.clouds.aws.groups import Groups
from local.clouds.aws.iam import Identities
from local.clouds.aws.launching import Profiles, Tokens
from local.clouds.aws.life import BY_FAILURE, Life
from local.clouds.aws.limits import Limits
from local.clouds.aws.metadata import Metadata
from local.clouds.aws.permissions.judge import Judge
from local.clouds.aws.permissions.policy import Document, check
from local.clouds.front import until_a_signal
from local.clouds.journal import Journal
from local.clouds.machines import MachineRoom

_RUNNING = "HEADNODE_EMULATED_AWS"
"""Set in the environment, to this process's id, while one runs."""


class EmulatedAws:
    """One at a time per process, since moto keeps its state in the process.

    A context manager; `start` and `stop` do the same by hand. `clock` gives epoch seconds and is what
    delays are measured with (not machines: those live in real time).
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        directory: Path | None = None,
        machines: bool = True,
        pending: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = (host, port)
        self._pending = pending
        self._machines = machines
        self._front: Front | None = None
        self.faults = Faults()
        self.journal = Journal(clock)
        self.profiles = Profiles(clock)
        self.events = Events(clock)
        self.room = MachineRoom(directory, self._seen_by)
        self.judge = Judge()
        self._gateway = Gateway(self.faults, self.journal, self.judge)
        self.life = Life(self._gateway.turn, self.events, self.room, clock)
        self._metadata = Metadata(self.life, clock, self.judge.roles.__setitem__)
        self._tokens = Tokens()
        self._regions = Regions()
        self.batch = Batch(clock)
        self.efs, self.fsx = Efs(), Fsx()
        self.judge.tags_of = self.batch.tags_of
        self._containers = Containers(
            self.batch.jobs,
            self.room,
            lambda: self._gateway.turn("batch"),
            lambda: self.url,
            self.judge.roles.__setitem__,
        )
        self.batch.run, self.batch.jobs.stop = self._run_job, self._containers.stop
        self.batch.jobs.changed = lambda job: self.events.job(job.queue.region, job.arn, job.shown())

    @property
    def crashes(self) -> list[str]:
        """Tracebacks of the emulator's own errors: none, or the emulator is at fault."""
        return self._gateway.crashes

    @property
    def url(self) -> str:
        """The endpoint for every service (`AWS_ENDPOINT_URL`)."""
        if self._front is None:
            raise RuntimeError("the emulated AWS is not running")
        return self._front.url

    def start(self) -> Self:
        """Binds the port and serves; returns when it can be called. Raises RuntimeError while another
        one runs in this process."""
        if os.environ.get(_RUNNING) == str(os.getpid()):
            raise RuntimeError("there can be only one emulated AWS per process: moto keeps its state in it")
        self._front = Front(*self._address, self._gateway)
        os.environ[_RUNNING] = str(os.getpid())
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 1,300 images take moto a second per region
        launches, limits = Launches(self._tokens, self.profiles), Limits()
        self._gateway.services |= {
            "ec2": [self._regions, Groups(self._worn), launches, limits, self.life],
            "iam": [limits, Identities(self.profiles)],
            "logs": [limits],
            "s3": [Buckets()],
            "batch": [self.batch],
            "efs": [self.efs],
            "fsx": [self.fsx],
        }
        self._gateway.sides |= {"imds": self._metadata, "ecs": self._containers, "_cloud": Control(self)}
        self.reset()
        self._front.start()
        self.events.start()
        return self

    def stop(self) -> None:
        """Ends every machine, stops serving and removes what it wrote. Idempotent."""
        if self._front:
            self.life.clear()
            self._front.stop()
            self._front = None
            self.events.stop()
            for name in (_RUNNING, "MOTO_EC2_LOAD_DEFAULT_AMIS"):
                os.environ.pop(name, None)

    def reset(self) -> None:
        """An empty account again: no resources, machines, faults, journal, tokens or listeners."""
        self.life.clear()
        backends.reset()
        parts = (
            self.faults,
            self.journal,
            self.judge,
            self.profiles,
            self._tokens,
            self._regions,
            self._metadata,
            self.batch,
            self.efs,
            self.fsx,
            self._containers,
        )
        for part in parts:
            part.clear()
        self.crashes.clear()
        if self._front:
            self.events.clear()
        self.life.machines, self.life.pending = self._machines, self._pending

    def enforce(self, who: str, *documents: Document) -> None:
        """From now on calls of an access key id, or with the credentials of a role (its name), may do
        what these policy documents allow and nothing else; unmodelled calls are refused. Raises
        UnreadablePolicy for a document that could not be judged by."""
        for document in documents:
            check(document)
        self.judge.documents[who] = list(documents)

    def interrupt(self, instance: str, notice: float = 120.0) -> None:
        """Spot takes a machine back: the notice in its metadata and as an event, and after `notice`
        seconds it is gone. Raises ValueError for an instance that is not spot."""
        self.life.interrupt(instance, notice)

    def fail(self, instance: str) -> None:
        """The host of a machine breaks: it loses power at once (`Server.InternalError`)."""
        self.life.end(instance, BY_FAILURE)

    def on_event(self, sink: Sink | str) -> None:
        """Delivers EC2's and Batch's events to a function or, as JSON, to a URL; until `reset`."""
        self.events.on(sink)

    def until(self, instance: str, state: str, timeout: float = 20.0) -> None:
        """Blocks until an instance is in a state and all events so far are delivered. Raises
        TimeoutError with what its machine printed."""
        living, over = self.life.find(instance), time.monotonic() + timeout
        while living is None or backends.state_of(living.region, instance)[1] != state:
            if time.monotonic() > over:
                raise TimeoutError(f"{instance} is not {state}: {self.room.console(instance)[-2000:]}")
            time.sleep(0.01)
            living = living or self.life.find(instance)
        self.events.settle()

    def _worn(self, region: str) -> set[str]:
        """Security groups on the network interfaces of file systems."""
        shares = (*self.efs.targets.of(region), *self.fsx.systems.of(region))
        return {group for share in shares for group in share.groups}

    def _run_job(self, job: Job) -> None:
        if self.life.machines:
            self._containers.run(job)

    def _seen_by(self, instance: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{self.url}/imds/{instance}",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }

    def environment(self, region: str = "us-east-1") -> dict[str, str]:
        """The variables that point an SDK at this cloud and at nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAEMULATED00000000",
            "AWS_SECRET_ACCESS_KEY": "emulated-secret",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def serve(host: str = "127.0.0.1", port: int = 4566, *, directory: Path | None = None) -> None:
    """Runs the emulated AWS until SIGINT or SIGTERM. Blocks."""
    until_a_signal(EmulatedAws(port, host=host, directory=directory))
