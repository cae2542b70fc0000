"""A policy made less: the statements that an environment's options need, and on what."""

from typing import Any

from shared.providers.aws.batch.options import BatchOptions, read
from shared.providers.aws.regions import partition
from shared.providers.fields import text

Statement = dict[str, Any]
FORGE_ONLY = (
    "BatchEnvironmentManagement",
    "LaunchTemplateManagement",
    "HeadnodeTemplateTags",
    "IAMRoleAndProfileManagement",
    "EC2MetadataDescribe",
    "FetchOptimizedAMIMetadata",
)
STORAGE = ("EFS", "FSx", "HeadnodeGroup")
"""How the ids of what only file systems need begin."""


def narrowed(statements: list[Statement], config: dict[str, Any]) -> list[Statement]:
    """Those that are needed, each on the resources that the config names. Pure."""
    options = read(config)
    kept = [each for each in statements if needed(each["Sid"], options, config)]
    for each in kept:
        on(each, options, config)
    # A role is passed where one is handed on; a policy without resources would not be valid.
    kept = [each for each in kept if each["Resource"]]
    return [in_partition(each, text(config, "region")) for each in merged(kept)]


def needed(sid: str, options: BatchOptions, config: dict[str, Any]) -> bool:
    """Whether any of the options needs it."""
    work = options.work
    if sid == "S3ReadOnlyNextflowLogFiles":
        return text(config, "workDir").startswith("s3://")
    if work is None:
        return sid not in FORGE_ONLY and not sid.startswith(STORAGE)
    if sid == "FetchOptimizedAMIMetadata":
        return not work.image_id
    efs, fsx = work.efs is not None, work.fsx is not None
    efs_made, fsx_made = work.efs is not None and work.efs.made, work.fsx is not None and work.fsx.made
    for start, used, made in (("EFS", efs, efs_made), ("FSx", fsx, fsx_made)):
        if sid.startswith(start):
            return used if sid.endswith("Describe") else made
    return efs_made or fsx_made if sid.startswith("HeadnodeGroup") else True


def on(statement: Statement, options: BatchOptions, config: dict[str, Any]) -> None:
    """Puts the config's own names into a statement."""
    sid = statement["Sid"]
    if sid == "PassRolesToBatch":
        head = [each for each in (options.head_role, options.execution_role) if each]
        statement["Resource"] = [*([statement["Resource"]] if options.work else ()), *dict.fromkeys(head)]
    elif sid == "HeadnodeOwnRoles":
        own = (options.head_role, options.compute_role, options.execution_role)
        statement["Resource"] = list(dict.fromkeys(filter(None, own)))
    elif sid == "BatchJobsManagement":
        if options.work is None:
            queues = [queue(each, config) for each in (options.head_queue, options.compute_queue)]
            definition, _, job = statement["Resource"]
            statement["Resource"] = [definition, *dict.fromkeys(queues), job]
        required = config.get("requiredTags")
        if isinstance(required, dict) and required:
            named = {f"aws:ResourceTag/{key}": str(value) for key, value in sorted(required.items())}
            statement["Condition"] = {"StringEqualsIfExists": named}
    elif sid == "S3ReadOnlyNextflowLogFiles":
        path = text(config, "workDir").removeprefix("s3://").rstrip("/")
        statement["Resource"] = f"arn:aws:s3:::{path}/*"
    elif sid == "CloudWatchLogsAccess" and text(config, "logGroup"):
        statement["Resource"] = f"arn:aws:logs:*:*:log-group:{text(config, 'logGroup')}:log-stream:*"
    elif sid == "EC2MetadataDescribe":
        work = options.work
        unasked = {
            "ec2:DescribeImages": work is not None and not work.image_id,
            "ec2:DescribeKeyPairs": work is not None and not work.key_pair,
            "ec2:DescribeInstanceTypes": work is not None and set(work.types) == {"optimal"},
        }
        statement["Action"] = [each for each in statement["Action"] if not unasked.get(each)]


def queue(named: str, config: dict[str, Any]) -> str:
    """A queue's ARN, whatever it was called by."""
    region = text(config, "region") or "*"
    return named if named.startswith("arn:") else f"arn:aws:batch:{region}:*:job-queue/{named}"


def merged(statements: list[Statement]) -> list[Statement]:
    """Without a statement whose actions another one of the same reach has all."""
    return [
        each
        for each in statements
        if not any(
            other is not each
            and other["Resource"] == each["Resource"]
            and other.get("Condition") == each.get("Condition")
            and set(each["Action"]) < set(other["Action"])
            for other in statements
        )
    ]


def in_partition(statement: Statement, region: str) -> Statement:
    """A statement for the partition that a region is in."""
    here = f"arn:{partition(region)}:" if region else "arn:aws:"
    resource = statement["Resource"]
    if isinstance(resource, list):
        return {**statement, "Resource": [each.replace("arn:aws:", here, 1) for each in resource]}
    return {**statement, "Resource": resource.replace("arn:aws:", here, 1)}
