"""How wiring makes this platform's parts."""

from pathlib import Path
from typing import Any

from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.aws.batch import permissions
from shared.providers.aws.batch.cloud import AwsBatch
from shared.providers.aws.batch.form import form as faults
from shared.providers.aws.clients import Clients
from shared.providers.aws.lookups import batch as look_ups
from shared.providers.aws.wired import clients, logs, regions

__all__ = ["clients", "faults", "logs", "look_ups", "policy", "provider", "regions"]


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
    registries: Registries,  # noqa: ARG001
) -> AwsBatch:
    """The provider of an environment."""
    return AwsBatch(environment, clients, settings, clock)


def policy(step: str | None, settings: Settings, config: dict[str, Any] | None) -> dict[str, Any]:
    """The permissions of a step (None: of them all), with a config the least that its options need."""
    return permissions.policy(step, settings.forge_prefix, config)
