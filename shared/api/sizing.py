"""/headnode/platforms/{id}/sizes: which machine a task gets, and what would be cheaper."""

from typing import Any

from shared.api.auth import ByUser
from shared.api.intake import Here, MaybeWorkspace
from shared.api.platforms import check_place
from shared.api.routes import Routes
from shared.model.machine import Task

router = Routes(prefix="/headnode", tags=["headnode"])


@router.get("/platforms/{platform_id}/sizes")
def choose_size(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    platform_id: str,
    regionId: str = "",  # noqa: N803
    credentialsId: str = "",  # noqa: N803
    cpus: int = 1,
    memory: str = "",
    disk: str = "",
    machineType: str = "",  # noqa: N803
    arm: bool = False,
) -> dict[str, Any]:
    """Which VM size Nextflow takes in a region for a task with these directives when it makes its own pools
    (azure-batch), and a cheaper one that does the same work; null where there is none. With credentials also
    how many nodes of each their Batch account has room for: null where that is not known."""
    check_place(world, platform_id, regionId, credentialsId, workspace)
    task = Task(cpus=cpus, memory=memory, disk=disk, machine_type=machineType, arm=arm)
    return world.accounts.sizes(platform_id, regionId, credentialsId, task)
