"""A control plane against an emulated cloud, with a clock that the test owns."""

from types import SimpleNamespace

import pytest

from shared.model.settings import Settings
from shared.wiring import forget_clients
from tests.clock import FakeClock
from tests.scenarios.clouds import Cloud
from tests.scenarios.clouds.aws import Aws
from tests.scenarios.clouds.azure import Azure
from tests.scenarios.clouds.azurebatch import Batch as AzureBatch
from tests.scenarios.clouds.batch import Batch
from tests.scenarios.functions_place import functions  # noqa: F401 (fixture)
from tests.scenarios.rig import Rig, SeededIds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture(autouse=True)
def sdk_pauses(clock, monkeypatch) -> None:
    """The SDK's pauses between its own retries pass on the test's clock."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=clock.advance))


@pytest.fixture(params=["aws", "batch", "azure", "azurebatch"])
def cloud(request, clock, monkeypatch) -> Cloud:
    """An emulated cloud in the test's own time; machines are played by the test."""
    if request.param == "aws":
        return Aws(request.getfixturevalue("aws"))
    if request.param in ("batch", "azurebatch") and request.node.get_closest_marker("offers"):
        pytest.skip("Batch refuses no order: it waits there, see test_aws_batch.py, test_azure_batch.py")
    if request.param == "batch":
        return batch(request.getfixturevalue("aws"), clock, monkeypatch)
    emulated = request.getfixturevalue("azure")
    monkeypatch.setattr(emulated.state, "clock", clock.now)
    forget_clients()
    return AzureBatch(emulated) if request.param == "azurebatch" else Azure(emulated)


def batch(aws, clock, monkeypatch) -> Batch:
    """An emulated AWS with Batch, whose jobs grow old by the test's clock."""
    monkeypatch.setattr(aws.batch, "clock", clock.now)
    aws.batch.places.looks = 0
    return Batch(aws)


@pytest.fixture
def rig(cloud, tmp_path, clock, request) -> Rig:
    """A control plane on that cloud."""
    settings = Settings(installation="rig", api_url="http://127.0.0.1:9")
    return Rig(tmp_path / "data", settings, clock, SeededIds(request.node.name), cloud)


@pytest.fixture
def ready(rig):
    """An environment that is AVAILABLE."""
    environment = rig.environment()
    rig.drain(60)
    found = rig.get_environment(environment)
    assert found.status == "AVAILABLE", found.message or found.wait
    return found
