"""What is wrong with an `aws-batch` config by its own words; nothing is called."""

import re
from typing import Any

from shared.errors import Fault
from shared.providers import fields
from shared.providers.aws import form as cloud
from shared.providers.aws.batch import form_storage as disks
from shared.providers.aws.batch.options import ON_DEMAND, SPOT, STRATEGIES
from shared.providers.fields import Add, Patterns, given, shown

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"
QUEUE = rf"(arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{{12}}:job-queue/)?{NAME}", "a job queue's name or ARN"
ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", "a role's ARN"
TYPE = r"optimal|[a-z][a-z0-9-]*(\.[a-z0-9-]+)?", "an instance type or family"
ECS_CONFIG = r"(?s:(?!.*END_OF_CONFIG)[\n\t -~]{1,4000})"
"""It becomes part of a shell script, between two marks."""
PATTERNS = {
    "headQueue": QUEUE,
    "computeQueue": QUEUE,
    "headJobRole": ROLE,
    "computeJobRole": ROLE,
    "executionRole": ROLE,
    "cliPath": (r"(/[^/\s]+)+/bin/(aws|s5cmd)", "an absolute path that ends in /bin/aws"),
    "logGroup": cloud.PATTERNS["logGroup"],
    "forgePrefix": cloud.PATTERNS["forgePrefix"],
}
FORGE_PATTERNS = {
    "type": (f"{SPOT}|{ON_DEMAND}", f"{SPOT} or {ON_DEMAND}"),
    "allocStrategy": ("|".join(STRATEGIES), f"one of {', '.join(STRATEGIES)}"),
    "imageId": cloud.PATTERNS["imageId"],
    "vpcId": cloud.PATTERNS["vpcId"],
    "ec2KeyPair": cloud.PATTERNS["ec2KeyPair"],
    "ecsConfig": (ECS_CONFIG, "lines of plain text, at most 4000 characters"),
    **disks.PATTERNS,
}
LISTS = {"volumes": (r"/[^:\s]*(:/[^:\s]*(:(ro|rw))?)?", "a path, or /host/path:/container/path")}
FORGE_LISTS = {
    "instanceTypes": TYPE,
    "subnets": cloud.LISTS["subnetIds"],
    "securityGroups": cloud.LISTS["securityGroups"],
    "allowBuckets": cloud.LISTS["allowBuckets"],
}
NUMBERS = {"headJobCpus": (1, 192), "headJobMemoryMb": (512, 1_572_864), "maxResumes": (0, 1000)}
FORGE_NUMBERS = {
    "minCpus": (0, 100_000),
    "maxCpus": (1, 100_000),
    "bidPercentage": (1, 100),
    "ebsBootSize": (30, 16_384),
    **disks.NUMBERS,
}
"""The disk in GiB: an ECS-optimised image has 30."""
TEXTS = ("preRunScript", "postRunScript", "nextflowConfig", "engineContainer")
SWITCHES = ("waveEnabled", "fusion2Enabled", "fusionSnapshots", "nvnmeStorageEnabled")
FORGE_SWITCHES = ("gpuEnabled", "arm64Enabled", "fargateHeadEnabled", "disposeOnDeletion", *disks.SWITCHES)
ABSENT = {
    "fusionEnabled": "Fusion version 1",
    "dragenEnabled": "DRAGEN",
    "dragenAmiId": "DRAGEN",
    "dragenInstanceType": "DRAGEN",
}
"""Fields of the public platform that headnode does not have: better refused than passed over in silence."""
ARM_TYPE = re.compile(r"a1|[a-z]+\d+g[a-z]*")
"""The families of AWS's own processors."""
FARGATE_CPUS = (1, 2, 4, 8, 16)
FARGATE_MEMORY = {1: (2048, 8192), 2: (4096, 16384), 4: (8192, 30720), 8: (16384, 61440), 16: (32768, 122880)}
"""MiB that Fargate takes for so many vCPUs."""


def form(config: dict[str, Any]) -> list[Fault]:
    """Every fault, in the order of the fields' importance. Pure."""
    faults: list[Fault] = []
    add: Add = lambda field, message: faults.append(Fault(field, message))  # noqa: E731
    cloud.region(config, add)
    if not disks.work_dir(config, add):
        cloud.work_dir(config, add)
    single(config, PATTERNS, LISTS, NUMBERS, SWITCHES, add)
    fields.faulty_texts(config, TEXTS, add)
    tags(config, add)
    fields.faulty_variables(config, add)
    if config.get("dragenQueue") or config.get("dragenInstanceType"):
        add("dragenQueue", "headnode does not have DRAGEN")
    fusion(config, add)
    forge = config.get("forge")
    if forge is None:
        manual(config, add)
    elif isinstance(forge, dict):
        forged(config, forge, lambda field, message: add(f"forge.{field}", message))
    else:
        add("forge", f"{shown(forge)} is not an object")
    return faults


def tags(config: dict[str, Any], add: Add) -> None:
    """The tags that a policy restricted by `aws:ResourceTag` needs."""
    required = config.get("requiredTags")
    if required in (None, "", {}):
        return
    if not isinstance(required, dict) or not all(isinstance(each, str) for each in required.values()):
        add("requiredTags", f"{shown(required)} is not an object of names and values")


def single(
    config: dict[str, Any],
    patterns: Patterns,
    lists: Patterns,
    numbers: dict[str, tuple[int, int]],
    switches: tuple[str, ...],
    add: Add,
) -> None:
    """Each field by itself."""
    fields.faulty_patterns(config, patterns, add)
    fields.faulty_lists(config, lists, cloud.LIST_LIMIT, add)
    fields.faulty_numbers(config, numbers, add)
    fields.faulty_switches(config, switches, add)


def fusion(config: dict[str, Any], add: Add) -> None:
    """Wave brings Fusion into a container; Fusion uses the fast disks."""
    for field, needed in (
        ("fusion2Enabled", "waveEnabled"),
        ("fusionSnapshots", "fusion2Enabled"),
        ("nvnmeStorageEnabled", "fusion2Enabled"),
    ):
        if config.get(field) is True and config.get(needed) is not True:
            add(field, f"needs {needed}")


def manual(config: dict[str, Any], add: Add) -> None:
    """Without `forge`, both queues are the user's."""
    for field in ("headQueue", "computeQueue"):
        if not given(config, field):
            add(field, "missing (needed without forge)")


def forged(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """What Forge is asked for."""
    if not given(forge, "type"):
        add("type", f"missing: {SPOT} or {ON_DEMAND}")
    single(forge, FORGE_PATTERNS, FORGE_LISTS, FORGE_NUMBERS, FORGE_SWITCHES, add)
    for field, what in ABSENT.items():
        if forge.get(field):
            add(field, f"headnode does not have {what}")
    for field in ("headQueue", "computeQueue"):
        if given(config, field):
            add("type", f"{field} names a queue of yours: leave out one of {field} and forge")
    market(forge, add)
    processors(config, forge, add)
    disks.storage(config, forge, add)
    if forge.get("fargateHeadEnabled") is True:
        fargate(config, forge, add)


def market(forge: dict[str, Any], add: Add) -> None:
    """What only makes sense with Spot, and the two limits of vCPUs."""
    spot = forge.get("type") == SPOT
    strategy = forge.get("allocStrategy")
    if not spot and isinstance(strategy, str) and strategy.startswith(SPOT):
        add("allocStrategy", f"{strategy} needs type {SPOT}")
    if not spot and given(forge, "bidPercentage"):
        add("bidPercentage", f"needs type {SPOT}")
    least, most = forge.get("minCpus"), forge.get("maxCpus")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        add("minCpus", f"{least} is more than maxCpus, {most}")


def processors(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """The architecture that was asked for and the types that have it."""
    arm, gpu = forge.get("arm64Enabled") is True, forge.get("gpuEnabled") is True
    listed = forge.get("instanceTypes")
    types = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    if arm and gpu:
        add("gpuEnabled", "cannot be had with arm64Enabled")
    if arm and not (config.get("fusion2Enabled") is True and forge.get("fargateHeadEnabled") is True):
        add("arm64Enabled", "needs waveEnabled, fusion2Enabled and fargateHeadEnabled")
    if gpu and not types:
        add("instanceTypes", "gpuEnabled needs instance types with a GPU to be named")
    for each in types:
        is_arm = bool(ARM_TYPE.fullmatch(each.partition(".")[0]))
        if each != "optimal" and is_arm != arm:
            add("instanceTypes", f"{each} is {'arm64' if is_arm else 'not arm64'}; see arm64Enabled")
        if each == "optimal" and (arm or config.get("nvnmeStorageEnabled") is True):
            add("instanceTypes", "'optimal' holds neither arm64 nor NVMe types")


def fargate(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """A head job on Fargate."""
    if forge.get("type") != SPOT:
        add("fargateHeadEnabled", f"needs type {SPOT}")
    if config.get("fusion2Enabled") is not True:
        add("fargateHeadEnabled", "needs fusion2Enabled")
    cpus, memory = config.get("headJobCpus") or 1, config.get("headJobMemoryMb") or 4096
    if cpus not in FARGATE_CPUS:
        add("fargateHeadEnabled", f"headJobCpus must be one of {', '.join(map(str, FARGATE_CPUS))}")
    elif isinstance(memory, int) and not FARGATE_MEMORY[cpus][0] <= memory <= FARGATE_MEMORY[cpus][1]:
        least, most = FARGATE_MEMORY[cpus]
        add("fargateHeadEnabled", f"{cpus} vCPUs take headJobMemoryMb from {least} to {most}")
