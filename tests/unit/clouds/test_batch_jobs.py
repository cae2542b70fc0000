"""Jobs of the emulated Batch that really run."""

import json
import time
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws

REGION = "eu-west-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
KEYS = """
import json, os, urllib.request
given = json.load(urllib.request.urlopen(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]))
print("role", given["RoleArn"], "job", os.environ["AWS_BATCH_JOB_ID"], os.environ["GREETING"], flush=True)
"""


@pytest.fixture
def cloud(aws_with_machines: EmulatedAws) -> EmulatedAws:
    aws_with_machines.batch.places.stand(REGION, "queue")
    return aws_with_machines


def submitted(command: list[str], **container: Any) -> str:
    batch = boto3.client("batch", REGION)
    asked = {"image": "none", "command": command, "environment": [{"name": "GREETING", "value": "it's"}]}
    made = batch.register_job_definition(
        jobDefinitionName="test", type="container", containerProperties={**asked, **container}
    )
    submit = batch.submit_job(jobName="job", jobQueue="queue", jobDefinition=made["jobDefinitionArn"])
    return str(submit["jobId"])


def ended(job: str) -> dict[str, Any]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        (found,) = boto3.client("batch", REGION).describe_jobs(jobs=[job])["jobs"]
        if found["status"] in ("SUCCEEDED", "FAILED"):
            return dict(found)
        time.sleep(0.02)
    raise AssertionError("the job does not end")


@pytest.mark.parametrize(("status", "state"), [(0, "SUCCEEDED"), (3, "FAILED")])
def test_a_job_ends_as_its_command_does(cloud: EmulatedAws, status: int, state: str) -> None:
    found = ended(submitted(["sh", "-c", f"exit {status}"]))
    assert (found["status"], found["container"]["exitCode"]) == (state, status)


def test_a_job_has_its_variables_and_its_roles_keys(cloud: EmulatedAws) -> None:
    role = boto3.client("iam").create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    job = submitted(["python3", "-c", KEYS], jobRoleArn=role["Arn"])
    assert ended(job)["status"] == "SUCCEEDED"
    assert f"role {role['Arn']} job {job} it's" in cloud.room.console(job)


def test_a_terminated_job_says_so_until_it_is_over(cloud: EmulatedAws) -> None:
    job = submitted(["sh", "-c", "echo up; sleep 60"])
    until = time.monotonic() + 20
    while "up" not in cloud.room.console(job):
        assert time.monotonic() < until, "the job does not start"
        time.sleep(0.02)
    boto3.client("batch", REGION).terminate_job(jobId=job, reason="enough")
    found = ended(job)
    assert (found["status"], found["statusReason"], found["isTerminated"]) == ("FAILED", "enough", True)
