"""Everything that this cloud can be asked."""

from local.clouds.answer import Answer
from local.clouds.azure.arm import operations
from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.authorization import urls as authorization
from local.clouds.azure.batch import urls as batch
from local.clouds.azure.blob import urls as blob
from local.clouds.azure.call import Call
from local.clouds.azure.compute import urls as compute
from local.clouds.azure.entra import urls as entra
from local.clouds.azure.errors import unmodelled
from local.clouds.azure.imds import urls as imds
from local.clouds.azure.ingestion import urls as ingestion
from local.clouds.azure.insights import urls as insights
from local.clouds.azure.keyvault import urls as keyvault
from local.clouds.azure.msi import urls as msi
from local.clouds.azure.network import urls as network
from local.clouds.azure.operationalinsights import urls as operationalinsights
from local.clouds.azure.query import urls as query
from local.clouds.azure.resources import urls as resources

SUBSCRIPTION_ID = "0b1f6471-1bf0-4dda-aec3-111122223333"
_ANY = frozenset({"*"})
_COMPUTE = SUBSCRIPTION + "/providers/Microsoft.Compute"
_PLACE = _COMPUTE + "/locations/{place}"
_HERE = GROUP + "/providers/{provider}"
_MACHINE = GROUP + "/providers/Microsoft.Compute/virtualMachines/{name}"
_ACCOUNT = GROUP + "/providers/Microsoft.Storage/storageAccounts/{name}"
_BATCH = GROUP + "/providers/Microsoft.Batch/batchAccounts/{name}"
_SIZES = SUBSCRIPTION + "/providers/Microsoft.Batch/locations/{place}/virtualMachineSkus"

NATURAL = (
    ("GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions/read"),
    ("GET", SUBSCRIPTION + "/locations", "Microsoft.Resources/subscriptions/locations/read"),
    ("POST", SUBSCRIPTION + "/providers/{provider}/register", "{provider}/register/action"),
    ("GET", _COMPUTE + "/skus", "Microsoft.Compute/skus/read"),
    ("GET", _PLACE + "/usages", "Microsoft.Compute/locations/usages/read"),
    ("GET", _PLACE + "/vmSizes", "Microsoft.Compute/locations/vmSizes/read"),
    ("POST", _MACHINE + "/start", "Microsoft.Compute/virtualMachines/start/action"),
    ("POST", _MACHINE + "/powerOff", "Microsoft.Compute/virtualMachines/powerOff/action"),
    ("POST", _MACHINE + "/restart", "Microsoft.Compute/virtualMachines/restart/action"),
    ("POST", _MACHINE + "/runCommand", "Microsoft.Compute/virtualMachines/runCommand/action"),
    ("PUT", _HERE + "/networkSecurityGroups/{name}", "{provider}/networkSecurityGroups/write"),
    ("PUT", _HERE + "/natGateways/{name}", "{provider}/natGateways/write"),
    ("PUT", _HERE + "/deployments/{name}", "{provider}/deployments/write"),
    ("PUT", _BATCH, "Microsoft.Batch/batchAccounts/write"),
    ("DELETE", _BATCH, "Microsoft.Batch/batchAccounts/delete"),
    ("POST", _BATCH + "/regenerateKeys", "Microsoft.Batch/batchAccounts/regenerateKeys/action"),
    ("GET", _SIZES, "Microsoft.Batch/locations/virtualMachineSkus/read"),
    ("GET", _ACCOUNT, "Microsoft.Storage/storageAccounts/read"),
    ("POST", _ACCOUNT + "/listKeys", "Microsoft.Storage/storageAccounts/listKeys/action"),
)
"""Calls that come to mind and that the seed's role does not allow: its bearer gets the 403 that Azure
would give. Whoever may make them learns that they are not modelled."""


def routes() -> list[Route]:
    """All routes, the more special before the more general."""
    natural = [Route(method, path, action, _refuse, _ANY) for method, path, action in NATURAL]
    services = (
        *(blob, batch, authorization, resources, msi, network, compute, imds, entra, keyvault),
        *(operationalinsights, insights, ingestion, query),
    )
    return [*(route for each in services for route in each.routes), *operations.routes, *natural]


def _refuse(_: object, call: Call) -> Answer:
    raise unmodelled(f"{call.method} {call.path}")
