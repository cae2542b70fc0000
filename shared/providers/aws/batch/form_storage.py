"""What is wrong with the disks and file systems of a `forge`, by its own words; nothing is called."""

import re
from typing import Any

from shared.providers.aws.batch.options import EFS_MOUNT, FSX_LEAST, FSX_MOUNT
from shared.providers.fields import Add, given, shown, text, texts

FS = r"fs-(?:[0-9a-f]{8}|[0-9a-f]{17})"
PATH = r"(/[A-Za-z0-9._-]+)+/?", "an absolute path"
PATTERNS = {
    "efsId": (FS, "a file system's id (fs-...)"),
    "efsMount": PATH,
    "fsxMount": PATH,
    "ebsType": (r"gp3|gp2", "gp3 or gp2"),
}
LUSTRE = rf"{FS}(\.fsx\.[a-z0-9-]+\.amazonaws\.com(\.cn)?)?"
"""An existing file system of FSx: its id or DNS name."""
NAME = r"[A-Za-z0-9 _.:/=+@-]{1,128}"
NUMBERS = {"fsxSize": (FSX_LEAST, 1_000_800), "ebsBlockSize": (20, 16_384)}
SWITCHES = ("efsCreate", "ebsAutoScale", "shareQueues")
TAKEN = ("/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/tmp", "/usr", "/var")  # noqa: S108
"""Directories of a node or of a container that nothing may be mounted over."""


def storage(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """What only makes sense together."""
    efs, fsx = forge.get("efsCreate") is True, given(forge, "fsxSize")
    if efs and given(forge, "efsId"):
        add("efsId", "leave out one of efsId (yours) and efsCreate (a new one)")
    if given(forge, "efsMount") and not (efs or given(forge, "efsId")):
        add("efsMount", "needs efsId or efsCreate")
    name = text(forge, "fsxName")
    existing = bool(re.fullmatch(LUSTRE, name))
    if fsx and existing:
        add("fsxName", "names a file system that exists: leave out fsxSize, which makes a new one")
    elif name and not existing and not (fsx and re.fullmatch(NAME, name)):
        add(
            "fsxName",
            f"{shown(name)} is neither a file system's id nor its DNS name (a new one needs fsxSize)",
        )
    if given(forge, "fsxMount") and not (fsx or name):
        add("fsxMount", "needs fsxName or fsxSize")
    size = forge.get("fsxSize")
    if isinstance(size, int) and size != FSX_LEAST and size % (2 * FSX_LEAST):
        add("fsxSize", f"{size} is neither {FSX_LEAST} nor a multiple of {2 * FSX_LEAST}")
    places(forge, add)
    incompatible(config, forge, (efs, fsx), add)


def places(forge: dict[str, Any], add: Add) -> None:
    """Where file systems are mounted: nowhere that is in use."""
    found = mounts(forge)
    for field, path in found.items():
        if path in TAKEN or path.startswith(("/proc/", "/sys/", "/dev/", "/etc/")):
            add(field, f"{path} is the system's own")
    if len(found) == 2 and len(set(found.values())) == 1:
        add("fsxMount", "is where EFS is mounted: choose two directories")


def mounts(forge: dict[str, Any]) -> dict[str, str]:
    """Field -> directory of each file system that the config has."""
    found: dict[str, str] = {}
    if forge.get("efsCreate") is True or given(forge, "efsId"):
        found["efsMount"] = text(forge, "efsMount").rstrip("/") or EFS_MOUNT
    if given(forge, "fsxSize") or given(forge, "fsxName"):
        found["fsxMount"] = text(forge, "fsxMount").rstrip("/") or FSX_MOUNT
    return found


def incompatible(config: dict[str, Any], forge: dict[str, Any], made: tuple[bool, bool], add: Add) -> None:
    """What cannot be had together, each at the field that has to go."""
    fields = {"efsMount": "efsId" if given(forge, "efsId") else "efsCreate"}
    fields["fsxMount"] = "fsxSize" if made[1] else "fsxName"
    for mounted in mounts(forge):
        if forge.get("fargateHeadEnabled") is True:
            add(fields[mounted], "cannot be had with fargateHeadEnabled: Fargate does not mount it")
    for is_made, field in zip(made, ("efsCreate", "fsxSize"), strict=True):
        if is_made and forge.get("shareQueues") is True:
            add(field, "cannot be had with shareQueues: name a file system of yours instead")
    if forge.get("ebsAutoScale") is True and config.get("fusion2Enabled") is True:
        add("ebsAutoScale", "cannot be had with fusion2Enabled, which needs no scratch disk")
    if given(forge, "ebsBlockSize") and forge.get("ebsAutoScale") is not True:
        add("ebsBlockSize", "needs ebsAutoScale")


def directories(config: dict[str, Any]) -> tuple[str, ...]:
    """The directories of a head job that are on other disks than its own, where a work directory may be."""
    forge = config.get("forge")
    own = tuple(mounts(forge).values()) if isinstance(forge, dict) else ()
    return (*own, *(each.split(":")[min(1, each.count(":"))] for each in texts(config, "volumes")))


def work_dir(config: dict[str, Any], add: Add) -> bool:
    """Whether the work directory is a path on a node, and what is wrong with it then."""
    path = text(config, "workDir")
    if not path.startswith("/"):
        return False
    under = [each.rstrip("/") for each in directories(config)]
    if not any(path.rstrip("/").startswith(f"{each}/") for each in under):
        known = f" ({', '.join(under)})" if under else ": there is none"
        add("workDir", f"{shown(path)} is not below a mounted file system{known}")
    if config.get("fusion2Enabled") is True:
        add("workDir", "Fusion needs a work directory in a bucket (s3://bucket/directory)")
    return True
