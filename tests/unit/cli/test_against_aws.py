"""The commands against a real control plane whose cloud is the emulated AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.headnode import Served, one_line, serve

REGION = "us-east-1"
CONFIG = ("--region", REGION, "--work-dir", "s3://lab-bucket/work")


@pytest.fixture
def served(aws, tmp_path: Path) -> Iterator[Served]:
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="lab-bucket")
    with serve(tmp_path / "data", HEADNODE_TOKEN="t", **aws.environment(REGION)) as running:
        yield running


def test_an_environment_from_plan_to_receipt(served: Served) -> None:
    planned = served.headnode("env", "plan", "lab", *CONFIG, "--instance-type", "m5.large")
    assert planned.code == 0, planned.err
    assert "InstanceRole" in planned.out
    assert "offer 1: m5.large" in planned.out
    assert served.json("env", "list") == []

    made = served.headnode("env", "create", "lab", *CONFIG, "--instance-type", "m5.large")
    assert made.code == 0, made.err
    assert made.out.startswith("lab is AVAILABLE (")
    assert sum(line.startswith("  made ") for line in made.err.splitlines()) == 2
    listed = served.headnode("env", "list").out.splitlines()
    assert listed[0].split()[:3] == ["ID", "NAME", "PLATFORM"]
    assert listed[1].split()[1:5] == ["lab", "aws-cloud", REGION, "AVAILABLE"]
    shown = served.headnode("env", "show", "lab").out
    assert "config.workDir" in shown
    assert "AVAILABLE" in shown

    gone = served.headnode("env", "dispose", "lab")
    assert gone.code == 0, gone.err
    assert gone.out.splitlines()[-1] == "left: 0"
    assert sum(line.startswith("  gone ") for line in gone.err.splitlines()) == 2
    iam = boto3.client("iam")
    assert (iam.list_roles()["Roles"], iam.list_instance_profiles()["InstanceProfiles"]) == ([], [])
    environment_id = made.out.split("(")[1].split(")")[0]
    assert served.json("env", "show", environment_id)["status"] == "DELETED"


def test_every_fault_is_in_the_one_line(served: Served) -> None:
    wrong = ("--region", "mars-1", "--work-dir", "nowhere", "--spot", "sometimes")
    said = served.headnode("env", "create", "lab", *wrong)
    assert said.code == 1
    assert all(field in one_line(said) for field in ("region", "workDir", "spot"))
    said = served.headnode("env", "plan", "lab", *CONFIG, "--instance-type", "m99.large", "-o", "json")
    assert said.code == 1
    assert [fault["field"] for fault in said.json["faults"]] == ["instanceType"]


def test_without_waiting_the_answer_is_an_id(served: Served) -> None:
    made = served.json("env", "create", "lab", *CONFIG, "--no-wait")
    assert served.json("env", "show", made["computeEnvId"])["name"] == "lab"
    again = served.headnode("env", "create", "lab", *CONFIG)
    assert (again.code, one_line(again)) == (1, "compute environment lab already exists")


def test_an_azure_application_comes_from_its_usual_variables(served: Served) -> None:
    guid = "0b1f6471-1bf0-4dda-aec3-11112222333{}"
    known = {"AZURE_TENANT_ID": guid.format(1), "AZURE_CLIENT_ID": guid.format(2)}
    words = ("credentials", "add", "entra", "--provider", "azure-cloud", "--storage-account", "labdata")
    lacking = served.headnode(*words, **known, AZURE_CLIENT_SECRET="canary")
    assert lacking.code == 2
    assert "--subscription" in lacking.err
    added = served.headnode(*words, "--subscription", guid.format(3), **known, AZURE_CLIENT_SECRET="canary")
    assert added.code == 0, added.err
    shown = served.json("credentials", "list")[0]
    assert shown["provider"] == "azure-cloud"
    assert shown["keys"]["storageName"] == "labdata"
    assert "canary" not in str(shown)


def test_credentials_are_used_by_name_and_never_shown(served: Served, tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST0000", "AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key"}
    added = served.headnode("credentials", "add", "work", **keys)
    assert added.code == 0, added.err
    assert served.json("credentials", "list")[0]["name"] == "work"
    served.json("env", "create", "lab", *CONFIG, "--credentials", "work")
    in_use = served.headnode("credentials", "delete", "work")
    assert in_use.code == 1
    assert "lab" in one_line(in_use)
    unknown = served.headnode("env", "create", "other", *CONFIG, "--credentials", "nobody")
    assert one_line(unknown) == "no credentials 'nobody'"
    served.json("env", "dispose", "lab")
    assert served.headnode("credentials", "delete", "work").code == 0
    assert served.json("credentials", "list") == []
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"canary-of-the-secret-key" not in everything


def test_a_run_waits_for_a_machine_and_is_cancelled(served: Served) -> None:
    served.json("env", "create", "lab", *CONFIG)
    run = served.json("launch", "https://example.org/pipeline", "--params", "n=3", "--name", "one")[
        "workflowId"
    ]
    record = served.json("runs", "show", run)
    assert json.loads(record["launch"]["paramsText"]) == {"n": 3}
    assert "one" in served.headnode("runs", "list").out
    busy = served.headnode("env", "dispose", "lab")
    assert busy.code == 1
    assert "one" in one_line(busy)
    assert served.json("runs", "show", "one")["id"] == run
    assert served.headnode("runs", "cancel", "one").out == "one cancelled\n"
    said = served.headnode("runs", "logs", "-f", "one")
    assert (said.code, said.err.splitlines()[-1].startswith("headnode: one CANCELLED")) == (1, True)
    again = served.headnode("runs", "cancel", run)
    assert (again.code, one_line(again)) == (1, f"{run}: already CANCELLED")
    resumed = served.json("launch", "--resume", run)["workflowId"]
    after = served.json("runs", "show", resumed)
    assert (after["session_id"], after["launch"]["resume"]) == (record["session_id"], True)
    assert after["launch"]["pipeline"] == "https://example.org/pipeline"


def test_several_runs_of_which_some_are_unknown(served: Served) -> None:
    served.json("env", "create", "lab", *CONFIG)
    run = served.json("launch", "https://example.org/pipeline")["workflowId"]
    said = served.headnode("runs", "cancel", "nope", run)
    assert (said.code, said.out) == (1, f"{run} cancelled\n")
    assert said.err == "headnode: nope: workflow nope not found\n"


def test_the_permissions_of_each_step(served: Served) -> None:
    whole = served.json("permissions", "aws-cloud")
    assert whole["Version"] == "2012-10-17"
    reap = served.json("permissions", "aws-cloud", "--step", "reap")
    assert "ec2:TerminateInstances" in json.dumps(reap)
    assert "iam:" not in json.dumps(reap)
    assert one_line(served.headnode("permissions", "moon-cloud")).startswith("permissions of platform")


def test_nothing_is_parked_and_nothing_can_be_replayed(served: Served) -> None:
    said = served.headnode("parked", "list")
    assert (said.code, said.out, said.err) == (0, "", "nothing is parked\n")
    assert one_line(served.headnode("parked", "replay", "nope")) == "parked message nope not found"


def test_the_least_permissions_of_an_environments_file(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(
        "platform: aws-batch\n"
        "config: {region: us-east-1, workDir: s3://lab-bucket/work, forge: {type: SPOT}}\n"
    )
    whole = served.json("permissions", "aws-batch")
    least = served.json("permissions", "aws-batch", "-f", str(file), "--log-group", "/mine")
    assert {each["Sid"] for each in least["Statement"]} < {each["Sid"] for each in whole["Statement"]}
    assert "s3:::lab-bucket/work/*" in json.dumps(least)
    assert "log-group:/mine:" in json.dumps(least)
    step = served.json("permissions", "aws-batch", "--step", "logs", "-f", str(file))
    assert len(step["Statement"]) == 2


def test_a_plan_on_batch_says_how_many_queues_are_left(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(
        "platform: aws-batch\n"
        "config:\n  region: us-east-1\n  workDir: s3://lab-bucket/work\n"
        "  forge: {type: SPOT, efsCreate: true, shareQueues: false}\n"
    )
    planned = served.headnode("env", "plan", "big", "-f", str(file))
    assert planned.code == 0, planned.err
    assert "note: 50 of 50 job queues are left in us-east-1; this takes 2" in planned.out
    assert "EfsMountTargets" in planned.out
