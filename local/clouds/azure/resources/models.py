"""A resource group takes everything in it along when it goes."""

from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.batch import leaving as batch
from local.clouds.azure.operationalinsights.models import WORKSPACE, put_aside

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPE = "Microsoft.Resources/resourceGroups"


def empty(state: "State", group: Resource) -> None:
    """Removes what is in a group: identities leave the directory, workspaces can come back for a
    while. Role definitions do not live in groups."""
    inside = state.store.under(group.id)
    for each in inside:
        state.store.remove(each)
        if each.type.lower() == WORKSPACE.lower():
            tables = [t for t in inside if t.id.lower().startswith(f"{each.id.lower()}/tables/")]
            put_aside(state, each, tables)
        elif each.type.lower() == batch.TYPE.lower():
            batch.drop(state, each.name)
        elif "principalId" in each.properties and each.type.endswith("userAssignedIdentities"):
            state.directory.remove(each.properties["principalId"])


def matches(group: Resource, condition: str) -> bool:
    """Whether a group fits `tagName eq 'a' and tagValue eq 'b'`. Raises ValueError for other filters."""
    wanted = {}
    for part in filter(None, condition.split(" and ")):
        name, _, value = part.strip().partition(" eq ")
        if name not in ("tagName", "tagValue") or value[:1] + value[-1:] != "''":
            raise ValueError(condition)
        wanted[name] = value[1:-1]
    tags = group.body.get("tags") or {}
    if "tagName" not in wanted:
        return True
    return wanted["tagName"] in tags and wanted.get("tagValue") in (None, tags[wanted["tagName"]])
