"""The container of work directories, as whoever fills in a compute environment must know it."""

from collections.abc import Iterable

from shared.azure_endpoints import STORAGE_SCOPE
from shared.errors import Fault, Unreachable
from shared.logs.wire import refusal
from shared.providers.azure.bodies import CONTAINERS
from shared.providers.azure.clients import Clients

BLOB_VERSION = {"x-ms-version": "2021-12-02"}


def absent(clients: Clients, storage_account: str, container: str) -> Iterable[Fault]:
    """Nobody names the account, or it or the container does not exist. One read at most; raises what
    `errors` makes of a refusal."""
    if not storage_account:
        yield Fault("storageAccount", "missing: neither the config nor the credentials name one")
        return
    address = f"{clients.endpoints.blob(storage_account)}/{container}?restype=container"
    try:
        reply = clients.wire.send("GET", address, scope=STORAGE_SCOPE, headers=BLOB_VERSION)
    except Unreachable as error:
        if not is_unresolved(error):
            raise
        yield Fault("storageAccount", f"{storage_account} does not exist")
        return
    if reply.status == 404:
        yield Fault("workDir", f"container {container} does not exist in {storage_account}")
    elif reply.status != 200:
        raise refusal(reply, f"{CONTAINERS}/read")


def is_unresolved(error: Unreachable) -> bool:
    """Whether nobody has an account of that name: the resolver's own word, and not its silence."""
    said = str(error.__cause__)
    return "Failed to resolve" in said and ("Errno -2" in said or "Errno 8]" in said)
