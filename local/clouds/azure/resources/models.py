"""A resource group takes everything in it along when it goes."""

from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPE = "Microsoft.Resources/resourceGroups"
WORKSPACE = "microsoft.operationalinsights/workspaces"


def empty(state: "State", group: Resource) -> None:
    """Removes what is in a group: identities leave the directory, workspaces can come back for a
    while. Role definitions do not live in groups."""
    for each in state.store.under(group.id):
        state.store.remove(each)
        if each.type.lower() == WORKSPACE:
            state.soft_deleted[each.id.lower()] = each
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
