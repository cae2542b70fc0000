"""What the functions need from elsewhere: for each cloud one lock file with hashes, and for each function
the part of it that it imports.

Refresh the locks, which resolves the newest versions for every runtime and architecture, with

    python -m infra.dependencies
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Any

from shared.errors import HeadnodeError

HERE = Path(__file__).parent
RUNTIMES = ("3.12", "3.13")
ARCHITECTURES = ("arm64", "x86_64")

STEP = ("aws-lambda-powertools", "aws-xray-sdk", "boto3", "msgspec")
"""What every function needs. The runtime has a boto3 too, of a version that changes under us."""
API = (*STEP, "fastapi", "mangum")

FUNCTIONS = (
    "azure-core",
    "azure-data-tables",
    "azure-functions",
    "azure-identity",
    "azure-storage-queue",
    "cryptography",
    "fastapi",
    "msgspec",
    "requests",
)
"""What the Azure Functions need. azure-core sends through requests."""


@dataclass(frozen=True)
class Lock:
    """What is locked for one cloud, and where it runs."""

    path: Path
    roots: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]


AWS = Lock(HERE / "aws" / "requirements.lock", API, RUNTIMES, ARCHITECTURES)
AZURE = Lock(HERE / "azure" / "requirements.lock", FUNCTIONS, ("3.12",), ("x86_64",))
"""Flex Consumption runs on x86-64 only."""

SERVICES = ("batch", "dynamodb", "ec2", "efs", "fsx", "iam", "kms", "logs", "s3", "sqs", "sts", "xray")
"""The services whose descriptions stay in botocore; all of them are four fifths of its size.."""
MACHINE_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of an installation that say how this machine installed it."""


def pip(*arguments: str) -> str:
    """What pip printed. Raises HeadnodeError with its last words when it failed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        words = ended.stderr.strip().splitlines() or ["pip failed"]
        raise HeadnodeError(f"cannot get the functions' dependencies: {words[-1]}")
    return ended.stdout


def wheels_for(python_version: str, architecture: str) -> list[str]:
    """pip's arguments for wheels that run there: Lambda (Amazon Linux 2023) has glibc 2.34, Functions
    (Debian) has 2.31 or a newer one."""
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    platforms = (f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}", f"manylinux2014_{machine}")
    chosen = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python_version}"]
    return [*chosen, *(f"--platform={each}" for each in platforms)]


def install(target: Path, python_version: str, architecture: str, lock: Lock = AWS) -> None:
    """Puts everything in the lock into `target`; whatever does not have a hash of the lock is
    refused. Raises HeadnodeError when it cannot be had."""
    wheels = wheels_for(python_version, architecture)
    pip("install", "--quiet", "--no-deps", "--no-compile", "--require-hashes", f"--target={target}",
        f"--requirement={lock.path}", *wheels)  # fmt: skip


def needed(site: Path, roots: Iterable[str]) -> list[Distribution]:
    """The distributions installed in `site` that these need, themselves included."""
    known = {canonical(each.metadata["Name"]): each for each in distributions(path=[str(site)])}
    found: dict[str, Distribution] = {}
    waiting = [canonical(root) for root in roots]
    if missing := [root for root in waiting if root not in known]:
        raise HeadnodeError(f"not installed in {site}: {', '.join(missing)}")
    while waiting:
        name = waiting.pop()
        # One that is not there is for another Python or platform.
        if name in found or name not in known:
            continue
        found[name] = known[name]
        waiting += [canonical(each) for each in known[name].requires or [] if "extra ==" not in each]
    return [found[name] for name in sorted(found)]


def canonical(requirement: str) -> str:
    """A requirement's project name, in its one spelling."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]).lower()


def files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    """The distribution's files that a function needs: name in the archive, and where it lies."""
    for each in distribution.files or []:
        name = str(PurePosixPath(each))
        if name.startswith("..") or name.endswith(".pyc") or each.name in MACHINE_NOTES:
            continue
        service = re.match(r"botocore/data/([^/]+)/", name)
        if service is None or service[1] in SERVICES:
            yield name, Path(str(distribution.locate_file(each)))


def resolved(lock: Lock, python_version: str, architecture: str) -> dict[str, set[str]]:
    """`name==version` -> hashes of the wheels that pip would install there today."""
    with tempfile.TemporaryDirectory() as nowhere:
        report = pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report=-",
            f"--target={nowhere}", *wheels_for(python_version, architecture), *lock.roots)  # fmt: skip
    pins: dict[str, set[str]] = {}
    found: list[dict[str, Any]] = json.loads(report)["install"]
    for each in found:
        name = f"{canonical(each['metadata']['name'])}=={each['metadata']['version']}"
        pins.setdefault(name, set()).add(each["download_info"]["archive_info"]["hashes"]["sha256"])
    return pins


def relocked(lock: Lock) -> str:
    """A lock file's new text. Raises HeadnodeError when the runtimes need different versions."""
    pins: dict[str, set[str]] = {}
    for python_version in lock.runtimes:
        for architecture in lock.architectures:
            for pin, hashes in resolved(lock, python_version, architecture).items():
                pins.setdefault(pin, set()).update(hashes)
    names = [pin.partition("==")[0] for pin in pins]
    if twice := {name for name in names if names.count(name) > 1}:
        raise HeadnodeError(f"the runtimes need different versions of {', '.join(sorted(twice))}")
    head = "# Made by `python -m infra.dependencies`; not to be edited by hand."
    hashed = {pin: [f"--hash=sha256:{each}" for each in sorted(pins[pin])] for pin in sorted(pins)}
    return "\n".join([head, *(" \\\n    ".join([pin, *hashed[pin]]) for pin in hashed), ""])


if __name__ == "__main__":
    for each in (AWS, AZURE):
        each.path.write_text(relocked(each))
