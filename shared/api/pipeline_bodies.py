"""Request bodies of pipelines and actions."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StringConstraints, field_validator

from shared.api.bodies import CONFIG_TEXT, Body, Labels, LaunchFields, Line, Name, bounded

PipelineName = Annotated[Name, StringConstraints(max_length=99)]
Words = Annotated[str, StringConstraints(max_length=1000)]
Icon = Annotated[Line, StringConstraints(max_length=1024)]
VersionName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
]


class FirstVersion(Body):
    """The name of a pipeline's first version."""

    name: VersionName | None = None


class CreatePipeline(Body):
    """POST /pipelines"""

    name: PipelineName
    description: Words | None = None
    icon: Icon | None = None
    launch: LaunchFields
    label_ids: Labels | None = None
    version: FirstVersion | None = None


class UpdatePipeline(Body):
    """PUT /pipelines/{id}, POST /pipelines/{id}/versions/{version}"""

    name: PipelineName | None = None
    description: Words | None = None
    icon: Icon | None = None
    launch: LaunchFields | None = None
    label_ids: Labels | None = None


class ManageVersion(Body):
    """PUT /pipelines/{id}/versions/{version}/manage"""

    name: VersionName | None = None
    is_default: StrictBool | None = None


class CreateSchema(Body):
    """POST /pipeline-schemas"""

    content: Annotated[str, StringConstraints(min_length=2, max_length=CONFIG_TEXT)]

    @field_validator("content")
    @classmethod
    def _json(cls, value: str) -> str:
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("is not JSON") from None
        if not isinstance(parsed, dict):
            raise ValueError("must be a JSON object")
        return value


class CreateAction(Body):
    """POST /actions"""

    name: Name
    source: Literal["github", "tower", "bucket", "cron"]
    launch: LaunchFields


class UpdateAction(Body):
    """PUT /actions/{id}"""

    name: Name | None = None
    launch: LaunchFields | None = None


class LaunchAction(Body):
    """POST /actions/{id}/launch"""

    params: Annotated[dict[str, Any], Field(max_length=1000)] | None = None

    @field_validator("params")
    @classmethod
    def _small_enough(cls, value: Any) -> Any:
        return bounded(value)
