"""A machine on (emulated) AWS: lines in CloudWatch, files and checkpoints in S3, keys from its role."""

import datetime
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from shared.logs.cloudwatch import AwsLogs
from shared.model.environment import Environment
from shared.providers.aws.clients import Clients
from shared.providers.local import rootfs
from shared.providers.local.sandbox import Sandbox
from shared.runner.aws import Aws
from shared.runner.errors import Denied, Failed
from shared.runner.imds import Metadata
from shared.runner.s3 import PART, SINGLE, Bucket
from shared.runner.sigv4 import Keys, signed
from tests.unit.runner.reader import reader, tell
from tests.unit.runner.world import RUN, SESSION, Stage, ends, path_with, stage, until

GROUP, STREAM = "/headnode/test", f"{RUN}/1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(service: str, aws: str) -> Any:
    return boto3.client(
        service, "us-east-1", endpoint_url=aws, aws_access_key_id="AKIATEST", aws_secret_access_key="secret"
    )


@pytest.fixture
def bucket(aws: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    resource = boto3.resource(
        "s3", region_name="us-east-1", endpoint_url=aws, aws_access_key_id="a", aws_secret_access_key="b"
    )
    made = resource.Bucket("work-bucket")
    made.create()
    yield made
    for group in client("logs", aws).describe_log_groups()["logGroups"]:
        client("logs", aws).delete_log_group(logGroupName=group["logGroupName"])
    made.objects.delete()
    made.delete()


@pytest.fixture
def the(tmp_path: Path, sandbox: Sandbox, aws: str, bucket: Any) -> Iterator[Stage]:
    with stage(tmp_path, sandbox, aws) as made:
        tools = tmp_path / "tools"
        tools.mkdir()
        shutil.copy(Path(__file__).with_name("fake_nextflow.py"), tools / "nextflow")
        (tools / "nextflow").chmod(0o755)
        made.environment["PATH"] = path_with(tools)
        yield made


def cloud(the: Stage, **changes: Any) -> None:
    """Asks for a Nextflow run on AWS."""
    logs = {"kind": "cloudwatch", "group": GROUP, "stream": f"{RUN}/{the.attempt}", "region": "us-east-1"}
    pipeline = the.root / "nf"
    pipeline.mkdir(exist_ok=True)
    given = {"engine": "nextflow", "pipeline": str(pipeline), "work_dir": "s3://work-bucket/some/prefix"}
    environment = {"WHO": f"machine {the.attempt}", "HEADNODE_ENGINE": "host"}
    the.asks(**{**given, "environment": environment, "logs": logs, "params": {"tasks": 3}, **changes})


def lines(aws: str, stream: str = STREAM) -> list[tuple[int, str]]:
    logs = client("logs", aws)
    try:
        page = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [(event["timestamp"], event["message"]) for event in page["events"]]


def text(bucket: Any, name: str) -> str:
    return bucket.Object(f"some/prefix/{name}").get()["Body"].read().decode()


def names(bucket: Any) -> set[str]:
    return {each.key.removeprefix("some/prefix/") for each in bucket.objects.all()}


def test_a_nextflow_run(the: Stage, aws: str, bucket: Any) -> None:
    cloud(the, files={"nf-1.config": "a", "nf-2.config": "b"}, args=["-profile", "test"], revision="main")
    ends(the.boots())
    assert (the.control.end["exit_status"], the.control.end["error"]) == (0, "")
    (group,) = client("logs", aws).describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 30
    said = [message for _, message in lines(aws) if not message.startswith("headnode: ")]
    assert said[1:] == [
        "task 0: running",
        "task 0: made",
        "task 1: running",
        "task 1: made",
        "task 2: running",
        "task 2: made",
    ]
    words = said[0].split()
    assert words[:7] == [
        "arguments:",
        "-log",
        f"nf-{RUN}.log",
        "run",
        str(the.root / "nf"),
        "-name",
        "happy_euler",
    ]
    assert words[words.index("-c") :][:4] == ["-c", "nf-1.config", "-c", "nf-2.config"]
    assert words[-4:] == ["-with-tower", f"{the.control.url}/api", "-profile", "test"]
    assert "-resume" not in words
    stamps = [stamp for stamp, _ in lines(aws)]
    assert stamps == sorted(set(stamps))
    assert names(bucket) >= {
        f"nf-{RUN}.txt",
        f"nf-{RUN}.log",
        f"timeline-{RUN}.html",
        f"nf-{RUN}-report.html",
        f"nf-{RUN}.exit",
        f"results/{RUN}/done.txt",
        f".headnode/{SESSION}/work/02/{2:030x}.tar.gz",
        f".headnode/{SESSION}/nextflow.tar.gz",
    }
    assert "task 2: made" in text(bucket, f"nf-{RUN}.txt").splitlines()


def test_a_failed_task_fails_the_run_and_is_not_kept(the: Stage, bucket: Any) -> None:
    cloud(the, params={"tasks": 3, "fail": "1"})
    ends(the.boots())
    assert the.control.end["exit_status"] == 1
    kept = {name for name in names(bucket) if name.endswith(f"{0:030x}.tar.gz") or f"{1:030x}" in name}
    state = f".headnode/{SESSION}"
    assert kept == {f"{state}/work/00/{0:030x}.tar.gz", f"{state}/logs/01/{1:030x}.tar.gz"}


def source() -> AwsLogs:
    """What the control plane reads with."""
    place = Environment(id="e", name="e", platform="aws-cloud", config={})
    return AwsLogs(place, Clients({"accessKey": "AKIATEST", "secretKey": "secret"}, "us-east-1"))


def test_what_its_tasks_printed_can_be_read_when_the_machine_is_gone(
    the: Stage, aws: str, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud(the, params={"tasks": 3, "fail": "1"})
    ends(the.boots())
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    front, run = reader(the.root, source(), "s3://work-bucket/some/prefix")
    well = tell(front, run, 1, f"/var/lib/headnode/work/00/{0:030x}")
    assert (well["entries"], well["pending"]) == (["task 0 begins", "well done"], False)
    failed = tell(front, run, 2, f"/var/lib/headnode/work/01/{1:030x}", "FAILED")
    assert failed["entries"] == ["task 1 begins", "boom"]
    status = front.call("GET", f"/workflow/{run}/download/2?fileName=.exitcode")
    assert (status.status_code, status.text) == (200, "1")
    assert tell(front, run, 3, f"/var/lib/headnode/work/02/{2:030x}")["entries"] == []


def test_what_a_task_at_work_has_printed_can_be_read(
    the: Stage, aws: str, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud(the, params={"tasks": 1, "pause": 600})
    machine = the.boots()
    until(lambda: f".headnode/{SESSION}/logs/00/{0:030x}.tar.gz" in names(bucket))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    front, run = reader(the.root, source(), "s3://work-bucket/some/prefix")
    shown = tell(front, run, 1, f"/var/lib/headnode/work/00/{0:030x}", "RUNNING")
    assert (shown["entries"], shown["pending"]) == (["task 0 begins"], True)
    machine.kill()


@pytest.mark.skipif(not rootfs.usable(), reason="without a root of its own a machine has other paths")
def test_a_run_goes_on_where_a_spot_machine_was_taken_away(the: Stage, aws: str, bucket: Any) -> None:
    cloud(the, params={"tasks": 40, "pause": 0.6})
    machine = the.boots()
    until(lambda: any("task 1: made" in message for _, message in lines(aws)), why=lambda: machine.console())
    the.metadata.action = "2027-01-01T00:00:00Z"
    ends(machine)
    assert the.control.end["error"] == "interrupted"
    the.metadata.action = ""
    the.control.reports.clear()
    the.attempt = 2
    cloud(the, params={"tasks": 40, "pause": 0}, resume=True)
    ends(the.boots())
    assert (the.control.end["exit_status"], the.control.end["error"]) == (0, "")
    said = [message for _, message in lines(aws, f"{RUN}/2") if message.startswith("task ")]
    assert said[:2] == ["task 0: cached, made by machine 1", "task 1: cached, made by machine 1"]
    assert said[-1] == "task 39: made"
    whole = text(bucket, f"nf-{RUN}.txt").splitlines()
    assert whole.index("task 1: made") < whole.index("task 1: cached, made by machine 1")
    assert [r["step"] for r in the.control.events("boot") if r["step"] in ("restore", "engine")] == [
        "restore",
        "engine",
    ]


def test_what_a_machine_saved_survives_its_sudden_end(the: Stage, aws: str, bucket: Any) -> None:
    cloud(the, params={"tasks": 2, "pause": 1.2})
    machine = the.boots(HEADNODE_PACE="0.002")
    console, state = f"console/{RUN}-1.txt", f".headnode/{SESSION}"
    until(lambda: {f"{state}/work/00/{0:030x}.tar.gz", f"{state}/{console}"} <= names(bucket))
    until(lambda: "task 0: made" in text(bucket, f"{state}/{console}"))
    machine.kill()
    assert not the.control.events("end")


def test_a_work_bucket_that_does_not_exist(the: Stage) -> None:
    cloud(the, work_dir="s3://no-such-bucket/x")
    ends(the.boots(HEADNODE_PACE="0.005"))
    assert the.control.end["exit_status"] == 0
    assert "bucket no-such-bucket not found" in the.control.end["message"]


def test_no_nextflow_says_what_to_install(the: Stage) -> None:
    cloud(the)
    ends(the.boots(PATH="/usr/bin:/bin"))
    assert "Nextflow cannot be found on this machine: install docker" in the.control.end["error"]


DOCKER = """#!/bin/sh
echo "$@" >> {seen}
case "$1" in
  run) for last; do :; done; exec bash "$last" ;;
esac
"""


def test_an_engine_in_a_container(the: Stage, aws: str) -> None:
    """A stand-in for docker that runs the entry point on the machine."""
    seen = the.work_dir / "docker-arguments"
    docker = the.root / "tools" / "docker"
    docker.write_text(DOCKER.format(seen=seen))
    docker.chmod(0o755)
    secrets = [{"name": "PASSWORD", "source": "given", "value": "sword-canary"}]
    cloud(the, environment={"WHO": "value-canary"}, container="my/image:1", secrets=secrets)
    ends(the.boots())
    assert (the.control.end["exit_status"], the.control.end["error"]) == (0, "")
    (words,) = [line.split() for line in seen.read_text().splitlines() if line.startswith("run ")]
    assert words[words.index("--name") + 1] == f"headnode-{RUN}-1"
    assert words[-3:-1] == ["bash", "my/image:1"]
    assert {"WHO", "NXF_UUID", "NXF_SECRETS_FILE", "TOWER_ACCESS_TOKEN"} <= set(words)
    assert "canary" not in seen.read_text()
    mounts = {words[at + 1].split(":")[0] for at, word in enumerate(words) if word == "--volume"}
    assert {"/var/run/docker.sock", str(the.root / "nf")} <= mounts


def test_without_tower_the_engine_gets_no_token(the: Stage, aws: str) -> None:
    cloud(
        the,
        environment={"WHO": "me", "HEADNODE_WITH_TOWER": "0", "HEADNODE_ENGINE": "host"},
        pre_run="env | sort",
    )
    ends(the.boots())
    said = "\n".join(message for _, message in lines(aws))
    assert f"NXF_UUID={SESSION}" in said
    assert "NXF_ANSI_LOG=false" in said
    assert "TOWER_" not in said
    assert "-with-tower" not in said


def test_secrets_from_secrets_manager(the: Stage, aws: str) -> None:
    client("secretsmanager", aws).create_secret(Name="tower-x/PASSWORD", SecretString="sword-canary")
    cloud(
        the,
        secrets=[{"name": "PASSWORD", "source": "aws-secretsmanager:tower-x/PASSWORD"}],
        pre_run='cat "$NXF_SECRETS_FILE"; echo',
    )
    ends(the.boots())
    assert '[{"name": "PASSWORD", "value": "***"}]' in [message for _, message in lines(aws)]


NO_METADATA = Metadata({"AWS_EC2_METADATA_DISABLED": "true"})


def direct(aws: str) -> Aws:
    """The runner's own client, in this process."""
    return Aws("us-east-1", NO_METADATA, {**KEYS, "AWS_ENDPOINT_URL": aws})


class Source(io.RawIOBase):
    """So many bytes that are never all in memory."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return bytes(given)


@pytest.mark.parametrize("size", [0, 10, SINGLE, SINGLE + PART + 7])
def test_objects_of_any_size(aws: str, bucket: Any, tmp_path: Path, size: int) -> None:
    ours = Bucket(
        Aws("us-east-1", Metadata({"AWS_EC2_METADATA_DISABLED": "true"}), {**KEYS, "AWS_ENDPOINT_URL": aws}),
        "work-bucket",
    )
    ours.put("a name/with ünïcode", Source(size))
    stored = bucket.Object("a name/with ünïcode")
    assert stored.content_length == size
    assert stored.e_tag.strip('"').endswith("-2") == (size > SINGLE)
    assert list(ours.names("a name/")) == ["a name/with ünïcode"]
    assert ours.get("a name/with ünïcode", tmp_path / "back")
    assert (tmp_path / "back").stat().st_size == size
    assert not ours.get("a name/other", tmp_path / "back")


def test_more_names_than_one_page(aws: str, bucket: Any) -> None:
    ours = Bucket(direct(aws), "work-bucket")
    for number in range(1005):
        ours.put(f"many/{number:04d}", io.BytesIO())
    assert list(ours.names("many/")) == [f"many/{number:04d}" for number in range(1005)]


SERVICES = [
    "https://work-bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC?partNumber=2&uploadId=a%2Bb",
    "https://logs.eu-west-1.amazonaws.com/",
]


@pytest.mark.parametrize("url", SERVICES)
@pytest.mark.parametrize("token", ["", "session-token"])
def test_signatures_are_those_of_the_sdk(url: str, token: str) -> None:
    now = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
    service = "s3" if "bucket" in url else "logs"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.PutLogEvents"}
    keys = Keys("AKIATEST", "secret/+key", token)
    ours = signed(
        "PUT", url, headers, b"body", keys=keys, service=service, region="eu-west-1", now=now.timestamp()
    )
    sent = {**headers, "X-Amz-Content-Sha256": ours["X-Amz-Content-Sha256"]}
    request = AWSRequest("PUT", url, headers=sent, data=b"body")
    theirs = Credentials("AKIATEST", "secret/+key", token or None)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(theirs, service, "eu-west-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: now.replace(tzinfo=None))
        signer.add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]


def test_refusals_are_not_repeated(aws: str, bucket: Any) -> None:
    ours = Aws("us-east-1", Metadata({}), {**KEYS, "AWS_ENDPOINT_URL": aws})
    with pytest.raises(Denied) as refused:
        ours.call(
            "logs",
            "Logs_20140328.PutLogEvents",
            {"logGroupName": "/none", "logStreamName": "x", "logEvents": []},
        )
    assert refused.value.code == "ResourceNotFoundException"
    with pytest.raises(Failed, match="no AWS credentials"):
        Aws("us-east-1", Metadata({"AWS_EC2_METADATA_DISABLED": "true"}), {}).send(
            "s3", "GET", aws, patience=0
        )
