"""The deployed control plane: the translated template in the emulated AWS, and its six functions, from
their archives, under AWS's own runtime client. A whole life on real machines leaves the same records
as on the one-machine host."""

import base64
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from infra import package
from local.serve import Host
from tests.lambda_host import LambdaHost, dumped

REGION = "eu-west-1"
TOKEN = base64.b64encode(b'{"tid":1}.' + b"5e" * 32).decode()
KEYS = {"accessKey": "AKIALAMBDASLAMBDAS00", "secretKey": "canary-of-the-lambdas"}
PACE = {
    "heartbeat": 1.0,
    "look_again": 1.0,
    "sweep_every": 2.0,
    "orphan_grace": 4.0,
    "cancel_grace": 1.0,
}
SCRIPT = "#!/bin/sh\necho one\necho two\nexit ${STATUS:-0}\n"

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="machines need bubblewrap"),
    pytest.mark.xdist_group("archives"),
]


class Client:
    """A user of the API, on whichever host."""

    def __init__(self, url: str, wait: Callable[..., Any]) -> None:
        self.wait = wait
        self._url = url

    def __call__(self, method: str, path: str, body: Any = None, expect: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.request(method, f"{self._url}{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code == (expect or 200) or (expect is None and answer.is_success), answer.text
        return answer.json() if answer.content else None

    def until(self, path: str, *statuses: str) -> Any:
        """The record once it has one of these statuses."""

        def look() -> Any:
            found = self("GET", path)
            return found if found["status"] in statuses else None

        return self.wait(look)

    def life(self, pipeline: Path) -> dict[str, Any]:
        """Credentials, an environment, a run that succeeds, one that fails, disposal: every record."""
        credentials = {"name": "keys", "provider": "aws", "keys": {"discriminator": "aws", **KEYS}}
        owner = self("POST", "/credentials", {"credentials": credentials})["credentialsId"]
        config = {"discriminator": "aws-cloud", "region": REGION, "workDir": "s3://lambda-work/work"}
        asked = {"name": "lambdas", "platform": "aws-cloud", "credentialsId": owner, "config": config}
        id = self("POST", "/api/compute-envs", {"computeEnv": asked})["computeEnvId"]
        self.until(f"/headnode/environments/{id}", "AVAILABLE", "ERRORED")
        submitted: dict[str, str] = {}
        for name, before in (("good", ""), ("bad", "export STATUS=3")):
            launch = {"computeEnvId": id, "pipeline": str(pipeline), "mainScript": "main.sh"}
            launch |= {"runName": name, "preRunScript": before}
            submitted[name] = self("POST", "/workflow/launch", {"launch": launch})["workflowId"]
        found: dict[str, Any] = {}
        for name, run in submitted.items():
            found[name] = self.until(f"/headnode/runs/{run}", "SUCCEEDED", "FAILED", "CANCELLED")
            found[f"{name} log"] = self("GET", f"/workflow/{run}/log")["log"]["entries"]
        self("DELETE", f"/compute-envs/{id}")
        found["environment"] = self.until(f"/headnode/environments/{id}", "DELETED")
        found["parked"] = self("GET", "/headnode/parked")
        return found


@pytest.fixture
def cloud(aws_with_machines, tmp_path, monkeypatch) -> Iterator[Any]:
    """An emulated AWS with machines, a work bucket, and a pipeline that machines can read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    boto3.client("s3").create_bucket(
        Bucket="lambda-work", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    pipeline = tmp_path / "pipeline"
    pipeline.mkdir()
    (pipeline / "main.sh").write_text(SCRIPT)
    (pipeline / "main.sh").chmod(0o755)
    aws_with_machines.room.share = [pipeline]
    yield aws_with_machines
    aws_with_machines.room.share = []


@pytest.fixture
def lambdas(cloud, archives, unpacked) -> Iterator[LambdaHost]:
    """The stack, and its functions."""
    host = LambdaHost(cloud, package.rendered_template("3.13", "arm64"), archives, unpacked)
    speeds = {f"HEADNODE_{name.upper()}": str(value) for name, value in PACE.items()}
    try:
        yield host.start(speeds, FirstTokenHash=hashlib.sha256(TOKEN.encode()).hexdigest())
    finally:
        host.stop()


def patiently(what: Callable[[], Any], within: float = 60.0) -> Any:
    """For a host that works by itself."""
    end = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < end, f"did not happen within {within} s"
        time.sleep(0.1)
    return found


IDS = (
    r"http://127\.0\.0\.1:\d+",
    r"i-[0-9a-f]{17}",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\b[0-9A-Za-z]{22}\b",
    r"\b[0-9A-Za-z]{16}\b",
)
CHANGING = ("generation", "updated_at", "wait", "boot_secret", "missing_at")


def normalised(value: Any, names: dict[str, str]) -> Any:
    """A record without what differs between any two lives: times, ids, counts of writes."""
    if isinstance(value, dict):
        return {key: normalised(each, names) for key, each in value.items() if key not in CHANGING}
    if isinstance(value, list):
        return [normalised(each, names) for each in value]
    if isinstance(value, float):
        return "time" if value > 1e9 else value
    if isinstance(value, str):
        # The machine powers itself off while the reaper asks for its end: either may be first.
        value = re.sub(r"Client\.\w+InitiatedShutdown", "ended", value)
        for pattern in IDS:
            value = re.sub(pattern, lambda found: names.setdefault(found[0], f"id-{len(names)}"), value)
    return value


def lines(records: dict[str, Any]) -> list[str]:
    """For a readable difference."""
    return dumped(normalised(records, {})).splitlines()


def test_a_life_is_the_same_as_on_one_machine(lambdas: LambdaHost, cloud: Any, tmp_path: Path) -> None:
    deployed = Client(lambdas.url, lambdas.wait).life(tmp_path / "pipeline")
    assert lambdas.errors == [], lambdas.logs()
    # A bucket's region is asked without credentials: its answer is a refusal that names the region.
    refused = [each for each in cloud.journal.entries() if each.status in (401, 403)]
    assert {(each.principal, each.action) for each in refused} <= {("anonymous", "HeadBucket")}
    lambdas.stop()
    with Host(tmp_path / "data", token=TOKEN, settings=PACE, environ={}) as host:
        here = Client(host.url, patiently).life(tmp_path / "pipeline")
    assert lines(deployed) == lines(here)
    assert (deployed["good"]["status"], deployed["bad"]["status"]) == ("SUCCEEDED", "FAILED")
    assert deployed["bad"]["exit_status"] == 3
    said = [line for line in deployed["good log"] if not line.startswith("headnode: ")]
    assert said == ["one", "two"]
    assert deployed["environment"]["receipt"]["left"] == []
    assert deployed["parked"]["parked"] == []
