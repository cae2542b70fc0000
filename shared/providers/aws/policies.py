"""What the instance role allows: who may take it, and what a machine may do with it."""

import json
from typing import Any

from shared.providers.aws.account import Account
from shared.providers.aws.regions import domain, partition

MANAGED = ("CloudWatchAgentServerPolicy", "AmazonS3ReadOnlyAccess", "AmazonEC2ContainerRegistryPullOnly")
"""AWS's own policies that the public platform attaches too: ship logs, read data, pull containers."""

SAME: dict[str, dict[str, list[str]]] = {
    "CloudWatchAgentServerPolicy": {
        "*": [
            "cloudwatch:PutMetricData",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "logs:PutRetentionPolicy",
        ]
    },
    "AmazonS3ReadOnlyAccess": {
        "*": ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"]
    },
    "AmazonEC2ContainerRegistryPullOnly": {
        "*": [
            "ecr:BatchGetImage",
            "ecr:BatchImportUpstreamImage",
            "ecr:GetAuthorizationToken",
            "ecr:GetDownloadUrlForLayer",
        ]
    },
}
"""What the managed policies allow, for partitions that do not have them: policy -> resource -> actions."""


def trust(region: str) -> str:
    """Only EC2 may take the role."""
    principal = {"Service": f"ec2.{domain(region)}"}
    return document([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def managed_arn(name: str, region: str) -> str:
    """A managed policy's ARN in the region's partition."""
    return f"arn:{partition(region)}:iam::aws:policy/{name}"


def same_inline(name: str) -> str:
    """A managed policy's statements, to be put inline."""
    return document([allow(actions, [resource]) for resource, actions in SAME[name].items()])


def own(account: Account) -> str:
    """The work bucket and the allowed ones, the run's secrets (`tower-*`), and KMS keys as far as S3
    uses them."""
    options = account.options
    arn = f"arn:{partition(options.region)}"
    buckets = [f"{arn}:s3:::{name}" for name in options.buckets]
    via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{options.region}.{domain(options.region)}"}}
    stored = [
        allow(["s3:ListBucket"], buckets),
        allow(
            ["s3:*Object", "s3:PutObjectTagging", "s3:GetObjectTagging"],
            [f"{bucket}/*" for bucket in buckets],
        ),
    ]
    secret_actions = [f"secretsmanager:{verb}Secret" for verb in ("Create", "Delete")]
    kms_actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    return document(
        [
            *(stored if buckets else ()),
            allow(
                [*secret_actions, "secretsmanager:GetSecretValue"],
                [f"{arn}:secretsmanager:{options.region}:*:secret:tower-*"],
            ),
            allow(["secretsmanager:ListSecrets"], ["*"]),
            {**allow(kms_actions, ["*"]), "Condition": via_s3},
        ]
    )


def allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    """One statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def document(statements: list[dict[str, Any]]) -> str:
    """A policy document, compact: a role's inline policies share 10,240 characters."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
