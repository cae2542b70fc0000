"""Nextflow on Azure Batch: the config that sends a pipeline's tasks to a pool, and the variables that say who
it is there. Pure."""

from collections.abc import Mapping
from typing import Literal

from shared.model.records import Model
from shared.nextflow.command import quoted


class AutoPools(Model, frozen=True, kw_only=True):
    """Pools that Nextflow makes by itself, for each kind of task one."""

    subnet: str = ""
    labels: Mapping[str, str] = {}
    """In the metadata of every one of them, so that it is known whose they are."""


class Tasks(Model, frozen=True, kw_only=True):
    """Where and how tasks run. Durations in seconds."""

    pool: str
    auto: AutoPools | None = None
    account: str
    region: str
    storage_account: str
    work_dir: str = ""
    head_client: str = ""
    pool_client: str = ""
    wall_clock: float
    token_duration: float
    terminate_jobs: bool = True
    delete_jobs: bool = False
    delete_tasks: bool = True
    delete_pools: bool = False
    wave: bool = False
    fusion: bool = False
    variables: Mapping[str, str] = {}


def config(tasks: Tasks) -> str:
    """The settings that the platform owns, one to a line. Secrets are not among them: Nextflow has those
    from its environment (`variables`)."""
    found = {
        "process.executor": quoted("azurebatch"),
        "azure.batch.accountName": quoted(tasks.account),
        "azure.batch.location": quoted(tasks.region),
        "azure.storage.accountName": quoted(tasks.storage_account),
        "azure.storage.tokenDuration": quoted(f"{int(tasks.token_duration // 60)}m"),
        **pools(tasks),
        **life(tasks),
    }
    if tasks.head_client:
        found["azure.managedIdentity.clientId"] = quoted(tasks.head_client)
    if tasks.pool_client:
        found["azure.batch.poolIdentityClientId"] = quoted(tasks.pool_client)
    lines = [f"{name} = {value}\n" for name, value in {**found, **switches(tasks)}.items()]
    lines += [f"env.{name} = {quoted(value)}\n" for name, value in tasks.variables.items()]
    return "// Set by headnode: tasks are tasks of Azure Batch.\n" + "".join(lines)


def pools(tasks: Tasks) -> dict[str, str]:
    """The pool of all tasks, or leave to make pools. What such pools are made of (`azure.batch.pools.auto`,
    `process.machineType`) is the user's own config."""
    if tasks.auto is None:
        return {"process.queue": quoted(tasks.pool)}
    found = {
        "process.queue": quoted("auto"),
        "azure.batch.autoPoolMode": "true",
        "azure.batch.allowPoolCreation": "true",
    }
    if tasks.auto.subnet:
        found["azure.batch.pools.auto.virtualNetwork"] = quoted(tasks.auto.subnet)
    if tasks.auto.labels:
        pairs = ", ".join(f"{quoted(name)}: {quoted(text)}" for name, text in tasks.auto.labels.items())
        found["process.resourceLabels"] = f"[{pairs}]"
    return found


def life(tasks: Tasks) -> dict[str, str]:
    """What becomes of jobs, tasks and pools. Never pools that were there before: Nextflow's switch for that
    deletes every pool that it used."""
    return {
        "azure.batch.jobMaxWallClockTime": quoted(f"{int(tasks.wall_clock // 60)}m"),
        "azure.batch.terminateJobsOnCompletion": word(tasks.terminate_jobs),
        "azure.batch.deleteJobsOnCompletion": word(tasks.delete_jobs),
        "azure.batch.deleteTasksOnCompletion": word(tasks.delete_tasks),
        "azure.batch.deletePoolsOnCompletion": word(tasks.delete_pools and tasks.auto is not None),
    }


def switches(tasks: Tasks) -> dict[str, str]:
    """Wave and Fusion, and where the cache of a resumed run is."""
    found: dict[str, str] = {}
    if tasks.wave:
        found["wave.enabled"] = "true"
    if tasks.fusion:
        found["fusion.enabled"] = "true"
        # Nodes are Ubuntu 24.04, where Fusion needs the profile that the pool's start task loads.
        found["process.containerOptions"] = quoted("--security-opt apparmor=seqera-fusionfs-container")
    if tasks.work_dir:
        found["cloudcache.enabled"] = "true"
        found["cloudcache.path"] = quoted(f"{tasks.work_dir.rstrip('/')}/cloudcache/.cache")
    return found


def word(value: bool) -> Literal["true", "false"]:
    """A switch in Groovy."""
    return "true" if value else "false"


def variables(head_client: str, application: Mapping[str, str], batch_key: str, sas: str) -> dict[str, str]:
    """How Nextflow proves who it is, with the least secret that does: nothing where its nodes have an
    identity, else an Entra application, else the Batch account's key with a signature for the container."""
    if head_client:
        return {}
    if application:
        return {
            "AZURE_TENANT_ID": application["tenantId"],
            "AZURE_CLIENT_ID": application["clientId"],
            "AZURE_CLIENT_SECRET": application["clientSecret"],
        }
    found = {"AZURE_BATCH_ACCOUNT_KEY": batch_key, "AZURE_STORAGE_SAS_TOKEN": sas}
    return {name: value for name, value in found.items() if value}
