"""The emulated AWS with AWS Batch under the scenarios: a run's machine is a head job."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from local.clouds.aws.batch.jobs import ALIVE
from shared.model.run import Run
from shared.providers.aws.batch.permissions import policy
from tests.scenarios.clouds import Shown
from tests.scenarios.clouds.aws import BUCKET, KEY, NOTHING, REGION, Aws

CALLS = {"launch": "SubmitJob", "list": "ListJobs", "remove": "TerminateJob"}
FORGE = {"type": "SPOT"}


@dataclass
class Batch(Aws):
    """`Cloud` on the strict Batch. Its queues take any order: no offer is ever refused."""

    platform = "aws-batch"
    types = ("1x4096MiB", "1x4096MiB")
    refuses = False
    made = [
        "IamRole",
        "IamInstanceProfile",
        *("IamRole",) * 3,
        "LaunchTemplate",
        *("BatchComputeEnvironment",) * 2,
        *("BatchJobQueue",) * 2,
        "BatchJobDefinition",
    ]

    @cached_property
    def client(self) -> Any:
        return boto3.client("batch", region_name=REGION)

    def config(self) -> dict[str, Any]:
        return {"region": REGION, "workDir": f"s3://{BUCKET}/work", "forge": FORGE}

    def machines(self) -> list[Shown]:
        return [
            Shown(each.id, dict(each.tags), each.status in ALIVE)
            for each in self.emulated.batch.jobs.all.values()
        ]

    def resources(self) -> list[str]:
        ec2, batch = self.ec2, self.client
        found = [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]]
        listed = batch.describe_compute_environments()["computeEnvironments"]
        found += [each["computeEnvironmentName"] for each in listed]
        found += [each["LaunchTemplateName"] for each in ec2.describe_launch_templates()["LaunchTemplates"]]
        active = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        ours = [each["jobDefinitionName"] for each in active if each["jobDefinitionName"] != "theirs"]
        there = [each for each in found if each != "theirs"]
        return [*super().resources(), *there, *ours]

    def tag(self, id: str, key: str, value: str) -> None:
        self.client.tag_resource(resourceArn=self.emulated.batch.jobs.all[id].arn, tags={key: value})

    def end(self, id: str) -> None:
        self.emulated.batch.jobs.end(id)

    def stranger(self, tags: dict[str, str]) -> str:
        if self.emulated.batch.places.find("job-queue", REGION, "theirs") is None:
            self.emulated.batch.places.stand(REGION, "theirs")
            self.client.register_job_definition(jobDefinitionName="theirs", type="container")
        made = self.client.submit_job(
            jobName="headnode-theirs-1", jobQueue="theirs", jobDefinition="theirs", tags=tags
        )
        return str(made["jobId"])

    def tasks(self, environment: str, *names: str) -> list[str]:
        """Submits tasks to an environment's work queue, as Nextflow does; their ids."""
        arn = self.client.register_job_definition(jobDefinitionName="nf-x", type="container")[
            "jobDefinitionArn"
        ]
        queue = f"TowerForge-{environment}-work"
        return [
            str(self.client.submit_job(jobName=name, jobQueue=queue, jobDefinition=arn)["jobId"])
            for name in names
        ]

    def states(self, ids: list[str]) -> list[str]:
        """How these jobs are."""
        return [self.emulated.batch.jobs.all[each].status for each in ids]

    def started(self, run: Run) -> list[str]:
        return [each.id for each in self.machines() if each.tags.get("headnode:run") == run.id]

    def strike(self, call: str, kind: str, times: int | None = 1) -> None:
        if call != "forge":
            self.emulated.faults.add("batch", CALLS[call], kind=kind, times=times)
            return
        for service in ("iam", "batch", "ec2"):
            seen: set[str] = set()

            def first(each: Any, seen: set[str] = seen) -> bool:
                return each.action not in seen and not seen.add(each.action)  # type: ignore[func-returns-value]

            self.emulated.faults.add(service, "*", when=first, kind=kind, times=None)

    def no_capacity(self, type: str | None = None, times: int | None = None) -> None:
        del type, times
        self.emulated.batch.places.capacity = False

    def enforce(self, step: str | None, without: str = "") -> None:
        said = json.dumps(policy(step)).replace("<BUCKET_NAME>/WORKDIR", f"{BUCKET}/work")
        document = json.loads(said)
        document["Statement"] = [each for each in document["Statement"] if each["Sid"] != without]
        self.emulated.enforce(KEY, document if step else NOTHING)
