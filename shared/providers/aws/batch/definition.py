"""The head job's definition: a container that carries out `headjob.SCRIPT`. Made once for an environment, so
that a launch is one submission.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared.errors import Refused
from shared.model.environment import Made, ResourceRow
from shared.nextflow.headjob import SCRIPT
from shared.providers.aws.batch.account import BatchAccount, batching

DIGEST = "headnode:definition"
"""The tag that tells whether a revision is the one that is wanted."""


def wanted(account: BatchAccount, name: str, made: Mapping[str, ResourceRow]) -> dict[str, Any]:
    """The request, with its own digest among the tags. The same environment makes the same request."""
    options = account.batch
    container: dict[str, Any] = {
        "image": options.image,
        "command": ["sh", "-c", SCRIPT],
        "resourceRequirements": [
            {"type": "VCPU", "value": str(options.head_cpus)},
            {"type": "MEMORY", "value": str(options.head_memory)},
        ],
    }
    for field, own, key in (
        ("jobRoleArn", options.head_role, "head-role"),
        ("executionRoleArn", options.execution_role, "execution"),
    ):
        arn = own or (made[key].facts["arn"] if key in made else "")
        if arn:
            container[field] = arn
    mounts = enumerate(options.mounted if not options.fargate else ())
    for number, (host, path, reading) in mounts:
        name_of = f"mounted{number}"
        container.setdefault("volumes", []).append({"name": name_of, "host": {"sourcePath": host}})
        point = {"sourceVolume": name_of, "containerPath": path, "readOnly": reading}
        container.setdefault("mountPoints", []).append(point)
    if options.fargate:
        container["networkConfiguration"] = {"assignPublicIp": "ENABLED"}
    request: dict[str, Any] = {
        "jobDefinitionName": name,
        "type": "container",
        "platformCapabilities": ["FARGATE" if options.fargate else "EC2"],
        "containerProperties": container,
        "propagateTags": True,
    }
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:32]
    return {**request, "tags": {**account.carried, DIGEST: digest}}


def ensure(account: BatchAccount, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
    """The newest revision when it is the one that is wanted, else a new one; older ones are retired."""
    request = wanted(account, row.name, made)
    revisions = active(account, row.name)
    equal = [each for each in revisions if each["tags"].get(DIGEST) == request["tags"][DIGEST]]
    if equal:
        arn = str(equal[0]["jobDefinitionArn"])
    else:
        with batching("batch:RegisterJobDefinition"):
            arn = str(account.clients.batch.register_job_definition(**request)["jobDefinitionArn"])
    for each in revisions:
        if each["jobDefinitionArn"] != arn:
            retire(account, each["jobDefinitionArn"])
    return Made(cloud_id=arn)


def active(account: BatchAccount, name: str) -> list[dict[str, Any]]:
    """The revisions in use, newest first. Raises Refused when one is not ours."""
    pages = account.clients.batch.get_paginator("describe_job_definitions")
    with batching("batch:DescribeJobDefinitions"):
        found = [
            each
            for page in pages.paginate(jobDefinitionName=name, status="ACTIVE")
            for each in page["jobDefinitions"]
        ]
    if any(not account.owns(each) for each in found):
        raise Refused(f"job definition {name} exists and is not ours: it lacks our tags")
    return sorted(found, key=lambda each: -int(each["revision"]))


def retire(account: BatchAccount, arn: str) -> None:
    """Takes a revision out of use; jobs that were submitted with it go on."""
    with batching("batch:DeregisterJobDefinition"):
        account.clients.batch.deregister_job_definition(jobDefinition=arn)


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """Retires every revision; True once none is in use (AWS forgets them itself after 180 days)."""
    for each in active(account, row.name):
        retire(account, each["jobDefinitionArn"])
    return not active(account, row.name)
