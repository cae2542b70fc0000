"""Azure Batch by the keys of its accounts: what they open, what of them leaves us, and for how long."""

import json
from typing import Any

import httpx
import pytest

from local.clouds.azure import EmulatedAzure
from shared.wiring import forget_clients
from tests.clock import FakeClock
from tests.scenarios.clouds.azure import ACCOUNT, CONTAINER
from tests.scenarios.clouds.azurebatch import BATCH, Batch
from tests.scenarios.wholelife import disposed

DAY = 86400.0


@pytest.fixture
def cloud(azure: EmulatedAzure, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(azure.state, "clock", clock.now)
    forget_clients()
    made = Batch(azure)
    made.keyed = True
    return made


def placed(rig: Any, environment: Any) -> Any:
    """A run whose head job is there."""
    run = rig.submit(environment)
    rig.drain(40)
    assert rig.get_run(run).last.state == "placed", rig.get_run(run)
    return run


def spec(rig: Any, environment: Any, run: Any) -> dict[str, Any]:
    """What the runner is given for its one-time token."""
    found: dict[str, Any] = rig.world.provider(rig.get_environment(environment)).spec(
        rig.get_run(run), rig.get_run(run).last
    )
    return found


def test_no_key_is_in_anything_that_is_made_or_stored(rig, cloud, ready):
    run = placed(rig, ready)
    account = cloud.emulated.state.batch.accounts[BATCH]
    defined = json.dumps([each.body for each in (*account.pools.values(), *account.jobs.values())])
    given = json.dumps(spec(rig, ready, run))
    rig.work(run)
    rig.drain(60)
    ended = disposed(rig, ready)
    assert ended.status == "DELETED", ended.wait
    stored = b"".join(each.read_bytes() for each in rig.data.rglob("*") if each.is_file())
    batch_key, storage_key = cloud.emulated.batch_key(BATCH), cloud.emulated.storage_key(ACCOUNT)
    for key in (batch_key, storage_key):
        assert key not in defined
        assert key.encode() not in stored
    # Nextflow needs the one of Batch, which it is told behind a token; the other one opens too much.
    assert batch_key in given
    assert storage_key not in given


def test_a_signature_of_a_key_outlives_a_run_of_weeks_and_then_ends(rig, cloud):
    rig.settings = rig.settings.but(longest_run=30 * DAY)
    rig.restart()
    environment = rig.environment(jobMaxWallClockTime="20d")
    rig.drain(60)
    run = placed(rig, environment)
    sas = spec(rig, environment, run)["azure"]["sas"]
    address = f"{cloud.emulated.url}/blob/{ACCOUNT}/{CONTAINER}/runs/x?{sas}"
    headers = {"x-ms-version": "2021-12-02", "x-ms-blob-type": "BlockBlob"}
    rig.clock.advance(20 * DAY)
    assert httpx.put(address, content=b"late", headers=headers).status_code == 201
    rig.clock.advance(DAY)
    refused = httpx.put(address, content=b"too late", headers=headers)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
    for _ in range(3):
        rig.tick()
        rig.drain(60)
    ended = rig.get_run(run)
    assert (ended.status, "MaxWallClockTimeExpiry" in ended.error_message) == ("FAILED", True)


def test_a_key_that_was_changed_ends_a_launch_with_the_reason(rig, cloud, ready):
    cloud.emulated.state.batch.accounts[BATCH].keys = {"primary": "bmV3", "secondary": "bmV3ZXI="}
    run = rig.submit(ready)
    rig.drain(900)
    found = rig.get_run(run)
    said = found.error_message or (found.wait.reason if found.wait else "")
    assert "AuthenticationFailed" in said, found


def test_what_keys_can_not_do_is_said_by_field(rig, cloud):
    network = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
    environment = rig.environment(subnetId=network.replace("/0/", f"/{'0' * 8}-0000-0000-0000-{'0' * 12}/"))
    rig.drain(60)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert "subnetId" in found.message
    assert "needs an Entra application or an identity" in found.message
    assert cloud.pools() == []
