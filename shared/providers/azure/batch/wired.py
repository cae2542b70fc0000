"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault
from shared.logs.azurebatch import BatchLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.azure.batch import form, lookups, permissions
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from shared.providers.azure.batch.offered import sizes
from shared.providers.azure.wired import regions

__all__ = ["clients", "faults", "logs", "look_ups", "policy", "prove", "provider", "regions", "sizes"]

CHANGEABLE = tuple(
    f"forge.{pool}{field}"
    for pool in ("", "headPool.", "workerPool.")
    for field in ("vmCount", "minVmCount", "scaleInterval")
)
"""What pools are told anew with the next look (`growing`); all else is part of what they are made of."""


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> BatchClients:  # noqa: ARG001
    """Clients of these credentials (None: the host's own identity); nothing is imported or called yet."""
    return BatchClients(keys)


def provider(
    environment: Environment,
    clients: BatchClients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
) -> AzureBatch:
    """The provider of an environment."""
    return AzureBatch(environment, clients, settings, clock)


def logs(environment: Environment, clients: BatchClients, root: Path) -> BatchLogs:  # noqa: ARG001
    """The log source of an environment."""
    return BatchLogs(environment, clients)


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


def look_ups(clients: BatchClients, region: str) -> dict[str, Any]:
    """What the accounts offer to somebody who fills in a config."""
    return lookups.batch(clients, region)


def prove(clients: BatchClients) -> str:
    """Whether the cloud accepts the credentials; what of them was not checked."""
    return lookups.prove(clients)
