"""File shares on Azure Batch from config to disposal: whoever's key opens them, it is in one request only."""

import json

import pytest

from local.clouds.azure import EmulatedAzure
from shared.wiring import forget_clients
from tests.clock import FakeClock
from tests.scenarios.clouds.azure import ACCOUNT
from tests.scenarios.clouds.azurebatch import Batch
from tests.scenarios.wholelife import disposed

REFS = "azure.storage.fileShares.refs.mountPath = '/mnt/refs'"
BIG = "azure.storage.fileShares.big.mountPath = '/mnt/big'"


@pytest.fixture
def cloud(azure: EmulatedAzure, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(azure.state, "clock", clock.now)
    azure.file_share(ACCOUNT, "refs")
    forget_clients()
    made = Batch(azure)
    made.keyed = True
    return made


def test_a_run_has_its_share_and_the_key_is_in_the_pool_alone(rig, cloud):
    environment = rig.environment(nextflowConfig=REFS)
    rig.drain(60)
    run = rig.submit(environment)
    rig.drain(60)
    found = rig.get_run(run)
    assert found.last.state == "placed", found
    spec = rig.world.provider(rig.get_environment(environment)).spec(found, found.last)
    rig.work(run)
    rig.drain(60)
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    key = cloud.emulated.storage_key(ACCOUNT)
    carried = [each for each in cloud.emulated.journal.entries() if key in json.dumps(each.params)]
    assert [(each.service, each.action, each.status) for each in carried] == [("batch", "CreatePool", 201)]
    assert key not in json.dumps(spec)
    assert key.encode() not in b"".join(each.read_bytes() for each in rig.data.rglob("*") if each.is_file())


def test_a_launch_with_a_share_that_no_pool_mounts_ends_in_words(rig, cloud):
    environment = rig.environment(nextflowConfig=REFS)
    rig.drain(60)
    run = rig.submit(environment, configText=BIG)
    rig.drain(60)
    found = rig.get_run(run)
    assert found.status == "FAILED", found
    assert "azure.storage.fileShares.big is not mounted by the pools of this env" in found.error_message
    assert cloud.jobs() == {}


def test_a_share_that_is_not_there_is_why_a_run_waits(rig, cloud):
    del cloud
    environment = rig.environment(nextflowConfig=f"{REFS}\n{BIG}")
    rig.drain(60)
    run = rig.submit(environment)
    rig.drain(300)
    rig.tick()
    assert "MountConfigurationError" in rig.get_run(run).wait.reason
    assert "big; mount error(2): No such file or directory" in rig.get_run(run).wait.reason


def test_without_the_key_nothing_is_made_and_the_field_is_named(rig, cloud):
    cloud.keyed = False
    environment = rig.environment(nextflowConfig=REFS)
    rig.drain(60)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert f"nextflowConfig: azure.storage.fileShares.refs needs the key of {ACCOUNT}" in found.message
    assert cloud.pools() == []
