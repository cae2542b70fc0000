"""The permissions that Azure Batch needs, by step. The public platform publishes no role for it, only the
names of built-in ones (Azure Batch Data Contributor, Storage Blob Data Contributor, Managed Identity
Operator); these are the actions of theirs that each step really makes use of."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Fault, Invalid

BATCH = "Microsoft.Batch/batchAccounts"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
POOLS_READ, POOLS_WRITE, POOLS_DELETE = (f"{BATCH}/pools/{verb}" for verb in ("read", "write", "delete"))
JOBS_READ, JOBS_WRITE, JOBS_DELETE = (f"{BATCH}/jobs/{verb}" for verb in ("read", "write", "delete"))
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
NETWORKS = "Microsoft.Network/virtualNetworks"
SIGN = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
BLOBS = tuple(f"{CONTAINERS}/blobs/{verb}" for verb in ("read", "write", "delete", "add/action"))

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "create": (
        *(f"{BATCH}/read", POOLS_READ, POOLS_WRITE, f"{CONTAINERS}/read"),
        *(f"{IDENTITY}/read", f"{IDENTITY}/assign/action"),
        *(f"{NETWORKS}/read", f"{NETWORKS}/subnets/join/action"),
    ),
    "launch": (f"{BATCH}/read", POOLS_READ, POOLS_WRITE, SIGN),
    "logs": (SIGN,),
    "reap": (POOLS_READ,),
    "dispose": (POOLS_READ, POOLS_DELETE),
}
"""Step -> actions. `launch` reads quotas and writes a pool's formula; a signature is made when a machine asks
for its spec."""
DATA: Mapping[str, tuple[str, ...]] = {
    "create": (JOBS_READ,),
    # A signature in our name can do no more than we can: these are what a run does with its container.
    "launch": (JOBS_READ, JOBS_WRITE, *BLOBS),
    # What a head task printed counts where nothing was shipped.
    "logs": (JOBS_READ, *BLOBS),
    "reap": (JOBS_READ, JOBS_WRITE, JOBS_DELETE),
    "dispose": (JOBS_READ, JOBS_WRITE, JOBS_DELETE),
}
SIGNED = {"launch": (SIGN, *BLOBS), "logs": (SIGN, *(each for each in BLOBS if not each.endswith("/read")))}
"""Step -> what only whoever signs for a run needs. A host's own identity signs nothing: its head jobs have an
identity themselves (`form` refuses the others), which writes the log, too."""
SCOPE = "/subscriptions/<SUBSCRIPTION-ID>"


def policy(step: str | None = None) -> dict[str, Any]:
    """The custom role of one step, or of them all, as the portal and the command line take it.
    `<SUBSCRIPTION-ID>` stands for the subscription. Pure; a new value each time. Raises Invalid for a step
    that does not exist."""
    named = "headnode-azure-batch" if step is None else f"headnode-azure-batch-{step}"
    return {
        "properties": {
            "roleName": named,
            "description": "headnode: Azure Batch compute environments" + (f", {step}" if step else ""),
            "assignableScopes": [SCOPE],
            "permissions": [permissions(step)],
        }
    }


def permissions(step: str | None = None) -> dict[str, list[str]]:
    """What the role of a step (None: of them all) allows. Raises Invalid for a step that does not exist."""
    if step is not None and step not in ACTIONS:
        raise Invalid(Fault("step", f"{step!r} is not one of {', '.join(ACTIONS)}"))
    steps = ACTIONS if step is None else (step,)
    return {
        "actions": list(dict.fromkeys(action for each in steps for action in ACTIONS[each])),
        "notActions": [],
        "dataActions": list(dict.fromkeys(action for each in steps for action in DATA[each])),
        "notDataActions": [],
    }


def of_host(step: str) -> dict[str, list[str]]:
    """What the role of a step allows where it is a host's own identity that acts, and nobody's stored
    credentials. Raises Invalid for a step that does not exist."""
    found = permissions(step)
    return {
        kind: [each for each in listed if each not in SIGNED.get(step, ())] for kind, listed in found.items()
    }
