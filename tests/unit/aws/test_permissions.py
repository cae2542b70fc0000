"""The whole life of an environment with the permissions of each step enforced, and no others.

The blocks are the published ones of the AWS Cloud compute environment. EC2 asks for PassRole when a
machine gets a role, so the launch has that block too.
"""

from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.logs.cloudwatch import AwsLogs
from shared.model import tags
from shared.model.machine import GONE
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud
from shared.steps.taskfiles import files_of
from tests.clock import FakeClock
from tests.contracts.provider_suite import make, order, unmake
from tests.unit.aws.conftest import BUCKET, REGION, environment
from tests.unit.aws.test_check import VALIDATE
from tests.unit.aws.test_forge import CREATE, DISPOSE

FORGED = ["arn:aws:iam::*:role/TowerForge-*", "arn:aws:iam::*:instance-profile/TowerForge-*"]
MACHINES = ["CreateTags", "DeleteTags", "DescribeInstances", "RunInstances", "TerminateInstances"]


def allow(actions: Any, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}


PASS_ROLE = allow(["iam:PassRole"], FORGED[0])
BLOCKS = {
    "create": [allow(CREATE, FORGED), PASS_ROLE, allow(VALIDATE, "*")],
    "launch": [allow([f"ec2:{action}" for action in MACHINES], "*"), PASS_ROLE],
    "logs": [
        allow(["logs:GetLogEvents"], "arn:aws:logs:*:*:log-group:*:log-stream:*"),
        allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/work/*"),
    ],
    "dispose": [allow(DISPOSE, FORGED)],
}


@pytest.fixture
def clients_of(aws: EmulatedAws) -> dict[str, Clients]:
    """Clients for each step, with keys that may do what its block says."""
    found = {}
    for step, statements in BLOCKS.items():
        key = f"AKIA{step.upper():0<16}"
        aws.enforce(key, {"Version": "2012-10-17", "Statement": statements})
        found[step] = Clients({"accessKey": key, "secretKey": "x"}, REGION, tries=1)
    return found


def test_a_life_within_the_published_permissions(
    aws: EmulatedAws, clients_of: dict[str, Clients], bucket: str
) -> None:
    settings, clock = Settings(installation="this"), FakeClock()
    place = environment(spot="first")

    def step(name: str) -> AwsCloud:
        return AwsCloud(place, clients_of[name], settings, clock)

    create = step("create")
    assert create.check() == []
    place = place.but(details=create.details())
    rows = make(create)

    launch = step("launch")
    machine = launch.start(order(launch))
    assert launch.find("run1", 1)
    launch.mark([machine], tags.ORPHAN, "1")
    launch.mark([machine], tags.ORPHAN, None)
    assert [each.id for page in launch.machines() for each in page] == [machine]
    assert launch.stop([machine]) == {}
    assert launch.look([machine])[machine].state == GONE

    boto3.client("s3", REGION).put_object(Bucket=bucket, Key="work/nf-run1.txt", Body=b"log")
    logs = AwsLogs(place, clients_of["logs"])
    run = Run(id="run1", name="r", session_id="s", work_dir=f"s3://{BUCKET}/work")
    assert logs.live(run, Attempt(number=1, offer=launch.offers(run)[0]), "", 10).end
    assert logs.size(run, "nf-run1.txt") == 3
    assert logs.size(run, "absent") is None
    assert logs.read(run, "nf-run1.txt") == b"log"
    unit = f"ab/{30 * 'c'}"
    boto3.client("s3", REGION).put_object(Bucket=bucket, Key=f"work/{unit}/.command.log", Body=b"task")
    files = files_of(run, f"s3://{BUCKET}/work/{unit}", logs)
    assert (files.size(".command.log"), files.size(".command.err")) == (4, None)
    assert files.read(".command.log", 0, 10) == b"task"

    dispose = step("dispose")
    assert dispose.leftovers(unmake(dispose, rows)) == []
    assert [each for each in aws.judge.refusals if each.need.action != "s3:HeadBucket"] == []
