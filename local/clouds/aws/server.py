"""The emulated AWS as one object: start it, point boto3 at its url, and script its bad days."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from local.clouds.aws import backends
from local.clouds.aws.ec2 import Launches, Regions
from local.clouds.aws.faults import Faults
from local.clouds.aws.front import Front
from local.clouds.aws.gateway import Gateway
from local.clouds.aws.iam import Identities
from local.clouds.aws.journal import Journal
from local.clouds.aws.launching import Profiles, Tokens


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
        self.directory = directory
        self.machines = machines
        self.pending = pending
        self.clock = clock
        self.faults = Faults()
        self.journal = Journal(clock)
        self.profiles = Profiles(clock)
        self._tokens = Tokens()
        self._regions = Regions()
        self._front: Front | None = None

    @property
    def url(self) -> str:
        """The endpoint for every service (`AWS_ENDPOINT_URL`)."""
        if self._front is None:
            raise RuntimeError("the emulated AWS is not running")
        return self._front.url

    def start(self) -> Self:
        """Binds the port and serves; returns when it can be called."""
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 1,300 images take moto a second per region
        backends.reset()
        gateway = Gateway(DomainDispatcherApplication(create_backend_app), self.faults, self.journal)
        gateway.services["ec2"] = [self._regions, Launches(self._tokens, self.profiles)]
        gateway.services["iam"] = [Identities(self.profiles)]
        self._front = Front(*self._address, gateway)
        self._front.start()
        return self

    def stop(self) -> None:
        """Stops serving and forgets everything. Idempotent."""
        if self._front:
            self._front.stop()
            self._front = None
            os.environ.pop("MOTO_EC2_LOAD_DEFAULT_AMIS", None)

    def reset(self) -> None:
        """An empty account again: no resources, faults, journal or tokens."""
        backends.reset()
        for part in (self.faults, self.journal, self.profiles, self._tokens, self._regions):
            part.clear()

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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def serve(host: str = "127.0.0.1", port: int = 4566, *, directory: Path | None = None) -> None:
    """Runs the emulated AWS until SIGINT or SIGTERM. Blocks."""
    over = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: over.set())
    with EmulatedAws(port, host=host, directory=directory) as cloud:
        for name, value in cloud.environment().items():
            print(f"export {name}={value}", flush=True)
        over.wait()
