"""Listing, looking, stopping and marking, in batches and only what is ours."""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Forbidden, Throttled
from shared.model import tags
from shared.model.environment import Environment
from shared.model.machine import GONE, RUNNING, STOPPING
from shared.model.settings import Settings
from shared.providers.aws import machines
from shared.providers.aws.account import Account
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud
from tests.clock import FakeClock
from tests.unit.aws.conftest import REGION, Bind, environment


@pytest.fixture
def ec2(aws: EmulatedAws) -> Any:
    return boto3.client("ec2", REGION)


@pytest.fixture
def cloud(bind: Bind) -> AwsCloud:
    return bind()


def started(ec2: Any, count: int = 1, installation: str | None = "this", **more: str) -> list[str]:
    """Instances as we would have started them."""
    image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0][
        "ImageId"
    ]
    found = {tags.INSTALLATION: installation, **more}
    pairs = [{"Key": key, "Value": value} for key, value in found.items() if value is not None]
    specification = {"TagSpecifications": [{"ResourceType": "instance", "Tags": pairs}]} if pairs else {}
    answer = ec2.run_instances(
        ImageId=image, InstanceType="m6i.large", MinCount=count, MaxCount=count, **specification
    )
    return [each["InstanceId"] for each in answer["Instances"]]


def state(ec2: Any, machine: str) -> str:
    answer = ec2.describe_instances(InstanceIds=[machine])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


def test_a_stopped_instance_is_on_its_way_out_and_can_be_removed(ec2: Any, cloud: AwsCloud) -> None:
    [machine] = started(ec2)
    ec2.stop_instances(InstanceIds=[machine])
    assert [each.state for page in cloud.machines() for each in page] == [STOPPING]
    assert cloud.stop([machine]) == {}
    assert cloud.look([machine])[machine].state == GONE


def test_what_lacks_our_tag_is_left_alone_and_said(ec2: Any, cloud: AwsCloud) -> None:
    [ours], [bare] = started(ec2), started(ec2, installation=None)
    [theirs] = started(ec2, installation="that")
    refused = cloud.stop([bare, ours, theirs])
    assert refused == {theirs: machines.NOT_OURS, bare: machines.NOT_OURS}
    assert state(ec2, ours) != "running"
    assert state(ec2, theirs) == state(ec2, bare) == "running"
    assert set(cloud.look([ours, theirs, bare])) == {ours}


@pytest.mark.parametrize("installation", ["*", "thi?", "th*"])
def test_wildcards_in_an_installations_name_match_nothing_else(
    ec2: Any, clients: Clients, installation: str
) -> None:
    started(ec2)
    cloud = AwsCloud(environment(), clients, Settings(installation=installation), FakeClock())
    assert [each for page in cloud.machines() for each in page] == []


def test_many_machines_are_stopped_in_few_calls(
    ec2: Any, aws: EmulatedAws, cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "FILTER_VALUES", 20)
    monkeypatch.setattr(machines, "BATCH", 50)
    ids = started(ec2, 51)
    before = aws.journal.count
    assert cloud.stop([*ids, *ids[:5]]) == {}
    assert aws.journal.totals(since=before) == {"ec2:DescribeInstances": 3, "ec2:TerminateInstances": 2}
    assert [each for page in cloud.machines() for each in page] == []


def test_pages_hold_a_thousand_at_most(
    ec2: Any, aws: EmulatedAws, cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machines.PAGE == 1000
    monkeypatch.setattr(machines, "PAGE", 50)
    ids = {machine for _ in range(3) for machine in started(ec2, 40)}
    found = [[each.id for each in page] for page in cloud.machines()]
    assert all(len(page) <= machines.PAGE for page in found)
    assert {machine for page in found for machine in page} == ids


def test_one_bad_id_does_not_spare_its_batch(ec2: Any, aws: EmulatedAws, cloud: AwsCloud) -> None:
    ids = started(ec2, 8)
    bad = ids[5]
    aws.faults.add(
        "ec2",
        "TerminateInstances",
        lambda call: bad in call.params.values(),
        "OperationNotPermitted",
        times=None,
        message="The instance may not be terminated.",
    )
    refused = cloud.stop(ids)
    assert list(refused) == [bad]
    assert "may not be terminated" in refused[bad]
    assert [machine for machine in ids if state(ec2, machine) == "running"] == [bad]


def test_an_id_that_vanishes_between_look_and_stop_is_gone(
    ec2: Any, aws: EmulatedAws, cloud: AwsCloud
) -> None:
    ids = started(ec2, 4)
    gone = ids[0]
    aws.faults.add(
        "ec2",
        "TerminateInstances",
        lambda call: gone in call.params.values(),
        "InvalidInstanceID.NotFound",
        times=None,
    )
    assert cloud.stop(ids) == {}
    assert [machine for machine in ids if state(ec2, machine) == "running"] == [gone]


def test_a_missing_permission_is_said_at_once(ec2: Any, aws: EmulatedAws, cloud: AwsCloud) -> None:
    ids = started(ec2, 16)
    aws.faults.add("ec2", "TerminateInstances", kind="denied", times=None)
    before = aws.journal.count
    with pytest.raises(Forbidden) as refused:
        cloud.stop(ids)
    assert refused.value.action == "ec2:TerminateInstances"
    assert aws.journal.totals(since=before)["ec2:TerminateInstances"] == 1


def test_throttling_is_for_the_caller_to_wait_out(ec2: Any, aws: EmulatedAws, cloud: AwsCloud) -> None:
    [machine] = started(ec2)
    aws.faults.add("ec2", "*", kind="throttle")
    with pytest.raises(Throttled):
        cloud.stop([machine])
    assert cloud.stop([machine]) == {}


def test_nothing_is_asked_of_machines_that_are_gone(ec2: Any, aws: EmulatedAws, cloud: AwsCloud) -> None:
    [machine] = started(ec2)
    cloud.stop([machine])
    before = aws.journal.count
    assert cloud.stop([machine]) == {}
    cloud.mark([machine], tags.ORPHAN, "1")
    assert set(aws.journal.totals(since=before)) == {"ec2:DescribeInstances"}


def test_tags_that_people_spoiled_read_as_absent(ec2: Any, cloud: AwsCloud) -> None:
    spoiled = {tags.ATTEMPT: "two", tags.DEADLINE: "nan", tags.HOLD: "-5", tags.ORPHAN: "inf"}
    [machine] = started(ec2, **spoiled)
    shown = cloud.look([machine])[machine]
    assert (shown.attempt, shown.deadline, shown.hold_until, shown.orphan_since) == (0, 0.0, 0.0, 0.0)


def instance(name: str, code: str) -> Any:
    return {"InstanceId": "i-1", "State": {"Name": name}, "StateReason": {"Code": code}}


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("Server.SpotInstanceTermination", True),
        ("Server.InternalError", True),
        ("Server.InsufficientInstanceCapacity", True),
        ("Server.ScheduledStop", True),
        ("Client.InstanceInitiatedShutdown", False),
        ("Client.UserInitiatedShutdown", False),
        ("Client.InternalError", False),
        ("", False),
    ],
)
def test_who_ended_it(code: str, taken: bool) -> None:
    shown = machines.to_machine(instance("terminated", code))
    assert (shown.state, shown.reason, shown.interrupted) == (GONE, code, taken)


def test_a_spot_machine_that_was_taken_back(ec2: Any, aws: EmulatedAws, cloud: AwsCloud) -> None:
    [machine] = started(ec2)
    assert cloud.look([machine])[machine].state == RUNNING
    aws.fail(machine)
    shown = cloud.look([machine])[machine]
    assert (shown.state, shown.interrupted) == (GONE, True)


def test_find_prefers_the_machine_that_lives(ec2: Any, cloud: AwsCloud) -> None:
    mine = {tags.RUN: "r", tags.ATTEMPT: "1"}
    [old], [new] = started(ec2, **mine), started(ec2, **mine)
    cloud.stop([old])
    found = cloud.find("r", 1)
    assert found is not None
    assert found.id == new


def test_names_of_the_account_hold_the_environments_id() -> None:
    account = Account(
        Environment(id="e1", name="n", platform="aws-cloud", config={"forgePrefix": "Mine"}),
        Clients(None, REGION),
        Settings(installation="this"),
        FakeClock(),
    )
    assert (account.role_name, account.profile_name) == ("Mine-e1-InstanceRole", "Mine-e1-InstanceProfile")
