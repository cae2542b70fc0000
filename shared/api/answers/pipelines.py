"""Pipelines as the public API shows them."""

from collections.abc import Mapping
from typing import Any

from shared.api.answers import labels as label_answers
from shared.api.answers.environments import text
from shared.api.answers.shape import iso, present
from shared.api.tenancy import shown_workspace
from shared.model.environment import Environment
from shared.model.label import Label
from shared.model.pipeline import Pipeline, PipelineVersion


def pipeline(
    record: Pipeline,
    labels: Mapping[int, Label],
    environment: Environment | None,
    version: PipelineVersion | None = None,
) -> dict[str, Any]:
    """A pipeline. In a listing its version is no more than an id."""
    known = {"id": record.version_id, "isDefault": True}
    return present(
        pipelineId=int(record.id),
        name=record.name,
        description=record.description or None,
        icon=record.icon or None,
        repository=record.repository,
        userId=record.user_id,
        userName=record.owner,
        **shown_workspace(record.workspace_id),
        visibility="PRIVATE",
        deleted=False,
        lastUpdated=iso(record.updated_at),
        labels=label_answers.of(record, labels),
        computeEnv=place(environment),
        version=full(record, version) if version else known,
    )


def full(record: Pipeline, version: PipelineVersion) -> dict[str, Any]:
    """A version of a pipeline."""
    return present(
        id=version.id,
        name=version.name or None,
        hash=version.hash,
        isDefault=version.id == record.version_id,
        creatorUserId=version.user_id,
        creatorUserName=record.owner,
        dateCreated=iso(version.created_at),
        lastUpdated=iso(version.updated_at),
    )


def place(environment: Environment | None) -> dict[str, Any] | None:
    """Where it is launched unless somebody says otherwise."""
    if environment is None:
        return None
    return present(
        id=environment.id,
        name=environment.name,
        platform=environment.platform,
        region=text(environment.config.get("region")),
    )
