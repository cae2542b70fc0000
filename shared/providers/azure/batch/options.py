"""An `azure-batch` config as typed values, with the defaults of the public platform."""

import re
from typing import Any

from shared.model.records import Model
from shared.nextflow.azure.formulas import SHORTEST_INTERVAL
from shared.providers.azure.catalogue import plain
from shared.providers.azure.options import WORK_DIR
from shared.providers.fields import text, texts

VM_TYPE = "Standard_D4s_v3"
"""The public platform's default size of nodes."""
HEAD_CPUS = 1
WALL_CLOCK, MOST_WALL_CLOCK = 7 * 86400.0, 180 * 86400.0
"""Seconds after which Batch itself ends a job: the public platform's default, and Azure's most."""
TOKEN_DURATION = 12 * 3600.0
PROBE = "bootProbe"
IMAGE = "nextflow/nextflow:25.04.6"
"""The head job's container where the config names none: what AWS Batch runs too."""
DURATION = re.compile(r"(?:(\d{1,4})d)?\s*(?:(\d{1,5})h)?\s*(?:(\d{1,6})m)?\s*(?:(\d{1,8})s)?")


class PoolOptions(Model, frozen=True, kw_only=True):
    """A pool that Forge makes. `most` nodes; with `scales` between `least` and `most`, else always that many.
    `disk` in GiB, 0 for the image's own; `interval` in seconds, between evaluations of its formula."""

    vm_type: str
    least: int
    most: int
    scales: bool
    spot: bool
    disk: int
    interval: float = SHORTEST_INTERVAL


class Forge(Model, frozen=True, kw_only=True):
    """The `forge` part of a config. `worker` is None where head jobs and tasks share one pool."""

    head: PoolOptions
    worker: PoolOptions | None
    disposes: bool
    probe: bool | None
    """Whether new pools are tried with a node; None where it is not said."""
    registries: tuple[str, ...]


class BatchOptions(Model, frozen=True, kw_only=True):
    """What an environment asks for. A value of the wrong type reads as absent: `form` has refused it.
    `forge` is None where the user's own pools are used. Durations in seconds."""

    region: str
    work_dir: str
    container: str
    account: str
    storage_account: str
    subscription: str
    forge: Forge | None
    head_pool: str
    worker_pool: str
    auto_pools: bool
    head_cpus: int
    head_memory: int
    """MiB; 0 for the share of its slots."""
    delete_pools: bool
    delete_jobs: bool
    delete_tasks: bool
    terminate_jobs: bool
    wall_clock: float
    token_duration: float
    subnet: str
    head_client: str
    head_identity: str
    pool_client: str
    pool_identity: str
    image: str
    wave: bool
    fusion: bool

    @property
    def probes(self) -> bool:
        """Whether new pools are tried with a node before runs are: those in a subnet of the user's, unless
        the config says otherwise."""
        said = self.forge.probe if self.forge else False
        return bool(self.subnet) if said is None else said

    @property
    def identities(self) -> tuple[str, ...]:
        """The ids of the identities that pools of ours get."""
        return tuple(filter(None, (self.head_identity, self.pool_identity)))


def read(config: dict[str, Any]) -> BatchOptions:
    """The options of a config. Pure; never raises."""
    work_dir = text(config, "workDir").rstrip("/")
    found = WORK_DIR.fullmatch(work_dir)
    forge = config.get("forge")
    return BatchOptions(
        region=plain(text(config, "region")),
        work_dir=work_dir,
        container=found["container"] if found else "",
        account=text(config, "batchAccount"),
        storage_account=text(config, "storageAccount"),
        subscription=text(config, "subscriptionId").lower(),
        forge=read_forge(forge) if isinstance(forge, dict) else None,
        head_pool=text(config, "headPool"),
        worker_pool=text(config, "workerPool"),
        auto_pools=flag(config, "autoPoolMode"),
        head_cpus=number(config, "headJobCpus", HEAD_CPUS),
        head_memory=number(config, "headJobMemoryMb", 0),
        delete_pools=flag(config, "deletePoolsOnCompletion"),
        delete_jobs=flag(config, "deleteJobsOnCompletionEnabled"),
        delete_tasks=flag(config, "deleteTasksOnCompletion", True),
        terminate_jobs=flag(config, "terminateJobsOnCompletion", True),
        wall_clock=seconds(config.get("jobMaxWallClockTime")) or WALL_CLOCK,
        token_duration=seconds(config.get("tokenDuration")) or TOKEN_DURATION,
        subnet=text(config, "subnetId").rstrip("/"),
        head_client=text(config, "managedIdentityClientId"),
        head_identity=text(config, "managedIdentityHeadResourceId").rstrip("/"),
        pool_client=text(config, "managedIdentityPoolClientId"),
        pool_identity=text(config, "managedIdentityPoolResourceId").rstrip("/"),
        image=text(config, "engineContainer") or IMAGE,
        wave=flag(config, "waveEnabled"),
        fusion=flag(config, "fusion2Enabled"),
    )


def read_forge(forge: dict[str, Any]) -> Forge:
    """The `forge` part: one pool, or with `dualPoolConfig` a pool for head jobs and one for tasks."""
    dual = flag(forge, "dualPoolConfig")
    head, worker = part(forge, "headPool"), part(forge, "workerPool")
    return Forge(
        head=read_pool({**forge, **head} if dual else forge),
        worker=read_pool({**forge, **worker}) if dual else None,
        disposes=flag(forge, "disposeOnDeletion", True),
        probe=flag(forge, PROBE) if isinstance(forge.get(PROBE), bool) else None,
        registries=texts(forge, "containerRegIds"),
    )


def read_pool(given: dict[str, Any]) -> PoolOptions:
    """One pool; what it does not say itself, the `forge` part says."""
    return PoolOptions(
        vm_type=text(given, "vmType") or VM_TYPE,
        least=number(given, "minVmCount", 0),
        most=number(given, "vmCount", 1),
        scales=flag(given, "autoScale", True),
        spot=flag(given, "lowPriority"),
        disk=number(given, "bootDiskSizeGB", 0),
        interval=seconds(given.get("scaleInterval")) or SHORTEST_INTERVAL,
    )


def part(config: dict[str, Any], field: str) -> dict[str, Any]:
    """A part that is an object, without what says nothing."""
    found = config.get(field)
    return (
        {key: value for key, value in found.items() if value is not None} if isinstance(found, dict) else {}
    )


def flag(config: dict[str, Any], field: str, otherwise: bool = False) -> bool:
    """A switch."""
    value = config.get(field)
    return value if isinstance(value, bool) else otherwise


def number(config: dict[str, Any], field: str, otherwise: int) -> int:
    """A whole number."""
    value = config.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def seconds(value: Any) -> float:
    """A duration such as 7d, 12h or 1d1h1m in seconds; 0.0 for what is none."""
    found = DURATION.fullmatch(value.strip()) if isinstance(value, str) and value.strip() else None
    if found is None:
        return 0.0
    days, hours, minutes, rest = (int(each or 0) for each in found.groups())
    return days * 86400.0 + hours * 3600.0 + minutes * 60.0 + rest
