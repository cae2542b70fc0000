"""What every call of one environment is made with, and the names that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model import tags
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.aws.clients import Clients
from shared.providers.aws.options import Options, read

LABEL_LIMIT, KEY_LIMIT, VALUE_LIMIT = 40, 128, 256
"""Labels of the user on one resource, and characters in one. EC2 and IAM take 50 tags; the rest are ours."""
RESERVED = ("aws:", "headnode:")


@dataclass(frozen=True)
class Account:
    """One environment's place in somebody's AWS account."""

    environment: Environment
    clients: Clients
    settings: Settings
    clock: Clock
    options: Options = field(init=False)

    def __post_init__(self) -> None:
        """Reads the config once."""
        object.__setattr__(self, "options", read(self.environment, self.settings))

    @property
    def role_name(self) -> str:
        """The instance role; its name holds the environment's id, so nobody else's has it."""
        return self._named("role", "InstanceRole")

    @property
    def profile_name(self) -> str:
        """The instance profile."""
        return self._named("profile", "InstanceProfile")

    def _named(self, key: str, suffix: str) -> str:
        """What the record calls it; the prefix may have changed since it was made."""
        recorded = (row.name for row in self.environment.resources if row.key == key)
        return next(recorded, f"{self.options.prefix}-{self.environment.id}-{suffix}")

    @property
    def tags(self) -> dict[str, str]:
        """On everything that the environment makes."""
        return {
            tags.INSTALLATION: self.settings.installation,
            tags.ENVIRONMENT: self.environment.id,
        }

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels (of the environment, and `labels` of the config), as far as AWS takes them as
        tags."""
        given = self.environment.config.get("labels")
        return takeable({**self.environment.tags, **(given if isinstance(given, dict) else {})})


def takeable(labels: Mapping[str, Any]) -> dict[str, str]:
    """Labels as tags: within AWS's lengths, none that AWS or headnode reserves, and of two keys that
    differ in case only, which IAM takes for one, the first. At most LABEL_LIMIT, in order of their keys."""
    taken: dict[str, str] = {}
    seen: set[str] = set()
    for key, value in sorted((str(key), str(value)) for key, value in labels.items()):
        if not 0 < len(key) <= KEY_LIMIT or key.lower().startswith(RESERVED) or key.lower() in seen:
            continue
        seen.add(key.lower())
        taken[key] = value[:VALUE_LIMIT]
    return dict(list(taken.items())[:LABEL_LIMIT])
