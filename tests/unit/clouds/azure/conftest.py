"""The SDKs' clients for the emulated Azure."""

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients


@pytest.fixture
def clients(azure: EmulatedAzure) -> Clients:
    return Clients(azure)


@pytest.fixture
def subnet(clients: Clients) -> str:
    """A subnet in the resource group `rg`."""
    clients.group()
    return clients.subnet()
