"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.logs.cloudwatch import AwsLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.aws import permissions
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud
from shared.providers.aws.form import form as faults
from shared.providers.aws.lookups import cloud as look_ups
from shared.providers.aws.lookups import prove, regions

__all__ = ["clients", "faults", "logs", "look_ups", "policy", "prove", "provider", "regions"]


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> Clients:
    """Clients of these credentials (None: the host's own role); nothing is imported or called yet."""
    return Clients(keys, region, installation=settings.installation)


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
    registries: Registries,  # noqa: ARG001
) -> AwsCloud:
    """The provider of an environment."""
    return AwsCloud(environment, clients, settings, clock)


def logs(environment: Environment, clients: Clients, root: Path) -> AwsLogs:  # noqa: ARG001
    """The log source of an environment."""
    return AwsLogs(environment, clients)


def policy(
    step: str | None,
    settings: Settings,
    config: dict[str, Any] | None,  # noqa: ARG001 (the published policy is the same for all options)
) -> dict[str, Any]:
    """The permissions of a step (None: of them all)."""
    return permissions.policy(step, settings.forge_prefix)
