"""Private images on Azure Batch: a pool has the logins of its environment, and nobody else ever has them."""

import json
import logging
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Invalid
from shared.model.access import Credentials
from shared.wiring import forget_clients
from tests.clock import FakeClock
from tests.scenarios.clouds.azurebatch import FORGE, PASSWORD, Batch, login
from tests.scenarios.wholelife import disposed

IMAGE = "quay.io/lab/nextflow:25.04.6"


@pytest.fixture
def cloud(azure: EmulatedAzure, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(azure.state, "clock", clock.now)
    azure.registry("quay.io/lab", {"lab": PASSWORD})
    forget_clients()
    return Batch(azure)


def asked(rig: Any, *ids: str, **config: Any) -> Any:
    """An environment with these logins."""
    made = rig.environment(engineContainer=IMAGE, forge={**FORGE, "containerRegIds": list(ids)}, **config)
    rig.drain(60)
    return made


def test_a_private_head_image_runs_and_its_password_is_in_one_request_only(
    rig, cloud, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        environment = asked(rig, login(rig))
        run = rig.submit(environment)
        rig.drain(60)
        assert rig.get_run(run).last.state == "placed", rig.get_run(run)
        rig.work(run)
        rig.drain(60)
        assert rig.get_run(run).status == "SUCCEEDED"
        ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    stored = b"".join(each.read_bytes() for each in rig.data.rglob("*") if each.is_file())
    assert PASSWORD.encode() not in stored
    assert PASSWORD not in caplog.text
    carried = [each for each in cloud.emulated.journal.entries() if PASSWORD in json.dumps(each.params)]
    assert [(each.service, each.action, each.status) for each in carried] == [("batch", "CreatePool", 201)]


def test_a_head_image_that_can_not_be_pulled_ends_the_run_and_says_so(rig, cloud):
    del cloud
    environment = rig.environment(engineContainer=IMAGE)
    rig.drain(60)
    run = rig.submit(environment)
    rig.drain(300)
    for _ in range(3):
        rig.tick()
        rig.drain(60)
    found = rig.get_run(run)
    assert found.status == "FAILED", found
    assert "ContainerInvalidImage: One or more container images specified are invalid" in found.error_message
    assert f"{IMAGE}; Get https://quay.io/v2/: unauthorized" in found.error_message


def test_a_password_that_is_not_taken_is_why_the_run_waits(rig, cloud):
    del cloud
    run = rig.submit(asked(rig, login(rig, password="old-one")))
    rig.drain(300)
    rig.tick()
    found = rig.get_run(run)
    assert "is unusable: ContainerInvalidRegistry" in found.wait.reason, found
    assert "old-one" not in found.wait.reason


def test_a_login_that_is_none_is_refused_before_anything_is_made(rig, cloud):
    others, git = login(rig, workspace=7), login(rig, provider="github")
    for id, said in (
        (others, f"{others} not found"),
        ("nobody", "nobody not found"),
        (git, "for github, not"),
    ):
        with pytest.raises(Invalid, match=said) as refused:
            asked(rig, id)
        assert [each.field for each in refused.value.faults] == ["forge.containerRegIds"]
    mine = login(rig)
    environment = rig.environment(forge={**FORGE, "containerRegIds": [mine]})
    rig.world.store.save(rig.world.store.get(Credentials, mine).but(deleted=True))
    rig.drain(60)
    found = rig.get_environment(environment)
    assert (found.status, f"forge.containerRegIds: credentials {mine} not found" in found.message) == (
        "ERRORED",
        True,
    )
    assert cloud.pools() == []
