"""Cold start on Azure: an indexed app whose function is ready for its first message, beside making the SDK
clients that it uses."""

import statistics
from collections.abc import Iterator

from tests.bench.cold import ROUNDS, seconds
from tests.bench.figures import Figure

VARIABLES = {
    "HEADNODE_STORAGE_ACCOUNT": "bench",
    "HEADNODE_TABLE": "headnode",
    "HEADNODE_QUEUE_PREFIX": "headnode",
    "HEADNODE_KEYVAULT_KEY": "https://bench.vault.azure.net/keys/sealing",
    "IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token",
    "IDENTITY_HEADER": "none",
}
"""What the template gives a function. No call is made."""
HOST = """
from azure.functions import FunctionApp
from azure.identity import ManagedIdentityCredential
from azure.data.tables import TableClient
from azure.storage.queue import QueueServiceClient
from azure.keyvault.keys.crypto import CryptographyClient
me = ManagedIdentityCredential()
TableClient("https://bench.table.core.windows.net", "headnode", credential=me)
QueueServiceClient("https://bench.queue.core.windows.net", credential=me)
CryptographyClient("https://bench.vault.azure.net/keys/sealing", me)
"""
BLOB = """
from azure.storage.blob import BlobServiceClient
BlobServiceClient("https://bench.blob.core.windows.net", credential=me)
"""
QUERY = """
from azure.monitor.query import LogsQueryClient
LogsQueryClient(me)
"""


def management(module: str, client: str) -> str:
    """Making one management client."""
    return f"from {module} import {client}; {client}(me, '0b1f6471-1bf0-4dda-aec3-111122223333')\n"


COMPUTE = management("azure.mgmt.compute", "ComputeManagementClient")
NETWORK = management("azure.mgmt.network", "NetworkManagementClient")
FORGE = (
    management("azure.mgmt.resource.resources", "ResourceManagementClient")
    + management("azure.mgmt.msi", "ManagedServiceIdentityClient")
    + management("azure.mgmt.authorization", "AuthorizationManagementClient")
    + NETWORK
)
CLIENTS = {
    # The API reads logs; a plan asks ARM too, but few requests are plans.
    "api": HOST + BLOB + QUERY,
    "create": HOST + FORGE,
    "launch": HOST + COMPUTE,
    "logs": HOST + BLOB + QUERY,
    "reap": HOST + COMPUTE + NETWORK,
    "dispose": HOST + FORGE,
}
WORLD = """
world = functions_world()
world.store._table._client; world.queue._service; world.vault._client
"""
STEP = f"""
import function_app, shared.steps.deliver, shared.providers.azure.wired, azure.identity, urllib3
from shared.wiring import functions_world
{WORLD}"""
API = f"""
import function_app, shared.logs.azure, azure.identity, urllib3
from functions import api
from shared.wiring import functions_world
api.serve()
{WORLD}"""


def figures() -> Iterator[Figure]:
    """The ratio for each function: medians of processes started turn by turn."""
    for name, clients in CLIENTS.items():
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(seconds(f"exec({clients!r})", VARIABLES))
            ours.append(seconds(f"exec({(API if name == 'api' else STEP)!r})", VARIABLES))
        took, least = statistics.median(ours) * 1000, statistics.median(bare) * 1000
        how = f"{took:.0f} ms over {least:.0f} ms for its SDK clients"
        yield Figure(f"azure: cold start of {name}", took / least, 1.3, "x", how)
