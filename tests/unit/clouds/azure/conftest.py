"""The SDKs' clients for the emulated Azure."""

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients


@pytest.fixture
def clients(azure: EmulatedAzure) -> Clients:
    return Clients(azure)
