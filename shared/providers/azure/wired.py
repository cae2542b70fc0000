"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.logs.azure import AzureLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.azure import permissions
from shared.providers.azure.catalogue import regions
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from shared.providers.azure.form import form as faults
from shared.providers.azure.lookups import cloud as look_ups
from shared.providers.azure.lookups import prove

__all__ = ["clients", "faults", "logs", "look_ups", "policy", "prove", "provider", "regions"]


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> Clients:  # noqa: ARG001
    """Clients of these credentials (None: the host's own identity); nothing is imported or called yet."""
    return Clients(keys)


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
    registries: Registries,  # noqa: ARG001
) -> AzureCloud:
    """The provider of an environment."""
    return AzureCloud(environment, clients, settings, clock)


def logs(environment: Environment, clients: Clients, root: Path) -> AzureLogs:  # noqa: ARG001
    """The log source of an environment."""
    return AzureLogs(environment, clients)


def policy(
    step: str | None,
    settings: Settings,  # noqa: ARG001
    config: dict[str, Any] | None,  # noqa: ARG001 (the role is the same for all options)
) -> dict[str, Any]:
    """The permissions of a step (None: of them all)."""
    return permissions.policy(step)
