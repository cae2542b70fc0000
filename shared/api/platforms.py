"""/platforms: where an environment can be made, and what can be chosen for it."""

from typing import Any

from shared.api import records
from shared.api.auth import ByUser
from shared.api.credentials import USABLE_ON
from shared.api.intake import Here, MaybeWorkspace
from shared.api.problem import Problem, bad, not_found
from shared.api.routes import Routes
from shared.errors import Fault, Forbidden, Refused

router = Routes(prefix="/platforms", tags=["platforms"])

NAMES = {
    "aws-batch": "Amazon Batch",
    "aws-cloud": "AWS Cloud",
    "azure-batch": "Azure Batch",
    "azure-cloud": "Azure Cloud",
    "local-platform": "This machine",
}
"""The platforms that there may be; a host has some of them."""


@router.get("")
def list_platforms(world: Here, _token: ByUser) -> dict[str, Any]:
    """Those that this host has, by name."""
    found = []
    for id, name in sorted(NAMES.items(), key=lambda item: item[1]):
        try:
            world.accounts.regions(id)
        except Refused:
            continue
        found.append({"id": id, "name": name, "credentialsProviders": list(USABLE_ON.get(id, ()))})
    return {"platforms": found}


@router.get("/{platform_id}")
def describe_platform(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    platform_id: str,
    regionId: str = "",  # noqa: N803
    credentialsId: str = "",  # noqa: N803
    nvme: bool = False,
) -> dict[str, Any]:
    """What the account of these credentials (none: the host's own) offers in a region. `warnings` name
    what could not be listed."""
    check_place(world, platform_id, regionId, credentialsId, workspace)
    try:
        found = world.accounts.look_ups(platform_id, regionId, credentialsId)
    except Forbidden as error:
        raise Problem(403, str(error)) from None
    except Refused as error:
        raise bad(Fault("credentialsId", str(error))) from None
    if nvme and "instanceTypes" in found:
        kept = [each for each in found["instanceTypes"] if "NVME" in each.get("features", ())]
        found = {**found, "instanceTypes": kept}
    return {"metainfo": {**found, "discriminator": platform_id}}


def check_place(world: Here, platform: str, region: str, credentials: str, workspace: int | None) -> None:
    """Raises Problem for a platform that this host does not have, a region that the platform does not have,
    and credentials that there are not or that are of no use there."""
    regions = regions_of(world, platform)
    if regions and region not in regions:
        raise bad(Fault("regionId", "must be one of /platforms/{platformId}/regions"))
    if credentials:
        used = records.credentials(world, credentials, workspace)
        usable = USABLE_ON.get(platform, ())
        if used.provider not in usable:
            said = f"are {used.provider}, {platform} takes {' or '.join(usable)}"
            raise bad(Fault("credentialsId", said))


@router.get("/{platform_id}/regions")
def list_regions(world: Here, _token: ByUser, platform_id: str) -> dict[str, Any]:
    """Where the platform can be had; none for one that has no regions."""
    return {"regions": [{"id": each, "name": each} for each in regions_of(world, platform_id)]}


def regions_of(world: Here, platform: str) -> list[str]:
    """A platform's regions. Raises Problem 404 for one that this host does not have."""
    try:
        return world.accounts.regions(platform)
    except Refused:
        raise not_found("platform", platform) from None
