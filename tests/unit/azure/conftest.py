"""An `azure-cloud` environment in the emulated Azure."""

from collections.abc import Callable
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import make

ACCOUNT, CONTAINER = "workstore", "work"
CONFIG = {"region": LOCATION, "workDir": f"az://{CONTAINER}/runs", "storageAccount": ACCOUNT}
ID = "3nvironment0000000001"

Bind = Callable[..., AzureCloud]


def environment(details: dict[str, Any] | None = None, **config: Any) -> Environment:
    """A compute environment as the API stores it, an hour old."""
    return Environment(
        id=ID,
        name="azure",
        platform="azure-cloud",
        config={**CONFIG, **config},
        details=details or {},
        created_at=1_799_996_400.0,
    )


@pytest.fixture
def sdk(azure: EmulatedAzure) -> Sdk:
    """The real SDKs, as somebody who may do everything."""
    return Sdk(azure)


@pytest.fixture
def clients(azure: EmulatedAzure) -> Clients:
    """Ours, of the app in the environment's variables."""
    return Clients(None)


@pytest.fixture
def account(azure: EmulatedAzure) -> str:
    """The storage account and its container; its group is `data`."""
    return azure.account(ACCOUNT, group="data", location=LOCATION, containers=[CONTAINER])


@pytest.fixture
def bind(clients: Clients, azure_clock: FakeClock) -> Bind:
    """Makes a provider of an environment with these config fields."""

    def bound(details: dict[str, Any] | None = None, **config: Any) -> AzureCloud:
        return AzureCloud(environment(details, **config), clients, Settings(installation="this"), azure_clock)

    return bound


@pytest.fixture
def ready(account: str, clients: Clients, azure_clock: FakeClock) -> Bind:
    """Makes a provider of an environment whose resources are made and on its record."""

    def bound(installation: str = "this", **config: Any) -> AzureCloud:
        settings = Settings(installation=installation)
        place = environment(**config)
        first = AzureCloud(place, clients, settings, azure_clock)
        place = place.but(details=first.details(), resources=tuple(make(first)))
        return AzureCloud(place, clients, settings, azure_clock)

    return bound
