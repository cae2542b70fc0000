"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault
from shared.logs.cloudwatch import AwsLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock
from shared.providers.aws import lookups, permissions, validate
from shared.providers.aws.clients import Clients
from shared.providers.aws.cloud import AwsCloud


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> Clients:
    """Clients of these credentials (None: the host's own role); nothing is imported or called yet."""
    return Clients(keys, region, installation=settings.installation)


def provider(
    environment: Environment,
    clients: Clients,
    settings: Settings,
    clock: Clock,
    root: Path,  # noqa: ARG001
) -> AwsCloud:
    """The provider of an environment."""
    return AwsCloud(environment, clients, settings, clock)


def logs(environment: Environment, clients: Clients, root: Path) -> AwsLogs:  # noqa: ARG001
    """The log source of an environment."""
    return AwsLogs(environment, clients)


def faults(config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words."""
    return validate.form(config)


def policy(
    step: str | None,
    settings: Settings,
    config: dict[str, Any] | None,  # noqa: ARG001 (the published policy is the same for all options)
) -> dict[str, Any]:
    """The permissions of a step (None: of them all)."""
    return permissions.policy(step, settings.forge_prefix)


def regions() -> tuple[str, ...]:
    """Where the platform can be had."""
    return lookups.regions()


def look_ups(clients: Clients, region: str) -> dict[str, Any]:
    """What the account offers to somebody who fills in a config."""
    return lookups.cloud(clients, region)


def prove(clients: Clients) -> str:
    """Whether the cloud accepts the credentials; what of them was not checked."""
    return lookups.prove(clients)
