"""Instances with machines: user data is really carried out, and the state follows the machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.clouds.answer import Answer
from local.clouds.aws import EmulatedAws
from local.clouds.aws.front import Front
from shared.providers.local import processes
from tests.unit.clouds.instances import shown, start

SPOT = {"InstanceMarketOptions": {"MarketType": "spot"}}


def eventually(true: Callable[[], Any], about: Callable[[], Any] = str) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until, about()
        time.sleep(0.02)


def printed(cloud: EmulatedAws, id: str, text: str) -> None:
    eventually(lambda: text in cloud.room.console(id), lambda: cloud.room.console(id))


def test_shutdown_on_the_machine_terminates_the_instance(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\necho hello from the machine\nshutdown -h now\n")

    aws_with_machines.until(id, "terminated")

    assert "hello from the machine" in aws_with_machines.room.console(id)
    assert shown(id)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_shutdown_stops_an_instance_that_does_not_say_terminate(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\npoweroff\n", InstanceInitiatedShutdownBehavior="stop")

    aws_with_machines.until(id, "stopped")

    assert shown(id)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_the_end_of_the_user_data_does_not_end_the_machine(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\necho over\n")
    printed(aws_with_machines, id, "over")

    assert shown(id)["State"]["Name"] == "running"


def test_cloud_config_is_carried_out(aws_with_machines: EmulatedAws):
    document = {
        "write_files": [
            {"path": "/etc/headnode/boot.json", "content": "e30=", "encoding": "b64", "permissions": "0600"}
        ],
        "runcmd": ["stat -c %a:%s /etc/headnode/boot.json", ["echo", "two words"], "shutdown now"],
    }
    id = start(f"#cloud-config\n{json.dumps(document)}\n")

    aws_with_machines.until(id, "terminated")

    assert aws_with_machines.room.console(id).splitlines()[:2] == ["600:2", "two words"]


def test_terminating_kills_the_whole_tree(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\nsetsid nohup sleep 1000 &\ntrap '' TERM\necho up\nwhile :; do sleep 1000; done\n")
    printed(aws_with_machines, id, "up")
    machine = aws_with_machines.life.find(id).machine
    tree = processes.descendants(machine.pid)

    answer = boto3.client("ec2").terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]

    assert answer["CurrentState"]["Name"] == "shutting-down"
    assert shown(id)["State"]["Name"] == "shutting-down"
    aws_with_machines.until(id, "terminated")
    assert len(tree) > 3
    assert not [pid for pid in tree if processes.started(pid)]
    assert shown(id)["StateReason"]["Code"] == "Client.UserInitiatedShutdown"


def test_terminating_gives_the_machine_a_moment_to_say_goodbye(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\ntrap 'echo goodbye; exit' TERM\necho up\nwhile :; do sleep 0.05; done\n")
    printed(aws_with_machines, id, "up")

    boto3.client("ec2").terminate_instances(InstanceIds=[id])
    aws_with_machines.until(id, "terminated")

    assert "goodbye" in aws_with_machines.room.console(id)


def test_pending_takes_its_time(aws_with_machines: EmulatedAws):
    aws_with_machines.life.pending = 0.3
    id = start("#!/bin/sh\necho up\n")

    assert shown(id)["State"]["Name"] == "pending"
    assert aws_with_machines.room.console(id) == ""
    aws_with_machines.until(id, "running")
    printed(aws_with_machines, id, "up")


def test_a_machine_terminated_while_pending_never_runs(aws_with_machines: EmulatedAws):
    aws_with_machines.life.pending = 0.2
    id = start("#!/bin/sh\necho up\n")

    boto3.client("ec2").terminate_instances(InstanceIds=[id])

    aws_with_machines.until(id, "terminated")
    time.sleep(0.3)
    assert aws_with_machines.room.console(id) == ""


WATCH_SPOT = """
import os, time, urllib.request as web
base = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] + "/latest/"
ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
token = web.urlopen(web.Request(base + "api/token", method="PUT", headers=ttl)).read().decode()
ask = web.Request(base + "meta-data/spot/instance-action", headers={"X-aws-ec2-metadata-token": token})
print("looking", flush=True)
while True:
    try:
        print(web.urlopen(ask).read().decode(), flush=True)
        time.sleep(100)
    except web.HTTPError as error:
        assert error.code == 404
        error.close()
        time.sleep(0.02)
"""


def test_spot_warns_and_then_takes_the_machine(aws_with_machines: EmulatedAws):
    seen: list[dict[str, Any]] = []
    aws_with_machines.on_event(seen.append)
    id = start(f"#!{sys.executable}\n{WATCH_SPOT}", **SPOT)
    printed(aws_with_machines, id, "looking")

    aws_with_machines.interrupt(id, notice=0.5)
    printed(aws_with_machines, id, '"action": "terminate"')
    aws_with_machines.until(id, "terminated")

    assert shown(id)["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    kinds = [(event["detail-type"], event["detail"].get("state")) for event in seen]
    assert ("EC2 Spot Instance Interruption Warning", None) in kinds
    assert kinds[-1] == ("EC2 Instance State-change Notification", "terminated")


def test_terminating_again_changes_nothing(aws_with_machines: EmulatedAws):
    id = start("#!/bin/sh\ntrap '' TERM\necho up\nwhile :; do sleep 0.1; done\n", **SPOT)
    printed(aws_with_machines, id, "up")
    terminate = boto3.client("ec2").terminate_instances
    terminate(InstanceIds=[id])

    terminate(InstanceIds=[id])

    assert shown(id)["State"]["Name"] == "shutting-down"
    aws_with_machines.until(id, "terminated")
    terminate(InstanceIds=[id])
    assert shown(id)["State"]["Name"] == "terminated"


def test_the_reason_of_an_end_stays(aws: EmulatedAws):
    id = start(**SPOT)
    aws.interrupt(id, notice=0)

    boto3.client("ec2").terminate_instances(InstanceIds=[id])

    assert shown(id)["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_only_spot_can_be_interrupted(aws: EmulatedAws):
    with pytest.raises(ValueError, match="no spot instance"):
        aws.interrupt(start())


def test_a_broken_host_takes_its_machine_along(aws_with_machines: EmulatedAws):
    id = start()
    printed(aws_with_machines, id, "up")

    aws_with_machines.fail(id)

    aws_with_machines.until(id, "terminated")
    assert shown(id)["StateReason"]["Code"] == "Server.InternalError"


def test_events_tell_every_state_in_order(aws: EmulatedAws):
    seen: list[dict[str, Any]] = []
    aws.on_event(seen.append)

    id = start()
    boto3.client("ec2").terminate_instances(InstanceIds=[id])
    boto3.client("ec2").terminate_instances(InstanceIds=[id])
    aws.events.settle()

    assert [event["detail"]["state"] for event in seen] == [
        "pending",
        "running",
        "shutting-down",
        "terminated",
    ]
    assert seen[0] | {"id": "", "time": ""} == {
        "version": "0",
        "id": "",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "",
        "region": "us-east-1",
        "resources": [f"arn:aws:ec2:us-east-1:123456789012:instance/{id}"],
        "detail": {"instance-id": id, "state": "pending"},
    }


def test_rules_send_what_they_match_to_their_queue(aws: EmulatedAws):
    sqs, rules = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="reap")["QueueUrl"]
    pattern = {"source": ["aws.ec2"], "detail": {"state": ["shutting-down", "terminated"]}}
    rules.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    rules.put_targets(Rule="ends", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:reap"}])

    id = start()
    boto3.client("ec2").terminate_instances(InstanceIds=[id])
    aws.events.settle()

    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    events = [json.loads(message["Body"]) for message in found]
    assert sorted(event["detail"]["state"] for event in events) == ["shutting-down", "terminated"]
    assert events[0]["detail"]["instance-id"] == id
    assert "ingestion-time" not in events[0]
    assert events[0]["time"].endswith("Z")


def test_events_are_posted_to_a_url(aws: EmulatedAws):
    bodies: list[dict[str, Any]] = []

    def listen(environ: dict[str, Any]) -> Answer:
        bodies.append(json.loads(environ["wsgi.input"].read()))
        return Answer(204)

    listener = Front("127.0.0.1", 0, listen)
    listener.start()
    aws.on_event(listener.url)

    start()
    aws.events.settle()
    listener.stop()

    assert [event["detail"]["state"] for event in bodies] == ["pending", "running"]


def test_reset_leaves_no_machine_behind(aws_with_machines: EmulatedAws):
    id = start()
    printed(aws_with_machines, id, "up")
    machine = aws_with_machines.life.find(id).machine
    tree = [machine.pid, *processes.descendants(machine.pid)]

    aws_with_machines.reset()

    assert not [pid for pid in tree if processes.started(pid)]
    assert not machine.directory.exists()


HOST = """
import json, sys
from pathlib import Path
from tests.unit.clouds.test_machines import start
from local.clouds.aws import EmulatedAws
import os, signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with EmulatedAws(directory=Path(sys.argv[1])) as cloud:
    os.environ.update(cloud.environment())
    id = start()
    cloud.until(id, "running")
    print(cloud.life.find(id).machine.pid, flush=True)
    signal.pause()
"""


@contextmanager
def hosted(program: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A Python process of its own that never outlives the test, also when that fails."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as host:
        try:
            yield host
            host.wait(10)
        finally:
            host.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_machines_die_with_their_cloud(aws_with_machines: EmulatedAws, tmp_path: Path, number: int):
    with hosted(HOST, str(tmp_path)) as host:
        assert host.stdout is not None
        machine = int(host.stdout.readline())
        eventually(lambda: len(processes.descendants(machine)) > 2)
        tree = [machine, *processes.descendants(machine)]

        host.send_signal(number)

        eventually(lambda: not [pid for pid in tree if processes.started(pid)])
    assert number == signal.SIGKILL or list(tmp_path.iterdir()) == []
