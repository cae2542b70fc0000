"""Environments with the same specification have one set of queues, which goes with the last of them."""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.model.share import Share
from shared.steps import environments
from tests.clock import FakeClock
from tests.scenarios.clouds.aws import REGION
from tests.scenarios.clouds.batch_options import BatchCloud, disposed, made, things
from tests.scenarios.rig import Cut, Knife, Rig, SeededIds, cut_ports

FORGE = {"type": "SPOT", "shareQueues": True}
SHARED = ("BatchJobQueue", "BatchComputeEnvironment", "LaunchTemplate", "IamInstanceProfile")


@pytest.fixture
def cloud(aws: EmulatedAws) -> BatchCloud:
    found = BatchCloud(aws)
    found.forge = FORGE
    return found


@pytest.fixture
def rig(cloud: BatchCloud, tmp_path: Any, clock: FakeClock, request: pytest.FixtureRequest) -> Rig:
    settings = Settings(installation="rig", api_url="http://127.0.0.1:9")
    rig = Rig(tmp_path / "data", settings, clock, SeededIds(request.node.name), cloud)
    keys = rig.credentials()
    rig.credentials = lambda: keys  # type: ignore[method-assign]  # one account for all of them
    return rig


def queues() -> list[str]:
    found = boto3.client("batch", REGION).describe_job_queues()["jobQueues"]
    return sorted(each["jobQueueName"] for each in found)


def shared(environment: Environment) -> set[str]:
    return {row.name for row in environment.resources if row.shared}


def test_two_environments_have_two_queues_together_and_the_last_one_removes_them(
    rig: Rig, cloud: BatchCloud, aws: EmulatedAws
) -> None:
    rig.before = cloud.least(cloud.config())
    one, other = made(rig), made(rig)
    assert (one.status, other.status) == ("AVAILABLE", "AVAILABLE"), other.message
    assert len(queues()) == 2
    assert shared(one) == shared(other)
    run = rig.submit(other)
    rig.drain(0)
    head = aws.batch.jobs.all[rig.get_run(run).last.machine_id]  # type: ignore[union-attr]
    assert head.queue.name in shared(one)
    assert head.tags["headnode:environment"] == other.id

    first = disposed(rig, one)
    assert first.status == "DELETED", first.wait
    assert first.receipt is not None
    assert {each.partition(" ")[0] for each in first.receipt.kept} >= set(SHARED)
    assert all(each.endswith("used by 1 more") for each in first.receipt.kept)
    assert len(queues()) == 2
    assert head.status == "RUNNING"
    cloud.keep(run)
    rig.work(run)
    rig.drain(60)
    last = disposed(rig, other)
    assert last.status == "DELETED", last.wait
    assert last.receipt is not None
    assert last.receipt.kept == ()
    assert cloud.refused() == []
    assert things(aws) == []


@pytest.mark.parametrize(
    "other",
    [
        {"forge": {**FORGE, "maxCpus": 8}},
        {"forge": {"type": "SPOT"}},
        {"labels": {"team": "x"}},
        {"forge": {**FORGE, "allowBuckets": ["s3://more"]}},
    ],
)
def test_another_specification_has_queues_of_its_own(rig: Rig, other: dict[str, Any]) -> None:
    assert not shared(made(rig)) & shared(made(rig, **other))
    assert len(queues()) == 4


def test_two_that_begin_at_once_make_one_set(rig: Rig, aws: EmulatedAws) -> None:
    begun = [rig.environment(name=f"e{number}") for number in range(4)]
    rig.drain(300)
    found = [rig.get_environment(each) for each in begun]
    assert [each.status for each in found] == ["AVAILABLE"] * 4, [each.message for each in found]
    assert len(queues()) == 2
    for each in found:
        environments.dispose_environment(rig.world, each)
    rig.drain(600)
    receipts = [rig.get_environment(each).receipt for each in begun]
    assert all(receipts)
    assert sum(bool(each and not each.kept) for each in receipts) == 1
    assert things(aws) == []


def test_one_that_comes_while_the_last_one_goes_waits_and_says_so(rig: Rig, aws: EmulatedAws) -> None:
    last = made(rig)
    aws.batch.places.looks = 12
    environments.dispose_environment(rig.world, last)
    rig.drain(20)
    assert rig.get_environment(last).status == "DELETING"
    late = made(rig, 10)
    assert late.status == "CREATING"
    assert late.wait is not None
    assert "the shared queues are being removed" in late.wait.reason
    rig.drain(1500)
    assert rig.get_environment(last).status == "DELETED"
    assert rig.get_environment(late).status == "AVAILABLE"
    assert len(queues()) == 2
    assert disposed(rig, late, 1500).status == "DELETED"
    assert things(aws) == []


def test_the_wall_is_counted_without_what_is_there_already(rig: Rig, aws: EmulatedAws) -> None:
    made(rig)
    for number in range(48):
        aws.batch.places.make("job-queue", REGION, f"other-{number}", {})
    assert made(rig).status == "AVAILABLE"
    refused = made(rig, forge={**FORGE, "maxCpus": 4})
    assert "2 job queues are needed and 0 of 50 are left" in refused.message


def test_a_member_that_failed_to_be_made_does_no_harm(rig: Rig, aws: EmulatedAws) -> None:
    one = made(rig)
    aws.faults.add("batch", "RegisterJobDefinition", kind="denied", times=1)
    broken = made(rig)
    assert broken.status == "ERRORED"
    assert disposed(rig, broken).status == "DELETED"
    assert len(queues()) == 2
    assert disposed(rig, one).status == "DELETED"
    assert things(aws) == []


def test_the_last_one_removes_also_what_it_never_came_to_make_itself(rig: Rig, aws: EmulatedAws) -> None:
    one = made(rig)
    aws.faults.add("iam", "CreateRole", kind="denied", times=1)
    broken = made(rig)
    assert broken.status == "ERRORED"
    assert [row.state for row in broken.resources if row.type == "BatchJobQueue"] == ["planned", "planned"]
    assert disposed(rig, one).status == "DELETED"
    assert len(queues()) == 2
    ended = disposed(rig, broken)
    assert ended.status == "DELETED", ended.wait
    assert things(aws) == []


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_of_a_shared_life_one_set_is_made_and_removed(
    rig: Rig, aws: EmulatedAws, after: bool
) -> None:
    """Two join and leave; the process is killed at every seventh write to store and queue in turn."""
    for at in range(1, 86, 7):
        knife = Knife(at=at, after=after)
        rig.wrap = lambda world, knife=knife: cut_ports(world, knife)
        rig.restart()
        for act in (lambda: [made(rig, 120), made(rig, 120)], lambda: everything_goes(rig)):
            try:
                act()
            except Cut:
                knife.armed = False
                rig.restart()
                rig.drain(900)
        everything_goes(rig)
        assert things(aws) == [], at
        assert knife.count >= at


def everything_goes(rig: Rig) -> None:
    """Disposes of all environments there are."""
    listed = rig.world.store.find(Environment, "live", "all").items
    for each in listed:
        environments.dispose_environment(rig.world, each)
    rig.drain(900)
    left = rig.world.store.find(Environment, "live", "all").items
    assert left == (), [(each.status, each.wait) for each in left]


def test_nothing_is_remembered_of_a_share_that_is_gone(rig: Rig) -> None:
    environment = made(rig)
    (id,) = {row.shared for row in environment.resources if row.shared}
    assert rig.world.store.get(Share, id).members == (environment.id,)  # type: ignore[union-attr]
    disposed(rig, environment)
    assert rig.world.store.get(Share, id) is None
