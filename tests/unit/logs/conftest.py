"""A log in the emulated Azure."""

import pytest

from local.clouds.azure import EmulatedAzure
from shared.logs.azure import AzureLogs
from shared.providers.azure.clients import Clients
from tests.azure_cloud import Clients as Sdk
from tests.unit.clouds.azure.monitoring import make_way
from tests.unit.logs.azure_place import Log, environment


@pytest.fixture
def log(azure: EmulatedAzure) -> Log:
    azure.account("store", containers=["work"])
    return Log(azure, make_way(azure, Sdk(azure)))


@pytest.fixture
def source(log: Log) -> AzureLogs:
    return AzureLogs(environment(log), Clients(None))
