"""The permissions that AWS Batch needs in a user's account, by step and for the options chosen.

The statements are those that the public platform asks for, under its own ids, so that people can keep
the policy they have. `Headnode*` are ours beside it: to look for a job before it is submitted again, to
take marks off jobs, to retire job definitions, and to tag a launch template.
"""

import copy
from collections.abc import Mapping
from typing import Any

from shared.errors import Fault, Invalid
from shared.model import tags
from shared.providers.aws.batch import narrowing

ROLE_ACTIONS = (
    "AddRoleToInstanceProfile AttachRolePolicy CreateInstanceProfile CreateRole DeleteInstanceProfile "
    "DeleteRole DeleteRolePolicy DetachRolePolicy GetRole ListAttachedRolePolicies ListRolePolicies "
    "PutRolePolicy RemoveRoleFromInstanceProfile TagInstanceProfile TagRole"
)


def allow(
    sid: str, service: str, verbs: str, resource: Any = "*", condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One statement; `verbs` are the names of actions, separated by blanks."""
    said = {"Sid": sid, "Effect": "Allow", "Action": [f"{service}:{each}" for each in verbs.split()]}
    return {**said, "Resource": resource, **({"Condition": condition} if condition else {})}


def statements(prefix: str) -> dict[str, dict[str, Any]]:
    """Every statement by its id, for resources that are named `prefix-*`."""
    all_of = (*batch(prefix), *nodes(prefix), *files(), *logs(), *storage(), *secrets())
    return {each["Sid"]: each for each in all_of}


def batch(prefix: str) -> list[dict[str, Any]]:
    """Compute environments, queues, job definitions and jobs."""
    queues = f"arn:aws:batch:*:*:job-queue/{prefix}-*"
    environments = f"arn:aws:batch:*:*:compute-environment/{prefix}-*"
    return [
        allow(
            "BatchEnvironmentManagement",
            "batch",
            "CreateComputeEnvironment CreateJobQueue DeleteComputeEnvironment DeleteJobQueue "
            "UpdateComputeEnvironment UpdateJobQueue TagResource",
            [environments, queues],
        ),
        allow(
            "BatchEnvironmentListing",
            "batch",
            "DescribeComputeEnvironments DescribeJobDefinitions DescribeJobQueues DescribeJobs",
        ),
        allow(
            "BatchJobsManagement",
            "batch",
            "CancelJob RegisterJobDefinition SubmitJob TagResource TerminateJob",
            ["arn:aws:batch:*:*:job-definition/*", queues, "arn:aws:batch:*:*:job/*"],
        ),
        allow("HeadnodeJobs", "batch", "DeregisterJobDefinition ListJobs UntagResource"),
    ]


def nodes(prefix: str) -> list[dict[str, Any]]:
    """Launch templates, roles, and what EC2 and SSM are asked about."""
    roles, profiles = f"arn:aws:iam::*:role/{prefix}-*", f"arn:aws:iam::*:instance-profile/{prefix}-*"
    passed = [f"{each}.amazonaws.com" for each in ("batch", "ec2", "ecs-tasks", "spotfleet")]
    to_services = {"StringEquals": {"iam:PassedToService": passed}}
    return [
        allow(
            "LaunchTemplateManagement",
            "ec2",
            "CreateLaunchTemplate DeleteLaunchTemplate DescribeLaunchTemplates "
            "DescribeLaunchTemplateVersions",
        ),
        allow(
            "HeadnodeTemplateTags",
            "ec2",
            "CreateTags",
            "arn:aws:ec2:*:*:launch-template/*",
            {"StringEquals": {"ec2:CreateAction": "CreateLaunchTemplate"}},
        ),
        allow("PassRolesToBatch", "iam", "PassRole", roles, to_services),
        allow("IAMRoleAndProfileManagement", "iam", ROLE_ACTIONS, [roles, profiles]),
        allow("HeadnodeOwnRoles", "iam", "GetRole", ["arn:aws:iam::*:role/*"]),
        allow(
            "FetchOptimizedAMIMetadata", "ssm", "GetParameters", "arn:aws:ssm:*:*:parameter/aws/service/ecs/*"
        ),
        allow(
            "EC2MetadataDescribe",
            "ec2",
            "DescribeImages DescribeInstanceTypes DescribeKeyPairs DescribeSecurityGroups DescribeSubnets",
        ),
    ]


def logs() -> list[dict[str, Any]]:
    """A run's log."""
    streams = "arn:aws:logs:*:*:log-group:*:log-stream:*"
    return [allow("CloudWatchLogsAccess", "logs", "FilterLogEvents GetLogEvents", streams)]


def files() -> list[dict[str, Any]]:
    """A run's files."""
    return [allow("S3ReadOnlyNextflowLogFiles", "s3", "GetObject", f"arn:aws:s3:::{WORK_DIR}/*")]


def storage() -> list[dict[str, Any]]:
    """File systems, and the security group between them and the nodes."""
    groups = "arn:aws:ec2:*:*:security-group/*"
    tagged = {"StringLike": {f"aws:ResourceTag/{tags.ENVIRONMENT}": "*"}}
    making = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}
    efs, fsx = "arn:aws:elasticfilesystem:*:*:file-system/*", "arn:aws:fsx:*:*:file-system/*"
    return [
        allow("EFSDescribe", "elasticfilesystem", "DescribeFileSystems DescribeMountTargets"),
        allow("EFSCreate", "elasticfilesystem", "CreateFileSystem CreateMountTarget TagResource", efs),
        allow("EFSLifecycle", "elasticfilesystem", "PutLifecycleConfiguration", efs),
        allow("EFSDelete", "elasticfilesystem", "DeleteFileSystem DeleteMountTarget", efs),
        allow("FSxDescribe", "fsx", "DescribeFileSystems"),
        allow("FSxCreate", "fsx", "CreateFileSystem TagResource", fsx),
        allow("FSxDelete", "fsx", "DeleteFileSystem", fsx),
        allow("HeadnodeGroupCreate", "ec2", "CreateSecurityGroup", [groups, "arn:aws:ec2:*:*:vpc/*"]),
        allow("HeadnodeGroupTags", "ec2", "CreateTags", groups, making),
        allow("HeadnodeGroupRules", "ec2", "AuthorizeSecurityGroupIngress", groups, tagged),
        allow("HeadnodeGroupDescribe", "ec2", "DescribeSecurityGroups"),
        allow("HeadnodeGroupDelete", "ec2", "DeleteSecurityGroup", groups, tagged),
    ]


def secrets() -> list[dict[str, Any]]:
    """Secrets of pipelines, under the prefix that the roles of jobs may read."""
    named = "arn:aws:secretsmanager:*:*:secret:tower-*"
    return [
        allow("PipelineSecretsListing", "secretsmanager", "ListSecrets"),
        allow(
            "PipelineSecretsManagement", "secretsmanager", "CreateSecret DeleteSecret DescribeSecret", named
        ),
    ]


WORK_DIR = "<BUCKET_NAME>/WORKDIR"
"""Stands for the work directory where no config says it."""
JOBS = ("BatchEnvironmentListing", "BatchJobsManagement", "HeadnodeJobs")
FORGE = ("BatchEnvironmentManagement", "LaunchTemplateManagement", "IAMRoleAndProfileManagement")
GROUP_MADE = ("HeadnodeGroupCreate", "HeadnodeGroupTags", "HeadnodeGroupRules")
EFS_MADE, FSX_MADE = ("EFSDescribe", "EFSCreate", "EFSLifecycle"), ("FSxDescribe", "FSxCreate", "FSxDelete")
EFS_GONE, FSX_GONE = ("EFSDescribe", "EFSDelete"), ("FSxDescribe", "FSxDelete")
GROUP_GONE = ("HeadnodeGroupDescribe", "HeadnodeGroupDelete")
LOOKS = ("FetchOptimizedAMIMetadata", "EC2MetadataDescribe")
BY_STEP: Mapping[str, tuple[str, ...]] = {
    "create": (
        *(*FORGE, *JOBS, "HeadnodeTemplateTags", "PassRolesToBatch", "HeadnodeOwnRoles", *LOOKS),
        # What a file system turned out not to become is removed at once.
        *(*EFS_MADE, "EFSDelete", *FSX_MADE, *GROUP_MADE),
    ),
    "launch": JOBS,
    "logs": ("CloudWatchLogsAccess", "S3ReadOnlyNextflowLogFiles"),
    "reap": JOBS,
    "dispose": (*FORGE, *JOBS, *EFS_GONE, *FSX_GONE, *GROUP_GONE),
}


def policy(
    step: str | None = None, prefix: str = "TowerForge", config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The IAM policy document of one step, or (None) of them all. `config`: an environment's, for the least
    that its options need; without one, what any options with Forge may need. Secrets are in the policy of
    all steps only: those whose pipelines have none leave them out. Pure; a new value each time. Raises
    Invalid for a step that does not exist."""
    if step is not None and step not in BY_STEP:
        raise Invalid(Fault("step", f"{step!r} is not one of {', '.join(BY_STEP)}"))
    known = statements(str((config or {}).get("forgePrefix") or prefix))
    wanted = list(known) if step is None else list(BY_STEP[step])
    chosen = [copy.deepcopy(known[sid]) for sid in wanted]
    said = chosen if config is None else narrowing.narrowed(chosen, dict(config))
    return {"Version": "2012-10-17", "Statement": said}
