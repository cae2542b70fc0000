"""An `aws-batch` config as typed values, with the defaults of the public platform."""

from typing import Any

from shared.model.records import Model
from shared.providers.fields import text, texts

SPOT, ON_DEMAND = "SPOT", "EC2"
STRATEGIES = ("BEST_FIT", "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED")
HEAD_MEMORY, HEAD_CPUS = 4096, 1
"""MiB and vCPUs of a head job that asks for nothing (the public platform's memory; Batch's own vCPU)."""
MAX_CPUS = 256
"""vCPUs of a work environment that names no limit. Ours: AWS has no default."""
HEAD_MAX_CPUS = 128
"""vCPUs of all head jobs together: they are small, and nothing is paid for those that do not run."""
BOOT_DISK = 50
"""GiB of a node's gp3 root disk; FUSION_DISK with Fusion and no NVMe, as the public platform documents."""
FUSION_DISK, FUSION_THROUGHPUT = 100, 325
ARM_FAMILIES = ("m6g", "r6g", "c6g")
NVME_FAMILIES, ARM_NVME_FAMILIES = ("m5d", "r5d", "c5d"), ("m6gd", "r6gd", "c6gd")
"""What takes the place of `optimal`, which holds no such types."""
IMAGE = "nextflow/nextflow:25.04.6"
"""The head job's container where the config names none: what machines of AWS Cloud run too."""


EFS_MOUNT, FSX_MOUNT = "/mnt/efs", "/fsx"
"""Where file systems are mounted, on nodes and in containers, when the config does not say."""
FSX_LEAST = 1200
"""GiB of the smallest Lustre file system; larger ones are multiples of 2400."""
BLOCK = 50
"""GiB by which the auto-expanding disk grows."""


class Mounted(Model, frozen=True, kw_only=True):
    """A file system on every node. `id`: the user's own (empty: one is made); `size` in GiB, of FSx."""

    id: str = ""
    mount: str
    size: int = 0
    name: str = ""

    @property
    def made(self) -> bool:
        """Whether Forge makes it."""
        return not self.id


class Work(Model, frozen=True, kw_only=True):
    """What Forge makes: the `forge` part of a config."""

    spot: bool
    min_cpus: int
    max_cpus: int
    types: tuple[str, ...]
    strategy: str
    bid: int
    image_id: str
    vpc_id: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    key_pair: str
    boot_disk: int
    gpu: bool
    arm: bool
    fargate_head: bool
    ecs_config: str
    disk_type: str = "gp3"
    expanding: int = 0
    """GiB by which the scratch disk grows when it fills up; 0: there is none."""
    efs: Mounted | None = None
    fsx: Mounted | None = None
    keeps: bool = False
    """Whether file systems stay when the environment is disposed of."""
    shares: bool = False
    """Whether environments with the same specification have one set of queues."""

    @property
    def mounted(self) -> tuple[Mounted, ...]:
        """The file systems on every node."""
        return tuple(each for each in (self.efs, self.fsx) if each)


class BatchOptions(Model, frozen=True, kw_only=True):
    """What an environment asks for. A value of the wrong type reads as absent: `form` has refused it.
    `work` is None where the user's own queues are used."""

    work: Work | None
    head_queue: str
    compute_queue: str
    head_role: str
    compute_role: str
    execution_role: str
    head_cpus: int
    head_memory: int
    cli_path: str
    volumes: tuple[str, ...]
    wave: bool
    fusion: bool
    nvme: bool
    image: str

    @property
    def mounts(self) -> tuple[str, ...]:
        """Where file systems are mounted, on nodes and in containers."""
        return tuple(each.mount for each in self.work.mounted) if self.work else ()

    @property
    def mounted(self) -> tuple[tuple[str, str, bool], ...]:
        """Directories of a node in a container: (on the node, in the container, for reading only)."""
        parts = [each.split(":") for each in self.volumes]
        own = [(each[0], each[1] if len(each) > 1 else each[0], each[2:] == ["ro"]) for each in parts]
        return (*own, *((path, path, False) for path in self.mounts))

    @property
    def fargate(self) -> bool:
        """Whether head jobs run on Fargate."""
        return self.work is not None and self.work.fargate_head


def read(config: dict[str, Any]) -> BatchOptions:
    """The options of a config. Pure; never raises."""
    fusion, nvme = flag(config, "fusion2Enabled"), flag(config, "nvnmeStorageEnabled")
    forge = config.get("forge")
    return BatchOptions(
        work=read_work(forge, fusion, nvme) if isinstance(forge, dict) else None,
        head_queue=text(config, "headQueue"),
        compute_queue=text(config, "computeQueue"),
        head_role=text(config, "headJobRole"),
        compute_role=text(config, "computeJobRole"),
        execution_role=text(config, "executionRole"),
        head_cpus=number(config, "headJobCpus", HEAD_CPUS),
        head_memory=number(config, "headJobMemoryMb", HEAD_MEMORY),
        cli_path=text(config, "cliPath"),
        volumes=texts(config, "volumes"),
        wave=flag(config, "waveEnabled"),
        fusion=fusion,
        nvme=nvme,
        image=text(config, "engineContainer") or IMAGE,
    )


def read_work(forge: dict[str, Any], fusion: bool, nvme: bool) -> Work:
    """The `forge` part. Fusion caches on the root disk where there is no NVMe."""
    spot = text(forge, "type") == SPOT
    best = "SPOT_PRICE_CAPACITY_OPTIMIZED" if spot else "BEST_FIT_PROGRESSIVE"
    arm = flag(forge, "arm64Enabled")
    return Work(
        spot=spot,
        min_cpus=number(forge, "minCpus", 0),
        max_cpus=number(forge, "maxCpus", MAX_CPUS),
        types=texts(forge, "instanceTypes") or types_for(arm, nvme),
        strategy=text(forge, "allocStrategy") or best,
        bid=number(forge, "bidPercentage", 100),
        image_id=text(forge, "imageId"),
        vpc_id=text(forge, "vpcId"),
        subnets=texts(forge, "subnets"),
        groups=texts(forge, "securityGroups"),
        key_pair=text(forge, "ec2KeyPair"),
        boot_disk=number(forge, "ebsBootSize", FUSION_DISK if fusion and not nvme else BOOT_DISK),
        gpu=flag(forge, "gpuEnabled"),
        arm=arm,
        fargate_head=flag(forge, "fargateHeadEnabled"),
        ecs_config=text(forge, "ecsConfig"),
        disk_type=text(forge, "ebsType") or "gp3",
        expanding=number(forge, "ebsBlockSize", BLOCK) if flag(forge, "ebsAutoScale") else 0,
        efs=read_efs(forge),
        fsx=read_fsx(forge),
        keeps=forge.get("disposeOnDeletion") is False,
        shares=flag(forge, "shareQueues"),
    )


def types_for(arm: bool, nvme: bool) -> tuple[str, ...]:
    """The types of a work environment that names none."""
    if nvme:
        return ARM_NVME_FAMILIES if arm else NVME_FAMILIES
    return ARM_FAMILIES if arm else ("optimal",)


def read_efs(forge: dict[str, Any]) -> Mounted | None:
    """EFS: the user's own by its id, or a new one."""
    own, mount = text(forge, "efsId"), text(forge, "efsMount").rstrip("/") or EFS_MOUNT
    return Mounted(id=own, mount=mount) if own or flag(forge, "efsCreate") else None


def read_fsx(forge: dict[str, Any]) -> Mounted | None:
    """FSx for Lustre: a new one of a size, else the user's own by its id or DNS name."""
    named, size = text(forge, "fsxName"), number(forge, "fsxSize", 0)
    mount = text(forge, "fsxMount").rstrip("/") or FSX_MOUNT
    if size:
        return Mounted(mount=mount, size=size, name=named)
    return Mounted(id=named.partition(".")[0], mount=mount) if named else None


def flag(config: dict[str, Any], field: str) -> bool:
    """A switch; off when absent."""
    return config.get(field) is True


def number(config: dict[str, Any], field: str, otherwise: int) -> int:
    """A whole number."""
    value = config.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
