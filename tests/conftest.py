"""Ground rules of every test: no socket but loopback, an own emulated AWS, and a seed to repeat with."""

import ipaddress
import os
import random
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from local.clouds.aws import EmulatedAws
from tests.archives import archives, unpacked  # noqa: F401 (fixtures)
from tests.azure_cloud import _emulated_azure, azure, azure_clock, azure_with_machines  # noqa: F401
from tests.azurite import azurite  # noqa: F401

REGION = "us-east-1"

settings.register_profile("developer", print_blob=True, deadline=None)
settings.register_profile("ci", print_blob=True, deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuses connections that leave this machine: a test that needs one is wrong."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(real: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                raise PermissionError(f"tests stay on this machine, this one wants {address!r}")
            return real(self, address)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked(connect))
        patch.setattr(socket.socket, "connect_ex", checked(connect_ex))
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def _emulated_aws() -> Iterator[EmulatedAws]:
    with EmulatedAws(machines=False) as cloud:
        yield cloud


@pytest.fixture
def aws(_emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatedAws]:
    """An empty emulated AWS without machines; the environment points boto3 at it. Fails the test when
    the emulator itself breaks."""
    _emulated_aws.reset()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in _emulated_aws.environment(REGION).items():
        monkeypatch.setenv(name, value)
    yield _emulated_aws
    assert not _emulated_aws.crashes, _emulated_aws.crashes[0]
    assert not _emulated_aws.events.failures, _emulated_aws.events.failures


@pytest.fixture
def aws_with_machines(aws: EmulatedAws) -> Iterator[EmulatedAws]:
    """As `aws`, and instances are real processes that carry out their user data. All are gone after
    the test."""
    if shutil.which("bwrap") is None:
        pytest.skip("machines need bubblewrap")
    aws.life.machines = True
    yield aws
    aws.reset()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Randomness for one test. Its seed is shown when the test fails; HEADNODE_SEED repeats it."""
    seed = int(os.environ.get("HEADNODE_SEED") or random.SystemRandom().randrange(2**32))
    request.node.add_report_section("setup", "seed", f"HEADNODE_SEED={seed}")
    return random.Random(seed)
