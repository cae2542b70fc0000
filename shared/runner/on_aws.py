"""A machine that is an EC2 instance: S3, CloudWatch Logs, Secrets Manager, the spot notice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from shared.runner.aws import Aws
from shared.runner.cloud import Cloud, Notice
from shared.runner.cloudwatch import CloudWatchTarget
from shared.runner.console import Console
from shared.runner.imds import Metadata
from shared.runner.s3 import Bucket, S3Dir
from shared.runner.shipping import Shipper
from shared.runner.workdir import WorkDir

NOTICE = 120.0
"""Seconds from a spot notice to the end of the machine."""
MANAGER = "aws-secretsmanager"


class AwsCloud(Cloud):
    """Before its spec has come, a machine is taken for one of these with an empty region."""

    scheme = "s3://"

    def __init__(self, region: str = "", environ: Mapping[str, str] = os.environ) -> None:
        self._region = region
        self._environ = environ
        self._metadata = Metadata(environ)
        self._aws = Aws(region, self._metadata, environ)

    def machine_id(self) -> str:
        """A job of AWS Batch is told its own id, and is not the instance that it runs on."""
        return self._environ.get("AWS_BATCH_JOB_ID") or self._metadata.get("/latest/meta-data/instance-id")

    def notice(self) -> Notice | None:
        said = self._metadata.interruption()
        return Notice(said, NOTICE) if said else None

    def environment(self) -> dict[str, str]:
        names = ("AWS_REGION", "AWS_DEFAULT_REGION")
        return dict.fromkeys(names, self._region) if self._region else {}

    def secrets(self) -> Iterable[str]:
        return [self._environ.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]

    def secret(self, source: str) -> str:
        """`aws-secretsmanager:<name>` or an ARN."""
        kind, _, name = source.partition(":")
        if kind != MANAGER and not source.startswith("arn:"):
            return super().secret(source)
        asked = {"SecretId": name if kind == MANAGER else source}
        given = self._aws.call("secretsmanager", "secretsmanager.GetSecretValue", asked)
        return str(given.get("SecretString", ""))

    def work_dir(self, address: str) -> WorkDir:
        if not address.startswith(self.scheme):
            return super().work_dir(address)
        bucket, _, prefix = address[len(self.scheme) :].partition("/")
        return S3Dir(Bucket(self._aws, bucket), prefix.strip("/"))

    def shipper(self, console: Console, logs: dict[str, str]) -> Shipper:
        if logs.get("kind") != "cloudwatch":
            return super().shipper(console, logs)
        return Shipper(console, CloudWatchTarget(self._aws, logs["group"], logs["stream"]))
