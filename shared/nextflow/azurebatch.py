"""Nextflow on Azure Batch: the config that sends a pipeline's tasks to a pool, and the variables with what it
proves there who it is. Pure.

Everything of the `azure` scope goes through the one table of its options (`azure.options`): names, durations,
and which secret is the least that does.
"""

from collections.abc import Mapping
from typing import Any

from shared.model.records import Model
from shared.nextflow.azure import units
from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.config import fit, rendered
from shared.nextflow.azure.pools import OFFER, PUBLISHER, SKU
from shared.nextflow.azure.reading import Reading, read
from shared.nextflow.command import quoted


class AutoPools(Model, frozen=True, kw_only=True):
    """Pools that Nextflow makes by itself, for each kind of task one."""

    subnet: str = ""
    labels: Mapping[str, str] = {}
    """In the metadata of every one of them, so that it is known whose they are."""
    own_image: bool = False
    """The user says what their nodes run. Else it is said here: up to 24.10 Nextflow would take an image that
    Azure offers no more."""


class Secrets(Model, frozen=True, kw_only=True):
    """What there is to prove who one is with; Nextflow is given no more of it than it needs."""

    application: Mapping[str, str] = {}
    """`tenantId`, `clientId` and `clientSecret` of an Entra application."""
    batch_key: str = ""
    sas: str = ""
    """A signature for the work container."""


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
    """The least that a signature of Nextflow's own lasts; it lasts longer where the run may."""
    job_retries: int = 0
    """How often Nextflow asks again for a job that the account's quota has no room for (every 2 minutes by
    itself, 3 times and then it fails); 0 leaves that to it."""
    terminate_jobs: bool = True
    delete_jobs: bool = False
    delete_tasks: bool = True
    delete_pools: bool = False
    wave: bool = False
    fusion: bool = False
    variables: Mapping[str, str] = {}


class Written(Model, frozen=True, kw_only=True):
    """A config, which holds no secret, and the variables with those that Nextflow needs."""

    text: str
    variables: Mapping[str, str]


def written(tasks: Tasks, secrets: Secrets, run: Run) -> Written:
    """The settings that the platform owns, one to a line."""
    reading = fitted(tasks, secrets, run)
    found = rendered(reading, run)
    own = {"process.executor": quoted("azurebatch"), **process(tasks), **switches(tasks)}
    lines = [f"{name} = {value}\n" for name, value in own.items()]
    lines += [f"env.{name} = {quoted(value)}\n" for name, value in tasks.variables.items()]
    head = "// Set by headnode: tasks are tasks of Azure Batch.\n"
    return Written(text=head + found.text + "".join(lines), variables=found.variables)


def fitted(tasks: Tasks, secrets: Secrets, run: Run) -> Reading:
    """The platform's own part of the `azure` scope, with signatures that last as long as the run may. Where
    none can, that is among its faults."""
    reading = read(scope(tasks, secrets))
    fit(reading, run, tasks.token_duration)
    return reading


def scope(tasks: Tasks, secrets: Secrets) -> dict[str, Any]:
    """The same, nested as Nextflow has it, as far as it does not hang on the run."""
    batch: dict[str, Any] = {
        "accountName": tasks.account,
        "location": tasks.region,
        "accountKey": secrets.batch_key or None,
        # Whatever Nextflow would do with an identity of its nodes, it is Fusion that does it.
        "poolIdentityClientId": (tasks.fusion and tasks.pool_client) or None,
        **life(tasks),
    }
    if tasks.auto is not None:
        batch |= {"autoPoolMode": True, "allowPoolCreation": True}
        auto = {"virtualNetwork": tasks.auto.subnet} if tasks.auto.subnet else {}
        if not tasks.auto.own_image:
            auto |= {"publisher": PUBLISHER, "offer": OFFER, "sku": SKU}
        batch["pools"] = {"auto": auto}
    found: dict[str, Any] = {
        "batch": batch,
        "storage": {"accountName": tasks.storage_account, "sasToken": secrets.sas or None},
    }
    # An identity goes before everything else, and what goes after it is not written at all.
    if tasks.head_client:
        found["managedIdentity"] = {"clientId": tasks.head_client}
    elif secrets.application:
        found["activeDirectory"] = {
            "servicePrincipalId": secrets.application["clientId"],
            "servicePrincipalSecret": secrets.application["clientSecret"],
            "tenantId": secrets.application["tenantId"],
        }
    return found


def life(tasks: Tasks) -> dict[str, Any]:
    """What becomes of jobs, tasks and pools. Never pools that were there before: Nextflow's switch for that
    deletes every pool that it used."""
    return {
        "jobMaxWallClockTime": units.duration(tasks.wall_clock),
        "maxJobQuotaRetries": tasks.job_retries or None,
        "terminateJobsOnCompletion": tasks.terminate_jobs,
        "deleteJobsOnCompletion": tasks.delete_jobs,
        "deleteTasksOnCompletion": tasks.delete_tasks,
        "deletePoolsOnCompletion": tasks.delete_pools and tasks.auto is not None,
    }


def process(tasks: Tasks) -> dict[str, str]:
    """The pool of all tasks, or leave to make pools. What such pools are made of (`azure.batch.pools.auto`,
    `process.machineType`) is the user's own config."""
    if tasks.auto is None:
        return {"process.queue": quoted(tasks.pool)}
    found = {"process.queue": quoted("auto")}
    if tasks.auto.labels:
        pairs = ", ".join(f"{quoted(name)}: {quoted(text)}" for name, text in tasks.auto.labels.items())
        found["process.resourceLabels"] = f"[{pairs}]"
    return found


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
