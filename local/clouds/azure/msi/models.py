"""An identity is a resource and a principal of the directory."""

from typing import TYPE_CHECKING, Any

from local.clouds.azure.entra.models import TENANT

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


def properties_of(state: "State", id: str) -> dict[str, Any]:
    """The properties of an identity; a principal is made for a new one. One that is made again under
    its old name is another principal."""
    found = state.store.get(id)
    if found:
        return found.properties
    name = id.rpartition("/")[2]
    salt = f"{id.lower()}/{state.now}/{state.directory.born}"
    principal = state.directory.add(name, now=state.now, resource_id=id, salt=salt)
    return {
        "tenantId": TENANT,
        "principalId": principal.object_id,
        "clientId": principal.client_id,
        "isolationScope": "None",
    }
