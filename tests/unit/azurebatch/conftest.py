"""An `azure-batch` environment in the emulated Azure."""

from collections.abc import Callable
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from shared.errors import Refused
from shared.model.access import Registry
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Registries
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import make

STORAGE, ACCOUNT, CONTAINER = "workstore", "acct", "work"
CLIENT = "0b1f6471-1bf0-4dda-aec3-111122223333"
FORGE = {"vmType": "Standard_D4ds_v5", "vmCount": 4}
CONFIG = {
    "region": LOCATION,
    "workDir": f"az://{CONTAINER}/runs",
    "storageAccount": STORAGE,
    "batchAccount": ACCOUNT,
    "managedIdentityClientId": CLIENT,
    "forge": FORGE,
}
ID = "3nvironment0000000001"
Bind = Callable[..., AzureBatch]


def opener(**logins: Registry) -> Registries:
    """Opens these logins to container registries, by the ids of their credentials."""

    def opened(id: str) -> Registry:
        if id not in logins:
            raise Refused(f"credentials {id} not found")
        return logins[id]

    return opened


@pytest.fixture
def sdk(azure: EmulatedAzure) -> Sdk:
    """The real SDKs, as somebody who may do everything."""
    return Sdk(azure)


@pytest.fixture
def account(azure: EmulatedAzure) -> Callable[..., None]:
    """Makes the storage account with its container, and the Batch account; again with other quotas."""

    def made(**quotas: Any) -> None:
        azure.account(STORAGE, group="data", location=LOCATION, containers=[CONTAINER])
        azure.batch_account(ACCOUNT, quotas=Quotas(**quotas))

    made()
    return made


@pytest.fixture
def bind(account: Callable[..., None], azure_clock: FakeClock) -> Bind:
    """Makes a provider of an environment with these config fields, an hour old."""

    def bound(
        keys: dict[str, str] | None = None, logins: dict[str, Registry] | None = None, **config: Any
    ) -> AzureBatch:
        place = Environment(
            id=ID,
            name="batch",
            platform="azure-batch",
            config={**CONFIG, **config},
            created_at=azure_clock.now() - 3600,
        )
        settings, known = Settings(installation="this"), opener(**(logins or {}))
        return AzureBatch(place, BatchClients(keys), settings, azure_clock, known)

    return bound


@pytest.fixture
def ready(account: Callable[..., None], azure_clock: FakeClock) -> Bind:
    """Makes a provider of an environment whose pools are made and on its record, half a minute ago."""

    def bound(**config: Any) -> AzureBatch:
        clients, settings = BatchClients(None), Settings(installation="this")
        place = Environment(
            id=ID, name="batch", platform="azure-batch", config={**CONFIG, **config}, created_at=0.0
        )
        first = AzureBatch(place, clients, settings, azure_clock, opener())
        place = place.but(details=first.details(), resources=tuple(make(first)))
        azure_clock.advance(31)
        return AzureBatch(place, clients, settings, azure_clock, opener())

    return bound
