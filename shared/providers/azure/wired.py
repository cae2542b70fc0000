"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault
from shared.logs.azure import AzureLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.azure import catalogue, form, lookups, permissions
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> Clients:  # noqa: ARG001
    """Clients of these credentials (None: the host's own identity); nothing is imported or called yet."""
    return Clients(keys)


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
) -> AzureCloud:
    """The provider of an environment."""
    return AzureCloud(environment, clients, settings, clock)


def logs(environment: Environment, clients: Clients, root: Path) -> AzureLogs:  # noqa: ARG001
    """The log source of an environment."""
    return AzureLogs(environment, clients)


def faults(config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words."""
    return form.form(config)


def policy(
    step: str | None,
    settings: Settings,  # noqa: ARG001
    config: dict[str, Any] | None,  # noqa: ARG001 (the role is the same for all options)
) -> dict[str, Any]:
    """The permissions of a step (None: of them all)."""
    return permissions.policy(step)


def regions() -> tuple[str, ...]:
    """Where the platform can be had."""
    return catalogue.regions()


def look_ups(clients: Clients, region: str) -> dict[str, Any]:
    """What the subscription offers to somebody who fills in a config."""
    return lookups.cloud(clients, region)


def prove(clients: Clients) -> str:
    """Whether the cloud accepts the credentials; what of them was not checked."""
    return lookups.prove(clients)
