"""How wiring makes this platform's parts."""

from pathlib import Path
from typing import Any

from shared.errors import Fault
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.aws import lookups
from shared.providers.aws.batch import permissions
from shared.providers.aws.batch.cloud import AwsBatch
from shared.providers.aws.batch.form import form
from shared.providers.aws.clients import Clients
from shared.providers.aws.wired import clients, logs, regions

__all__ = ["clients", "faults", "logs", "policy", "provider", "regions"]


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
) -> AwsBatch:
    """The provider of an environment."""
    return AwsBatch(environment, clients, settings, clock)


def faults(config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words."""
    return form(config)


def policy(step: str | None, settings: Settings, config: dict[str, Any] | None) -> dict[str, Any]:
    """The permissions of a step (None: of them all), with a config the least that its options need."""
    return permissions.policy(step, settings.forge_prefix, config)


def look_ups(clients: Clients, region: str) -> dict[str, Any]:
    """What the account offers to somebody who fills in a config."""
    return lookups.batch(clients, region)
