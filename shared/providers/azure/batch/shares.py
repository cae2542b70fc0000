"""Azure file shares that tasks find at a path of their own (`azure.storage.fileShares` of a Nextflow config).

On pools of its own Nextflow mounts them. On any other pool it takes them for mounted: it shows each task
`/mnt/batch/tasks/fsmounts/<name>` of the node at the path that the config says, an empty directory where
nothing is. So pools of ours mount what the environment's config names, which takes the storage account's key.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault
from shared.model.run import Run
from shared.nextflow.azure import given
from shared.providers.azure.batch.account import HEAD, BatchAccount
from shared.providers.azure.batch.configs import OF_ENVIRONMENT, OF_LAUNCH

SCOPE = "azure.storage.fileShares"
NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
"""Of a share ("Naming and Referencing Shares, Directories, Files, and Metadata")."""
OPTIONS = "-o vers=3.0,dir_mode=0777,file_mode=0777,sec=ntlmssp"
"""Nextflow's own, where the config says none."""

Body = dict[str, Any]
Shares = dict[str, Mapping[str, Any]]


def written(account: BatchAccount, key: str) -> list[Body]:
    """What a pool mounts, as Batch and ARM take it: pools of tasks alone, the shares of the environment."""
    if key == HEAD or account.options.auto_pools:
        return []
    storage = account.storage_name
    return [
        {
            "azureFileShareConfiguration": {
                "accountName": storage,
                "azureFileUrl": f"https://{storage}.file.core.windows.net/{name}",
                "accountKey": account.clients.storage_key(storage),
                "relativeMountPath": name,
                "mountOptions": str(said.get("mountOptions") or OPTIONS),
            }
        }
        for name, said in of_environment(account).items()
    ]


def faults(account: BatchAccount) -> Iterable[Fault]:
    """What keeps pools of ours from the environment's shares."""
    if not account.pools or account.options.auto_pools:
        return
    for name, said in of_environment(account).items():
        if why := unmade(account, name, said):
            yield Fault(OF_ENVIRONMENT, f"{SCOPE}.{name} {why}")


def missing(account: BatchAccount, shown: Mapping[str, Any]) -> Iterable[Fault]:
    """The environment's shares that the user's pool of tasks does not mount. Pure."""
    there = paths(shown)
    for name in () if account.options.auto_pools else of_environment(account):
        if why := unmounted(account, name, there):
            yield Fault(OF_ENVIRONMENT, f"{SCOPE}.{name} {why}")


def unmade(account: BatchAccount, name: str, said: Mapping[str, Any]) -> str:
    """Why pools of ours cannot mount a share; empty when they can."""
    if not NAME.fullmatch(name):
        return "is no name of a file share: 3 to 63 small letters, digits and single hyphens"
    if "mountOptions" in said and not isinstance(said["mountOptions"], str):
        return "needs mountOptions as a plain text: pools are made before Nextflow reads it"
    if not account.clients.storage_key(account.storage_name):
        return f"needs the key of {account.storage_name}, which the credentials lack: shares take no one else"
    return ""


def unmounted(account: BatchAccount, name: str, there: Iterable[str]) -> str:
    """Why tasks would find nothing in a share; empty when their pool mounts it."""
    if name in there:
        return ""
    where = "the pools of this environment" if account.pools else f"the pool {account.worker_pool}"
    others = ", ".join(sorted(there)) or "none"
    return f"is not mounted by {where} (mounted: {others}): tasks would find an empty directory"


def run_faults(account: BatchAccount, run: Run) -> Iterable[Fault]:
    """Shares that a launch's config, or a profile that it chooses, names and no pool of tasks mounts."""
    if account.options.auto_pools or (not account.pools and "mounts" not in account.environment.details):
        return
    there = set(of_environment(account)) if account.pools else set(account.environment.details["mounts"])
    listed = run.launch.get("configProfiles")
    profiles = [str(each) for each in listed] if isinstance(listed, list | tuple) else []
    texts = (account.environment.config.get(OF_ENVIRONMENT), run.launch.get(OF_LAUNCH))
    scopes = [given.given(str(text or ""), profiles).scope for text in texts]
    for name in of(given.laid(*scopes)):
        if why := unmounted(account, name, there):
            yield Fault(OF_LAUNCH, f"{SCOPE}.{name} {why}")


def paths(shown: Mapping[str, Any]) -> list[str]:
    """The directories that a pool mounts something at. Pure."""
    found = shown.get("mountConfiguration")
    kinds = [kind for each in found or () if isinstance(each, dict) for kind in each.values()]
    return sorted(str(kind.get("relativeMountPath")) for kind in kinds if isinstance(kind, dict))


def of_environment(account: BatchAccount) -> Shares:
    """The shares of the environment's config, without those of its profiles: pools know of no launch."""
    return of(given.given(str(account.environment.config.get(OF_ENVIRONMENT) or "")).scope)


def of(scope: Mapping[str, Any]) -> Shares:
    """The shares of an `azure` scope. Pure."""
    storage = scope.get("storage")
    shares = storage.get("fileShares") if isinstance(storage, Mapping) else None
    if not isinstance(shares, Mapping):
        return {}
    return {str(name): said for name, said in shares.items() if isinstance(said, Mapping)}
