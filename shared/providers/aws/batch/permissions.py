"""The permissions that AWS Batch needs in a user's account, by step and for the options chosen.

The statements are those that the public platform asks for, under its own ids, so that people can keep
the policy they have. `Headnode*` are ours beside it: to look for a job before it is submitted again, to
take marks off jobs, to retire job definitions, and to tag a launch template.
"""

import copy
from collections.abc import Mapping
from typing import Any

from shared.errors import Fault, Invalid

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
    queues, roles = f"arn:aws:batch:*:*:job-queue/{prefix}-*", f"arn:aws:iam::*:role/{prefix}-*"
    environments = f"arn:aws:batch:*:*:compute-environment/{prefix}-*"
    profiles = f"arn:aws:iam::*:instance-profile/{prefix}-*"
    jobs = ["arn:aws:batch:*:*:job-definition/*", queues, "arn:aws:batch:*:*:job/*"]
    services = ("batch", "ec2", "ecs-tasks", "spotfleet")
    passed = [f"{each}.amazonaws.com" for each in services]
    template = {"StringEquals": {"ec2:CreateAction": "CreateLaunchTemplate"}}
    all_of = (
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
            jobs,
        ),
        allow("HeadnodeJobs", "batch", "DeregisterJobDefinition ListJobs UntagResource"),
        allow(
            "LaunchTemplateManagement",
            "ec2",
            "CreateLaunchTemplate DeleteLaunchTemplate DescribeLaunchTemplates "
            "DescribeLaunchTemplateVersions",
        ),
        allow("HeadnodeTemplateTags", "ec2", "CreateTags", "arn:aws:ec2:*:*:launch-template/*", template),
        allow(
            "PassRolesToBatch",
            "iam",
            "PassRole",
            roles,
            {"StringEquals": {"iam:PassedToService": passed}},
        ),
        allow("IAMRoleAndProfileManagement", "iam", ROLE_ACTIONS, [roles, profiles]),
        allow(
            "EC2MetadataDescribe",
            "ec2",
            "DescribeImages DescribeInstanceTypes DescribeKeyPairs DescribeSecurityGroups DescribeSubnets "
            "DescribeVpcs",
        ),
        allow(
            "CloudWatchLogsAccess",
            "logs",
            "FilterLogEvents GetLogEvents",
            "arn:aws:logs:*:*:log-group:*:log-stream:*",
        ),
        allow("S3ReadOnlyNextflowLogFiles", "s3", "GetObject", "arn:aws:s3:::<BUCKET_NAME>/WORKDIR/*"),
    )
    return {each["Sid"]: each for each in all_of}


JOBS = ("BatchEnvironmentListing", "BatchJobsManagement", "HeadnodeJobs")
FORGE = ("BatchEnvironmentManagement", "LaunchTemplateManagement", "IAMRoleAndProfileManagement")
BY_STEP: Mapping[str, tuple[str, ...]] = {
    "create": (*FORGE, *JOBS, "HeadnodeTemplateTags", "PassRolesToBatch", "EC2MetadataDescribe"),
    "launch": JOBS,
    "logs": ("CloudWatchLogsAccess", "S3ReadOnlyNextflowLogFiles"),
    "reap": JOBS,
    "dispose": (*FORGE, *JOBS),
}
FORGE_ONLY = (*FORGE, "HeadnodeTemplateTags")
"""What an environment with the user's own queues does not need."""


def policy(step: str | None = None, prefix: str = "TowerForge", manual: bool = False) -> dict[str, Any]:
    """The IAM policy document of one step, or (None) of them all. `manual`: for queues and roles of the
    user's own. `<BUCKET_NAME>/WORKDIR` stands for the work directory. Pure; a new value each time. Raises
    Invalid for a step that does not exist."""
    if step is not None and step not in BY_STEP:
        raise Invalid(Fault("step", f"{step!r} is not one of {', '.join(BY_STEP)}"))
    known = statements(prefix)
    wanted = list(known) if step is None else list(BY_STEP[step])
    chosen = [copy.deepcopy(known[sid]) for sid in wanted if not (manual and sid in FORGE_ONLY)]
    for each in chosen if manual else ():
        each["Resource"] = widened(each["Resource"], prefix)
    return {"Version": "2012-10-17", "Statement": chosen}


def widened(resource: Any, prefix: str) -> Any:
    """A resource under names that are the user's own."""
    if isinstance(resource, list):
        return [widened(each, prefix) for each in resource]
    return str(resource).replace(f"{prefix}-*", "*")
