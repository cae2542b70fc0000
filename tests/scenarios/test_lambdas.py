"""The deployed control plane: the translated template in the emulated AWS, and its six functions, from
their archives, under AWS's own runtime client. A whole life on real machines leaves the same records
as on the one-machine host."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from infra import package
from local.serve import Host
from shared.model.message import Message, from_text, to_text
from shared.queues.sqs import SqsQueue
from tests.lambda_host import LambdaHost, dumped, event, sqs_event
from tests.lambda_runtime import FunctionError

REGION = "eu-west-1"
TOKEN = base64.b64encode(b'{"tid":1}.' + b"5e" * 32).decode()
KEYS = {"accessKey": "AKIALAMBDASLAMBDAS00", "secretKey": "canary-of-the-lambdas"}
AWS_KEYS = {"discriminator": "aws", **KEYS}
AWS_CONFIG = {"discriminator": "aws-cloud", "region": REGION, "workDir": "s3://lambda-work/work"}
PACE = {
    "heartbeat": 1.0,
    "look_again": 1.0,
    "sweep_every": 2.0,
    "orphan_grace": 4.0,
    "cancel_grace": 1.0,
}
STATE = {"instance-id": "i-0123", "state": "terminated"}
WARNING = {"instance-id": "i-0123", "instance-action": "terminate"}
SCRIPT = "#!/bin/sh\necho one\necho two\nexit ${STATUS:-0}\n"

pytestmark = pytest.mark.xdist_group("archives")


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

    def life(
        self, pipeline: Path, keys: dict[str, str] = AWS_KEYS, config: dict[str, str] = AWS_CONFIG
    ) -> dict[str, Any]:
        """Credentials; an environment in the host's own account; a run that succeeds and one that
        fails; disposal. Every record."""
        credentials = {"name": "keys", "provider": keys["discriminator"], "keys": keys}
        assert self("POST", "/credentials", {"credentials": credentials})["credentialsId"]
        asked = {"name": "lambdas", "platform": config["discriminator"], "config": config}
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
def cloud(aws_with_machines, tmp_path) -> Iterator[Any]:
    """An emulated AWS with machines, a work bucket, and a pipeline that machines can read."""
    boto3.client("s3", region_name=REGION).create_bucket(
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
def deploy(aws, monkeypatch, archives, unpacked) -> Iterator[Callable[..., LambdaHost]]:
    """Makes the stack and starts its functions, or only some."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    host = LambdaHost(aws, package.rendered_template("3.13", "arm64"), archives, unpacked)
    speeds = {f"HEADNODE_{name.upper()}": str(value) for name, value in PACE.items()}
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    yield lambda *only, **more: host.start(
        {**speeds, **more}, only=only or package.FUNCTIONS, FirstTokenHash=token
    )
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


def test_a_life_is_the_same_as_on_one_machine(deploy: Any, cloud: Any, tmp_path: Path) -> None:
    lambdas = deploy()
    deployed = Client(lambdas.url, lambdas.wait).life(tmp_path / "pipeline")
    assert lambdas.errors == [], lambdas.logs()
    # A bucket's region is asked without credentials: its answer is a refusal that names the region.
    assert {(each.principal, each.need.action) for each in cloud.judge.refusals} <= {
        ("anonymous", "s3:HeadBucket")
    }
    assert KEYS["secretKey"] not in lambdas.logs()
    assert TOKEN not in lambdas.logs()
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


def printed(function: Any, **wanted: Any) -> list[dict[str, Any]]:
    """The lines of a function's log that have these values; they arrive a moment after its answer."""

    def look() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]
        return [each for each in found if wanted.items() <= each.items()]

    found: list[dict[str, Any]] = patiently(look, 10)
    return found


def test_a_failed_record_goes_back_alone(deploy: Any, aws: Any) -> None:
    launch = deploy("launch").functions["launch"]
    parked_as = hashlib.sha256(b"first is no message").hexdigest()[:22]
    aws.faults.add("dynamodb", "BatchWriteItem", lambda call: parked_as in str(call.params), "denied", None)
    answer = launch.invoke(sqs_event("first is no message", "second is none"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    [metrics] = printed(launch, service="headnode", Park=[1.0])
    assert metrics["Failed"] == [1.0]
    assert printed(launch, level="ERROR", correlation_id="0")
    aws.faults.clear()
    assert launch.invoke(sqs_event("first is no message")) == {"batchItemFailures": []}


def test_the_subject_correlates_the_lines_of_a_step(deploy: Any, aws: Any) -> None:
    dispose = deploy("dispose").functions["dispose"]
    aws.faults.add("dynamodb", "GetItem", None, "ResourceNotFoundException", None)
    text = to_text(Message(step="dispose", subject="environment-of-mine"))
    assert dispose.invoke(sqs_event(text)) == {"batchItemFailures": []}
    assert printed(dispose, message="step failed", correlation_id="environment-of-mine")


def test_a_failed_tick_raises_and_a_machines_event_comes_again(deploy: Any, aws: Any) -> None:
    host = deploy("reap")
    reap = host.functions["reap"]
    tick = event("aws.events", "Scheduled Event", {}, "arn:aws:events:eu-west-1:123456789012:rule/tick")
    change = event("aws.ec2", "EC2 Instance State-change Notification", STATE, "arn:aws:ec2:eu-west-1:1:i")
    warning = event("aws.ec2", "EC2 Spot Instance Interruption Warning", WARNING, "arn:aws:ec2:eu-west-1a:i")
    assert [reap.invoke(each) for each in (tick, change, warning)] == [None, None, None]
    aws.faults.add("dynamodb", "Query", None, "denied", None)
    with pytest.raises(FunctionError, match="the tick failed"):
        reap.invoke(tick)
    assert [reap.invoke(each) for each in (change, warning)] == [None, None]
    waiting = SqsQueue({"reap": host.stack.ids["ReapQueue"]})
    later = patiently(lambda: [from_text(each.text) for each in waiting.receive(["reap"])], 10)
    while len(later) < 2:
        later += [from_text(each.text) for each in waiting.receive(["reap"])]
    assert sorted((each.subject, str(each.facts), each.tries) for each in later) == [
        ("machine:i-0123", "{'notice': 'terminate'}", 1),
        ("machine:i-0123", "{'state': 'terminated'}", 1),
    ]
    with pytest.raises(FunctionError, match="KeyError"):
        reap.invoke(event("aws.s3", "Object Created", {}, "arn:aws:s3:::bucket"))


def test_tracing_needs_no_daemon(deploy: Any) -> None:
    host = deploy("reap", POWERTOOLS_TRACE_DISABLED="false", AWS_XRAY_DAEMON_ADDRESS="127.0.0.1:9")
    host.tick()
    host.tick()
    assert host.errors == []


def test_the_api_gives_bytes_knows_its_first_token_and_its_limits(deploy: Any) -> None:
    host = deploy("api")
    program = httpx.get(f"{host.url}/api/headnode/runner.pyz")
    assert program.headers["etag"] == f'"{hashlib.sha256(program.content).hexdigest()}"'
    assert program.content.startswith(b"PK")
    for token, status in ((TOKEN, 200), (TOKEN[:-8] + "AAAAAAA=", 401)):
        answer = httpx.get(f"{host.url}/user-info", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, answer.text
    here = {"name": "here", "platform": "local-platform", "config": {"workDir": "/work"}}
    user = {"Authorization": f"Bearer {TOKEN}"}
    refused = httpx.post(f"{host.url}/compute-envs", json={"computeEnv": here}, headers=user)
    assert refused.status_code == 400
    assert "local-platform cannot be used from this host" in refused.json()["message"]
    assert host.functions["api"].log.count("Traceback") == 0
