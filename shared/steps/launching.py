"""From what a client asks to launch to what is launched: where it runs, and what that place says."""

from typing import Any

from shared.errors import Fault, Invalid, Refused, Retry
from shared.model.environment import Environment
from shared.model.run import Run
from shared.ports import World
from shared.steps.environment_changes import primary_of

DEFAULTS = ("preRunScript", "postRunScript")
"""What an environment's config says for launches that say nothing."""
FIELD = "launch.computeEnvId"


def environment_for(world: World, workspace_id: int, id: str) -> Environment:
    """The environment that is asked for, or the primary one. Raises Invalid."""
    if id:
        return environment_named(world, workspace_id, id)
    found = primary_of(world, workspace_id)
    if found is None:
        raise Invalid(Fault(FIELD, "is required: there is no primary compute environment"))
    return found


def environment_named(world: World, workspace_id: int, id: str) -> Environment:
    """The environment of the workspace with this id. Raises Invalid."""
    found = world.store.get(Environment, id)
    if found is None or found.workspace_id != workspace_id or found.status == "DELETED":
        raise Invalid(Fault(FIELD, f"compute environment {id} not found"))
    return found


def whole(asked: dict[str, Any], environment: Environment) -> dict[str, Any]:
    """The launch as it is kept: what was asked for over what the environment says. Pure."""
    config = environment.config
    given = {name: config[name] for name in DEFAULTS if config.get(name)}
    return {**given, **asked, "computeEnvId": environment.id}


def planned(environment: Environment, launch: dict[str, Any]) -> Run:
    """The run that such a launch would be. Pure."""
    work_dir = str(launch.get("workDir") or environment.config.get("workDir") or "")
    return Run(id="RUN", name="run", session_id="session", launch=launch, work_dir=work_dir)


def faults(world: World, environment: Environment, launch: dict[str, Any]) -> list[Fault]:
    """For what such a launch would fail before it has a machine, by its own Nextflow config; none where it
    brings none. Calls nothing, and never raises: the launch step asks again, and says why it cannot."""
    if not (launch.get("configText") or launch.get("configProfiles")):
        return []
    try:
        return world.provider(environment).check_run(planned(environment, launch))
    except (Refused, Retry):
        return []
