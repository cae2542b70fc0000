"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.logs.azurebatch import BatchLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.azure.batch import permissions
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from shared.providers.azure.batch.form import form as faults
from shared.providers.azure.batch.lookups import batch as look_ups
from shared.providers.azure.batch.lookups import prove
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
    registries: Registries,
) -> AzureBatch:
    """The provider of an environment."""
    return AzureBatch(environment, clients, settings, clock, registries)


def logs(environment: Environment, clients: BatchClients, root: Path) -> BatchLogs:  # noqa: ARG001
    """The log source of an environment."""
    return BatchLogs(environment, clients)


def policy(
    step: str | None,
    settings: Settings,  # noqa: ARG001
    config: dict[str, Any] | None,  # noqa: ARG001 (the role is the same for all options)
) -> dict[str, Any]:
    """The permissions of a step (None: of them all)."""
    return permissions.policy(step)
