"""`azure-cloud` keeps the provider contract, against the emulated Azure."""

import pytest

from local.clouds.azure import EmulatedAzure
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Provider
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import Place, ProviderContract


class TestAzureCloud(ProviderContract):
    @pytest.fixture
    def place(self, azure: EmulatedAzure, azure_clock: FakeClock) -> Place:
        azure.account("workstore", group="data", location=LOCATION, containers=["work"])
        clients = Clients(None)
        known = Sdk(azure)

        def bound(installation: str, environment: Environment) -> Provider:
            return AzureCloud(environment, clients, Settings(installation=installation), azure_clock)

        def end(machine: str) -> None:
            group, name = machine.split("/")[4], machine.rpartition("/")[2]
            known.compute.virtual_machines.begin_delete(group, name, polling=False)

        return Place(
            provider=lambda environment: bound("this", environment),
            other=lambda environment: bound("that", environment),
            environment=Environment(
                id="3nvironment0000000001",
                name="azure",
                platform="azure-cloud",
                config={"region": LOCATION, "workDir": "az://work/runs", "storageAccount": "workstore"},
                created_at=azure_clock.now(),
            ),
            end=end,
            settle=azure.settle,
        )
