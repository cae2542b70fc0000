"""An emulated AWS account with AWS Batch. Is it really gone? Asked of the cloud itself."""

from typing import Any

from local.demo.places.aws import BUCKET, REGION, EmulatedAccount


class EmulatedBatch(EmulatedAccount):
    """`Place` for the platform `aws-batch`: the run is a head job, which is really carried out."""

    platform = "aws-batch"
    role = "aws-batch"
    plugin = "nf-amazon"

    def config(self) -> dict[str, Any]:
        """Queues that Forge makes, with Spot for tasks."""
        return {
            "discriminator": "aws-batch",
            "region": REGION,
            "workDir": f"s3://{BUCKET}/work",
            "forge": {"type": "SPOT", "maxCpus": 8},
        }

    def leftovers(self) -> list[str]:
        """Besides what AWS Cloud makes: queues, their environments, definitions, templates, jobs."""
        import boto3

        batch, ec2 = boto3.client("batch"), boto3.client("ec2")
        queues = batch.describe_job_queues()["jobQueues"]
        environments = batch.describe_compute_environments()["computeEnvironments"]
        definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        templates = ec2.describe_launch_templates()["LaunchTemplates"]
        jobs = [
            each["jobId"]
            for queue in queues
            for each in batch.list_jobs(jobQueue=queue["jobQueueArn"])["jobSummaryList"]
        ]
        return [
            *super().leftovers(),
            *(f"job queue {each['jobQueueName']}" for each in queues),
            *(f"compute environment {each['computeEnvironmentName']}" for each in environments),
            *(f"job definition {each['jobDefinitionArn']}" for each in definitions),
            *(f"launch template {each['LaunchTemplateName']}" for each in templates),
            *(f"job {each}" for each in jobs),
        ]
