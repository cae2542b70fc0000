"""The permissions that calls to Batch need (AWS's service authorization reference for Batch)."""

from collections.abc import Iterator
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.batch.places import role_named
from local.clouds.aws.call import Call
from local.clouds.aws.permissions.policy import Need

_KINDS = {
    "ComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "JobQueue": ("job-queue", "jobQueue"),
}
_ANYWHERE = (
    "DescribeComputeEnvironments",
    "DescribeJobDefinitions",
    "DescribeJobQueues",
    "DescribeJobs",
    "ListJobs",
)


def needs(call: Call) -> list[Need] | None:
    """What a call needs; None for one that is not modelled."""
    name = f"batch:{call.action}"
    if call.action in _ANYWHERE:
        return [Need(name)]
    resources = _resources(call)
    if not resources:
        return None
    # A submission is asked of the definition and of the queue, each by itself.
    found = [Need(name, (each,)) for each in resources]
    if call.params.get("tags") and call.action.startswith(("Create", "Register", "Submit")):
        made = f"arn:aws:batch:{call.region}:{backends.ACCOUNT}:job/*"
        tagged = [made] if call.action == "SubmitJob" else resources
        found += [Need("batch:TagResource", (each,)) for each in tagged]
    return [*found, *_passed(call)]


def _resources(call: Call) -> list[str]:
    params, start = call.params, f"arn:aws:batch:{call.region}:{backends.ACCOUNT}"
    for suffix, (kind, field) in _KINDS.items():
        if call.action.endswith(suffix):
            named = str(params.get(f"{field}Name") or params.get(field, ""))
            return [named if named.startswith("arn:") else f"{start}:{kind}/{named}"]
    if call.action == "SubmitJob":
        definition, queue = str(params["jobDefinition"]), str(params["jobQueue"])
        return [
            definition if definition.startswith("arn:") else f"{start}:job-definition/{definition}",
            queue if queue.startswith("arn:") else f"{start}:job-queue/{queue}",
        ]
    if call.action == "RegisterJobDefinition":
        return [f"{start}:job-definition/{params['jobDefinitionName']}"]
    if call.action == "DeregisterJobDefinition":
        return [str(params["jobDefinition"])]
    if call.action in ("TerminateJob", "CancelJob"):
        return [f"{start}:job/{params['jobId']}"]
    return [str(params["resourceArn"])] if call.action in ("TagResource", "UntagResource") else []


def _passed(call: Call) -> Iterator[Need]:
    """The roles that are handed on, each with the service that will take it."""
    container: dict[str, Any] = call.params.get("containerProperties") or {}
    resources: dict[str, Any] = call.params.get("computeResources") or {}
    profile = backends.instance_profile(str(resources.get("instanceRole", "")))
    given = [
        (call.params.get("serviceRole"), "batch.amazonaws.com"),
        (resources.get("spotIamFleetRole"), "spotfleet.amazonaws.com"),
        (profile.roles[0].arn if profile and profile.roles else None, "ec2.amazonaws.com"),
        (container.get("jobRoleArn"), "ecs-tasks.amazonaws.com"),
        (container.get("executionRoleArn"), "ecs-tasks.amazonaws.com"),
    ]
    for named, service in given:
        role = role_named(str(named)) if named else None
        if role:
            yield Need("iam:PassRole", (role.arn,), {"iam:PassedToService": service})
