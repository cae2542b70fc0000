"""`headnode launch --show-config` against a real control plane whose cloud is the emulated AWS."""

import json
from pathlib import Path

import boto3
import pytest

from tests.headnode import serve

REGION = "eu-west-1"
ENVIRONMENT = """
name: big
platform: aws-batch
config:
  region: eu-west-1
  workDir: s3://lab-bucket/work
  computeJobRole: arn:aws:iam::123456789012:role/mine
  labels: {team: genomics}
  nextflowConfig: |
    process.queue = 'somewhere'
    cleanup = true
  forge: {type: SPOT, maxCpus: 512, instanceTypes: [m5.large, c5.4xlarge]}
"""
LAUNCH = "process { cpus = 2\n queue = 'fast' }\nincludeConfig 'more.config'\n"


@pytest.fixture
def served(aws, tmp_path: Path):
    boto3.client("s3", REGION).create_bucket(
        Bucket="lab-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    boto3.client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust))
    with serve(tmp_path / "data", HEADNODE_TOKEN="t", **aws.environment(REGION)) as running:
        yield running


def test_the_config_of_a_launch_and_whose_each_setting_is(served, aws, tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text(ENVIRONMENT)
    (tmp_path / "launch.config").write_text(LAUNCH)
    made = served.headnode("env", "create", "-f", str(tmp_path / "env.yaml"))
    assert made.code == 0, made.err
    id = made.out.split("(")[1].split(")")[0]
    words = ("launch", "https://example.org/p", "--config", str(tmp_path / "launch.config"), "--show-config")
    jobs = len(aws.batch.jobs.all)
    said = served.headnode(*words)
    assert said.code == 0, said.err
    lines = dict(line.split("  // ") for line in said.out.splitlines())
    found = {name.rstrip(): origin for name, origin in lines.items()}
    assert found["process.queue = 'fast'"] == (
        f"launch, replaces 'TowerForge-{id}-work' (headnode), 'somewhere' (environment)"
    )
    assert found["process.executor = 'awsbatch'"] == "headnode"
    assert found["aws.batch.maxSpotAttempts = 5"] == "headnode"
    assert found["aws.batch.jobRole = 'arn:aws:iam::123456789012:role/mine'"] == "headnode"
    assert found["cleanup = true"] == "environment"
    # The largest of the environment's types: 16 vCPUs and nine tenths of 32 GiB.
    assert found["process.resourceLimits = [cpus: 16, memory: 29491.MB]"] == "headnode"
    labels = next(name for name in found if name.startswith("process.resourceLabels"))
    assert "'team': 'genomics'" in labels
    assert f"'headnode:environment': '{id}'" in labels
    assert "only Nextflow can tell what this does: includeConfig 'more.config'" in said.err
    assert len(aws.batch.jobs.all) == jobs
    assert served.json("runs", "list") == []

    whole = served.json(*words)
    assert [each["source"] for each in whole["files"]] == ["environment", "headnode", "launch"]
    assert whole["files"][2]["text"] == LAUNCH


def test_a_launch_that_could_not_be_has_no_config(served) -> None:
    said = served.headnode("launch", "https://example.org/p", "--show-config")
    assert said.code == 1
    assert "which compute environment?" in said.err
