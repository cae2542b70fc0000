"""What every call of one environment is made with, and the names that follow from it."""

from dataclasses import dataclass, field

from shared.model import tags
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.aws.clients import Clients
from shared.providers.aws.options import Options, read


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
