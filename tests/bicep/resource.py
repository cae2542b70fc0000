"""A resource of a Bicep file, and what other statements see of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bicep.syntax import Wrong


@dataclass
class Resource:
    """One that is deployed, or that exists already. `body` has its values; `parent` is its parent's id."""

    type: str
    version: str
    id: str
    name: str
    body: dict[str, Any]
    existing: bool = False
    nested: dict[str, "Resource"] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """What other statements see of it. Raises Wrong for what is neither written nor known of its type."""
        if name in ("id", "name"):
            return getattr(self, name)
        if name == "identity" and "identity" in self.body:
            return {"principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, self.id))}
        if name == "properties":
            return known(self)
        raise Wrong(f"{self.type} has no {name}")


def known(resource: Resource) -> dict[str, Any]:
    """Properties that Azure adds to a resource, by the types that we ask for any."""
    name = resource.name
    of_type: Mapping[str, dict[str, Any]] = {
        "Microsoft.Storage/storageAccounts": {
            "primaryEndpoints": {"blob": f"https://{name}.blob.core.windows.net/"}
        },
        "Microsoft.KeyVault/vaults/keys": {
            "keyUri": f"https://{resource.id.split('/')[-3]}.vault.azure.net/keys/{name}"
        },
        "Microsoft.Insights/components": {"ConnectionString": f"InstrumentationKey={uuid.UUID(int=0)}"},
    }
    return {**resource.body.get("properties", {}), **of_type.get(resource.type, {})}
