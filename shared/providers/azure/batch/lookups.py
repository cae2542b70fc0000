"""What a Batch account and its storage offer to somebody who fills in a compute environment."""

from typing import Any

from shared.azure_endpoints import ARM_SCOPE
from shared.errors import Forbidden, Refused
from shared.providers.azure import catalogue
from shared.providers.azure.batch import account
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.listing import named
from shared.providers.azure.batch.pools import READ
from shared.providers.azure.lookups import MOST, container_names, listed, tried


def batch(clients: BatchClients, region: str) -> dict[str, Any]:
    """The choices of an `azure-batch` environment, under the public API's names. Sizes are the catalogue's.
    Raises Refused when the credentials are not accepted."""
    warnings: list[str] = []
    return {
        "vmTypes": sorted(size.name for size in catalogue.sizes().values()),
        "pools": tried(lambda: pools(clients, region), warnings),
        "containers": tried(lambda: container_names(clients), warnings),
        "warnings": warnings,
    }


def pools(clients: BatchClients, region: str) -> list[str]:
    """The account's pools: those of the first page, which is all of them within the default quota. Raises
    Forbidden also where the account is not in that region, since other choices are good then."""
    if not clients.batch_name:
        raise Forbidden("the credentials name no Batch account: its pools cannot be listed", READ)
    url = f"{clients.endpoints.batch(clients.batch_name, catalogue.plain(region))}/pools"
    try:
        answer = clients.batch("GET", url, action=READ, query={"$select": "id"})
    except Refused as error:
        raise Forbidden(str(error), READ) from error
    return sorted(str(each["id"]) for each in named(url, account.listed(answer)))[:MOST]


def prove(clients: BatchClients) -> str:
    """Asks Entra for a token (where there is an application), and the storage account for its first
    container; what was not asked. Raises Refused or Forbidden for a refusal, Retry without an answer."""
    if clients.is_application:
        clients.token(ARM_SCOPE)
    left = ["the Batch account, since the credentials do not say in which region it is"]
    if clients.storage_name:
        listed(clients, 1)
    else:
        left.append("the storage account, since none is named")
    return f"accepted as far as they were asked; not checked: {'; '.join(left)}"
