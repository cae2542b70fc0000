"""What every call of one environment is made with, and the names and ids that follow from it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Fault, Invalid
from shared.model import tags
from shared.model.environment import Environment, ResourceRow
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.azure.clients import Clients
from shared.providers.azure.errors import Answer
from shared.providers.azure.options import Options, read

LABEL_LIMIT, KEY_LIMIT, VALUE_LIMIT = 40, 512, 256
"""Labels of the user on one resource, and characters in one. Azure takes 50 tags; the rest are ours."""
RESERVED = ("headnode:", "microsoft", "azure", "windows", "hidden-")
FORBIDDEN = frozenset("<>%&\\?/")
"""Characters that Azure does not take in the name of a tag."""
SPACE = uuid.UUID("6d0e9a3b-6f0b-5a53-9d0e-2f5c1f6e7a10")
"""Our own namespace of deterministic GUIDs."""


@dataclass(frozen=True)
class Account:
    """One environment's place in somebody's Azure subscription."""

    environment: Environment
    clients: Clients
    settings: Settings
    clock: Clock
    options: Options = field(init=False)

    def __post_init__(self) -> None:
        """Reads the config once."""
        object.__setattr__(self, "options", read(self.environment, self.settings))

    @property
    def subscription(self) -> str:
        """`/subscriptions/<id>`. Raises Invalid when nobody says which."""
        found = self.options.subscription or self.clients.subscription
        if not found:
            raise Invalid(Fault("subscriptionId", "missing: neither the config nor the credentials name one"))
        return f"/subscriptions/{found}"

    @property
    def group_name(self) -> str:
        """The resource group: the user's own, or ours."""
        return self.options.group or self.named("group", "")

    @property
    def group(self) -> str:
        """The resource group's id."""
        return f"{self.subscription}/resourceGroups/{self.group_name}"

    @property
    def identity_id(self) -> str:
        """The id of the identity that machines have."""
        name = self.named("identity", "identity")
        return self.options.identity_id or self.of("Microsoft.ManagedIdentity/userAssignedIdentities", name)

    @property
    def network_id(self) -> str:
        """The id of the network that machines stand in."""
        given = self.options.network_id
        return given or self.of("Microsoft.Network/virtualNetworks", self.named("network", "vnet"))

    @property
    def storage_name(self) -> str:
        """The storage account of the work directory; empty when nobody names one."""
        return self.options.storage_account or self.clients.storage_name

    @property
    def age(self) -> float:
        """Seconds since the environment was asked for."""
        return self.clock.now() - self.environment.created_at

    def named(self, key: str, suffix: str) -> str:
        """What the record calls a resource; the prefix may have changed since it was made."""
        recorded = next((row.name for row in self.environment.resources if row.key == key), "")
        return recorded or "-".join(filter(None, (self.options.prefix, self.environment.id, suffix)))

    def of(self, kind: str, name: str) -> str:
        """The id of a resource in the environment's group."""
        return f"{self.group}/providers/{kind}/{name}"

    def guid(self, purpose: str) -> str:
        """The same GUID for the same purpose of this environment, and no other."""
        return str(uuid.uuid5(SPACE, "/".join((self.settings.installation, self.environment.id, purpose))))

    def row(self, key: str) -> ResourceRow | None:
        """The record's row of a resource, once it has one."""
        return next((row for row in self.environment.resources if row.key == key), None)

    def fact(self, key: str, name: str) -> str:
        """What the cloud told of a resource when it was made; empty when it did not."""
        row = self.row(key)
        return row.facts.get(name, "") if row else ""

    @property
    def tags(self) -> dict[str, str]:
        """On everything that the environment makes and that takes tags."""
        return {
            tags.INSTALLATION: self.settings.installation,
            tags.ENVIRONMENT: self.environment.id,
        }

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels (of the environment, and `labels` of the config), as far as Azure takes them as
        tags."""
        given = self.environment.config.get("labels")
        return takeable({**self.environment.tags, **(given if isinstance(given, dict) else {})})

    def is_ours(self, shown: Answer) -> bool:
        """Whether a resource carries this installation's and this environment's tags."""
        return self.tags.items() <= tags_of(shown.body).items()


def tags_of(shown: Mapping[str, Any]) -> dict[str, str]:
    """A resource's tags."""
    found = shown.get("tags")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def takeable(labels: Mapping[str, Any]) -> dict[str, str]:
    """Labels as tags: within Azure's lengths and characters, none that Azure or headnode reserves, and of
    two keys that differ in case only, which Azure takes for one, the first. At most LABEL_LIMIT, in order
    of their keys."""
    taken: dict[str, str] = {}
    seen: set[str] = set()
    for key, value in sorted((str(key), str(value)) for key, value in labels.items()):
        reserved = key.lower().startswith(RESERVED) or bool(FORBIDDEN & set(key))
        if not 0 < len(key) <= KEY_LIMIT or reserved or key.lower() in seen:
            continue
        seen.add(key.lower())
        taken[key] = value[:VALUE_LIMIT]
    return dict(list(taken.items())[:LABEL_LIMIT])
