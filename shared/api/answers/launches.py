"""Stored launches, of pipelines and of actions, as the public API shows them."""

from typing import Any

from shared.api.answers.runs import LAUNCH_FIELDS, environment_of
from shared.api.answers.shape import iso, present
from shared.model.action import Action
from shared.model.environment import Environment
from shared.model.pipeline import Pipeline, PipelineVersion

OWN = ("id", "computeEnv", "dateCreated", "lastUpdated", "workspaceId", "resumeLaunchId")
"""What a launch is shown with and nobody asks for."""


def stored(asked: dict[str, Any]) -> dict[str, Any]:
    """A launch request as it is kept: all that was sent but what is the launch's own."""
    return {name: value for name, value in asked.items() if name not in OWN}


def of_pipeline(
    pipeline: Pipeline, version: PipelineVersion, environment: Environment | None
) -> dict[str, Any]:
    """What a version of a pipeline launches."""
    found = launch(version.launch, environment)
    return {**found, "id": pipeline.launch_id, **dates(version.created_at, version.updated_at)}


def of_action(action: Action, environment: Environment | None) -> dict[str, Any]:
    """What an action launches."""
    found = launch(action.launch, environment)
    return {**found, "id": action.launch_id, **dates(action.created_at, action.updated_at)}


def launch(asked: dict[str, Any], environment: Environment | None) -> dict[str, Any]:
    """The launch itself. Clients fail without a work directory: what is not said is the environment's."""
    given = {name: asked[name] for name in (*LAUNCH_FIELDS, "runName") if asked.get(name) is not None}
    place = environment.config.get("workDir") if environment else None
    return present(**{"workDir": place, **given}, computeEnv=environment_of(environment))


def dates(created_at: float, updated_at: float) -> dict[str, Any]:
    """When it was made and changed."""
    return present(dateCreated=iso(created_at), lastUpdated=iso(updated_at))
