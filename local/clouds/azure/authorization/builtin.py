"""The built-in roles that matter here, under the ids that they have everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltIn:
    """A role of Azure's own."""

    name: str
    permissions: Mapping[str, Sequence[str]]
    privileged: bool = False
    """Whether it can hand out roles, and so is itself not to be handed out lightly."""


def _role(
    name: str, actions: Sequence[str] = (), data: Sequence[str] = (), no: Sequence[str] = ()
) -> BuiltIn:
    privileged = any(action in ("*", "Microsoft.Authorization/*", _ASSIGN) for action in actions) and not no
    block = {"actions": actions, "notActions": no, "dataActions": data, "notDataActions": ()}
    return BuiltIn(name, block, privileged)


_ASSIGN = "Microsoft.Authorization/roleAssignments/write"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_BATCH = "Microsoft.Batch/batchAccounts"
BUILT_IN: Mapping[str, BuiltIn] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": _role("Owner", ["*"]),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": _role(
        "Contributor", ["*"], no=["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]
    ),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": _role("Reader", ["*/read"]),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": _role(
        "User Access Administrator", ["*/read", "Microsoft.Authorization/*"]
    ),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": _role(
        "Role Based Access Control Administrator",
        [_ASSIGN, "Microsoft.Authorization/roleAssignments/delete", "*/read"],
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": _role(
        "Monitoring Metrics Publisher",
        data=["Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"],
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": _role(
        "Storage Blob Data Contributor",
        [f"{_BLOBS}/delete", f"{_BLOBS}/read", f"{_BLOBS}/write", _KEY],
        [f"{_BLOBS}/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")],
    ),
    "6aaa78f1-f7de-44ca-8722-c64a23943cae": _role(
        "Azure Batch Data Contributor",
        [f"{_BATCH}/{each}" for each in ("read", "pools/*", "poolOperationResults/*", "applications/*")]
        + ["Microsoft.Batch/locations/*/read"],
        [f"{_BATCH}/jobs/*", f"{_BATCH}/jobSchedules/*"],
    ),
    "48e5e92e-a480-4e71-aa9c-2778f4c13781": _role(
        "Azure Batch Job Submitter",
        [f"{_BATCH}/pools/read", f"{_BATCH}/applications/read"],
        [f"{_BATCH}/jobs/*", f"{_BATCH}/jobSchedules/*"],
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": _role(
        "Storage Blob Data Reader", [f"{_BLOBS}/read", _KEY], [f"{_BLOBS}/blobs/read"]
    ),
}
"""From the list of built-in roles in Azure's documentation, cut down to what is emulated."""
