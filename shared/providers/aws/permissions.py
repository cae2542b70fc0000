"""The permissions that AWS Cloud needs in a user's account, by step.

`permissions.json` holds the policies that the public platform publishes for this environment type, so
that people can keep the policy they have: `full`, and one block each for `create`, `validate`,
`launch` (which includes logs and the end of a machine), `dispose` and `discover` (optional look-ups).
"""

import copy
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault, Invalid

PUBLISHED_PREFIX = "TowerForge"
"""The name prefix in the published policies."""

BY_STEP: Mapping[str, tuple[str, ...]] = {
    "create": ("AwsCloudCreate", "AwsCloudCreatePassRole", "AwsCloudValidate", "AwsCloudRead"),
    # EC2 asks for iam:PassRole again when a machine is started with the role.
    "launch": ("AwsCloudLaunchEC2", "AwsCloudCreatePassRole"),
    "logs": ("AwsCloudLaunchLogs", "AwsCloudLaunchS3"),
    "reap": ("AwsCloudLaunchEC2",),
    "dispose": ("AwsCloudDelete",),
}
"""Step -> the ids of the published statements that cover every call it makes."""

BLOCKS = ("create", "validate", "launch", "dispose", "discover")


def policy(step: str | None = None, prefix: str = PUBLISHED_PREFIX) -> dict[str, Any]:
    """The IAM policy document of one step, or of them all, for resources that are named `prefix-*`.

    `<BUCKET_NAME>/WORKDIR` in a step's policy stands for the work directory. Pure; a new value each
    time. Raises Invalid for a step that does not exist."""
    if step is None:
        return named(published()["full"], prefix)
    if step not in BY_STEP:
        raise Invalid(Fault("step", f"{step!r} is not one of {', '.join(BY_STEP)}"))
    known = {each["Sid"]: each for block in BLOCKS for each in published()[block]["Statement"]}
    return named({"Version": "2012-10-17", "Statement": [known[sid] for sid in BY_STEP[step]]}, prefix)


def named(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A copy of the document for another name prefix."""
    document = copy.deepcopy(document)
    for statement in document["Statement"]:
        resource = statement["Resource"]
        statement["Resource"] = (
            [each.replace(f"/{PUBLISHED_PREFIX}-", f"/{prefix}-") for each in resource]
            if isinstance(resource, list)
            else resource.replace(f"/{PUBLISHED_PREFIX}-", f"/{prefix}-")
        )
    return document


@functools.cache
def published() -> dict[str, Any]:
    """The published documents by block. Read once; not to be changed."""
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found
