"""How wiring makes this platform's parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault
from shared.logs.file import FileLogs
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.local import config as fields
from shared.providers.local.provider import LocalProvider


def clients(keys: Mapping[str, Any] | None, region: str, settings: Settings) -> None:
    """This host needs none."""


def provider(
    environment: Environment,
    clients: None,  # noqa: ARG001
    settings: Settings,
    clock: Clock,
    root: Path,
    registries: Registries,  # noqa: ARG001
) -> LocalProvider:
    """The provider of an environment."""
    return LocalProvider(environment, settings, clock, root)


def logs(environment: Environment, clients: None, root: Path) -> FileLogs:  # noqa: ARG001
    """The log source of an environment."""
    return FileLogs(environment, root)


def faults(config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words."""
    return fields.faults(config)


def regions() -> tuple[str, ...]:
    """This machine is in none."""
    return ()


def look_ups(clients: None, region: str) -> dict[str, Any]:  # noqa: ARG001
    """There is nothing to choose."""
    return {}
