"""/headnode/launch/config: the Nextflow config that a launch would have, without launching anything."""

from typing import Annotated, Any

from fastapi import Depends

from shared.api.auth import ByUser
from shared.api.bodies import SubmitLaunch
from shared.api.intake import Here, InWorkspace, body
from shared.api.launch import filled
from shared.api.routes import Routes
from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt
from shared.nextflow import command
from shared.nextflow.settings import Setting, merged
from shared.ports import World
from shared.steps import launching

router = Routes(prefix="/headnode", tags=["headnode"])


@router.post("/launch/config")
def show_config(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    request: Annotated[SubmitLaunch, Depends(body(SubmitLaunch))],
) -> dict[str, Any]:
    """The config files of such a launch in the order in which Nextflow reads them, all laid over the
    pipeline's own; each setting that they make, whose it is, and what it replaces; and for what such a
    launch would fail before it has a machine. Changes nothing."""
    asked = filled(world, workspace, request.launch.whole())
    environment = launching.environment_for(world, workspace, str(asked.get("computeEnvId") or ""))
    launch = launching.whole(asked, environment)
    files = config_files(world, environment, launch)
    faults = launching.faults(world, environment, launch)
    found = merged([(source_of(name), text) for name, text in files.items()])
    return {
        "files": [{"name": name, "source": source_of(name), "text": text} for name, text in files.items()],
        "settings": [shown(each) for each in found.settings],
        "unread": [{"source": source, "text": text} for source, text in found.unread],
        "faults": [{"field": each.field, "message": each.message} for each in faults],
    }


def config_files(world: World, environment: Environment, launch: dict[str, Any]) -> dict[str, str]:
    """The config files of a launch, by name, in their order. The run's id, which is not given yet, is RUN."""
    run = launching.planned(environment, launch)
    platform = world.provider(environment).spec(run, Attempt(number=1, offer=Offer(machine_type="")))
    azure, tasks = dict(platform.get("azure", {})), str(platform.get("tasks") or "")
    texts = command.files(run.id, environment.platform, environment.config, launch, azure, tasks)
    return {name: texts[name] for name in sorted(texts) if name.endswith(".config")}


def source_of(name: str) -> str:
    """Whose a file is: `environment`, `headnode` or `launch`."""
    return name.removesuffix(".config").rpartition("-")[2]


def shown(setting: Setting) -> dict[str, Any]:
    """A setting as it is shown."""
    over = [{"source": source, "value": value} for source, value in setting.over]
    return {"name": setting.name, "value": setting.value, "source": setting.source, "over": over}
