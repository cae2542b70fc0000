"""Who we are in somebody's account, and how clients are made and kept."""

import json
import subprocess
import sys
import threading
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Forbidden, Refused
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.providers.aws.clients import Clients, models
from shared.providers.aws.cloud import AwsCloud
from tests.clock import FakeClock
from tests.unit.aws.conftest import REGION, environment

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
KEYS = {"accessKey": "AKIATHEIRS0000000000", "secretKey": "canary-secret"}


def look(clients: Clients, installation: str = "this", at: Environment | None = None) -> None:
    """One harmless call."""
    cloud = AwsCloud(at or environment(), clients, Settings(installation=installation), FakeClock())
    assert list(cloud.machines()) == [[]] or list(cloud.machines()) == []


@pytest.fixture
def role(aws: EmulatedAws) -> str:
    """A role that trusts anybody of its account and may look at machines."""
    iam = boto3.client("iam")
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="theirs",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    allowed = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    iam.put_role_policy(
        RoleName="theirs",
        PolicyName="look",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    return ROLE


def callers(aws: EmulatedAws, action: str) -> set[str]:
    return {entry.principal for entry in aws.journal.entries("*", action)}


def test_the_hosts_own_credentials(aws: EmulatedAws) -> None:
    look(Clients(None, REGION, tries=1))
    look(Clients({}, REGION, tries=1))
    assert callers(aws, "DescribeInstances") == {f"arn:aws:iam::{ACCOUNT}:user/AKIAEMULATED00000000"}


def test_access_keys(aws: EmulatedAws) -> None:
    look(Clients(KEYS, REGION, tries=1))
    assert callers(aws, "DescribeInstances") == {f"arn:aws:iam::{ACCOUNT}:user/{KEYS['accessKey']}"}


@pytest.mark.parametrize(
    ("credentials", "caller"),
    [
        ({**KEYS, "assumeRoleArn": ROLE}, KEYS["accessKey"]),
        ({**KEYS, "assumeRoleArn": ROLE, "mode": "role"}, "AKIAEMULATED00000000"),
        ({"assumeRoleArn": ROLE, "mode": "role"}, "AKIAEMULATED00000000"),
    ],
)
def test_a_role_is_assumed_once_and_then_used(
    aws: EmulatedAws, role: str, credentials: dict[str, str], caller: str
) -> None:
    clients = Clients({**credentials, "externalId": "their-id"}, REGION, installation="this", tries=1)
    look(clients)
    look(clients)
    [assumed] = aws.journal.entries("sts", "AssumeRole")
    assert assumed.principal == f"arn:aws:iam::{ACCOUNT}:user/{caller}"
    assert assumed.params["RoleArn"] == ROLE
    assert assumed.params["ExternalId"] == "their-id"
    assert assumed.params["RoleSessionName"] == "headnode-this"
    assert callers(aws, "DescribeInstances") == {f"arn:aws:sts::{ACCOUNT}:assumed-role/theirs/session"}


def test_assuming_without_an_external_id_sends_none(aws: EmulatedAws, role: str) -> None:
    look(Clients({**KEYS, "assumeRoleArn": ROLE}, REGION, tries=1))
    [assumed] = aws.journal.entries("sts", "AssumeRole")
    assert "ExternalId" not in assumed.params


def test_a_role_that_does_not_trust_us_is_named(aws: EmulatedAws) -> None:
    with pytest.raises(Forbidden) as refused:
        look(Clients({**KEYS, "assumeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/stranger"}, REGION, tries=1))
    assert refused.value.action == "sts:AssumeRole"


def test_a_host_without_credentials_says_so(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    for credentials in (None, {"assumeRoleArn": ROLE}):
        with pytest.raises(Refused, match="no usable AWS credentials"):
            look(Clients(credentials, REGION, tries=1))


def test_reads_are_repeated_and_the_ask_is_not(aws: EmulatedAws) -> None:
    clients = Clients(None, REGION, tries=2)
    aws.faults.add("ec2", "DescribeInstances", kind="reset-before")
    look(clients)
    assert clients.ec2.meta.config.retries["total_max_attempts"] == 2
    assert clients.ec2_once.meta.config.retries["total_max_attempts"] == 1


def test_each_client_is_made_once_also_by_many_threads(aws: EmulatedAws) -> None:
    clients = Clients(None, REGION)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(clients.ec2)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert clients.ec2 is not clients.ec2_once


def test_the_sdks_models_are_read_once_for_all(aws: EmulatedAws, role: str) -> None:
    found = [Clients(KEYS, REGION), Clients({**KEYS, "assumeRoleArn": ROLE}, "us-east-1")]
    assert all(each._session.get_component("data_loader") is models() for each in found)


def test_secrets_are_not_shown(aws: EmulatedAws) -> None:
    clients = Clients(KEYS, REGION)
    assert "canary" not in repr(clients)
    assert "canary" not in repr(AwsCloud(environment(), clients, Settings(installation="i"), FakeClock()))


def test_scopes_tell_credentials_and_regions_apart(aws: EmulatedAws) -> None:
    def scope(clients: Clients, **changes: Any) -> str:
        at = environment().but(**changes)
        mark = aws.journal.count
        found = AwsCloud(at, clients, Settings(installation="this"), FakeClock()).scope()
        assert aws.journal.count == mark
        return found

    own = scope(Clients(None, REGION))
    assert own == scope(Clients(None, REGION), id="other", name="other")
    keys = scope(Clients(KEYS, REGION), credentials_id="c1")
    assumed = scope(Clients({**KEYS, "assumeRoleArn": ROLE}, REGION), credentials_id="c1")
    far = scope(Clients(None, "us-east-1"), config={"region": "us-east-1"})
    assert len({own, keys, assumed, far}) == 4
    assert "canary" not in keys


def test_answers_are_remembered_for_a_while_and_not_for_ever() -> None:
    clients = Clients(None, REGION)
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    assert clients.remember("k", 100.0, 10.0, ask) == 1
    assert clients.remember("k", 109.0, 10.0, ask) == 1
    assert clients.remember("k", 110.0, 10.0, ask) == 2
    assert clients.remember("k", 50.0, 10.0, ask) == 3
    clients.forget("k")
    assert clients.remember("k", 50.0, 10.0, ask) == 4
    for number in range(2000):
        clients.remember(str(number), 50.0, 10.0, ask)
    assert len(clients._memory) == 1000


def test_importing_the_platform_loads_no_sdk() -> None:
    program = (
        "import sys, shared.providers.aws.wired as w, shared.model.settings as s\n"
        "w.clients(None, 'eu-west-1', s.Settings(installation='i'))\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('boto3', 'botocore', 'azure')))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"
