"""`azure-batch` keeps the provider contract, against the emulated Azure."""

import pytest

from local.clouds.azure import EmulatedAzure
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Provider
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import Place, ProviderContract
from tests.unit.azurebatch.conftest import opener

ACCOUNT = "batchacct"
ID = "3nvironment0000000001"
KINDS = {
    "one pool": {"vmType": "Standard_D4ds_v5", "vmCount": 2},
    "two pools": {
        "dualPoolConfig": True,
        "headPool": {"vmType": "Standard_D2ds_v5", "vmCount": 2},
        "workerPool": {"vmType": "Standard_E4ds_v5", "vmCount": 4, "lowPriority": True},
    },
    "fixed": {"vmType": "Standard_D4ds_v5", "vmCount": 1, "autoScale": False},
    "identity": {"vmType": "Standard_D4ds_v5", "vmCount": 2},
}


class TestAzureBatch(ProviderContract):
    @pytest.fixture(params=KINDS)
    def place(self, azure: EmulatedAzure, azure_clock: FakeClock, request: pytest.FixtureRequest) -> Place:
        azure.account("workstore", group="data", location=LOCATION, containers=["work"])
        azure.batch_account(ACCOUNT)
        config = {
            "region": LOCATION,
            "workDir": "az://work/runs",
            "storageAccount": "workstore",
            "batchAccount": ACCOUNT,
            "managedIdentityClientId": "0b1f6471-1bf0-4dda-aec3-111122223333",
            "forge": KINDS[request.param],
        }
        if request.param == "identity":
            Sdk(azure).group("ids")
            known = Sdk(azure).identities.user_assigned_identities
            made = known.create_or_update("ids", "mine", {"location": LOCATION})
            config |= {"managedIdentityHeadResourceId": made.id, "managedIdentityClientId": made.client_id}
        clients = BatchClients(None)

        def bound(installation: str, environment: Environment) -> Provider:
            if environment.resources:
                azure_clock.advance(31)  # a formula may be set once in half a minute
            settings = Settings(installation=installation)
            return AzureBatch(environment, clients, settings, azure_clock, opener())

        return Place(
            provider=lambda environment: bound("this", environment),
            other=lambda environment: bound("that", environment),
            environment=Environment(
                id=ID, name="batch", platform="azure-batch", config=config, created_at=azure_clock.now()
            ),
            end=lambda job: azure.end_task(ACCOUNT, job, "head"),
            settle=azure.settle,
        )
