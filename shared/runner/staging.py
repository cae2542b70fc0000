"""Puts what the spec brings onto the machine: files, scripts, and secrets (in memory, for one user)."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from shared.runner.cloud import Cloud
from shared.runner.errors import Failed, StepFailed
from shared.runner.lines import Mask
from shared.runner.spec import Spec

PRE_RUN, POST_RUN = "pre-run.sh", "post-run.sh"
PARAMS = "params.json"
SCM = "scm"
"""What opens the pipeline's repository, beside the secrets."""


def bare(name: str) -> str:
    """A file name that stays in its directory. Raises StepFailed for any other."""
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise StepFailed(f"{name!r} is not a file name")
    return name


def stage_files(spec: Spec, run_dir: Path) -> None:
    """Writes the spec's files, parameters and scripts into the run's directory. Idempotent."""
    texts = {bare(name): text for name, text in spec.files.items()}
    texts[f"nf-{spec.run}-{PARAMS}"] = json.dumps(spec.params, indent=1)
    scripts = {PRE_RUN: spec.pre_run, POST_RUN: spec.post_run}
    texts.update((name, text) for name, text in scripts.items() if text.strip())
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (run_dir / name).write_text(text)
    except OSError as error:
        raise StepFailed(f"files cannot be written: {error.strerror}") from None


class Secrets:
    """The run's secrets in the form that Nextflow reads them, in memory where the machine has a memory
    file system. `remove` leaves nothing behind."""

    def __init__(self, base: Path) -> None:
        self._base = memory_directory() or base
        self.directory: Path | None = None

    @property
    def file(self) -> Path | None:
        """The store, or None without secrets."""
        return self.directory / "store.json" if self.directory else None

    def stage(self, values: dict[str, str], scm: str = "") -> None:
        """Writes the store, and what opens the pipeline's repository, readable by this user only."""
        if not values and not scm:
            return
        try:
            self._base.mkdir(parents=True, exist_ok=True)
            self.directory = Path(tempfile.mkdtemp(prefix="headnode-secrets-", dir=self._base))
            store = [{"name": name, "value": value} for name, value in values.items()]
            write_own(self.directory / "store.json", json.dumps(store))
            if scm:
                write_own(self.directory / SCM, scm)
        except OSError as error:
            raise StepFailed(f"secrets cannot be stored: {error.strerror}") from None

    def remove(self) -> None:
        """Deletes the store. Idempotent, never raises."""
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)


def write_own(path: Path, text: str) -> None:
    """Writes a new file that nobody else may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def memory_directory() -> Path | None:
    """A directory in memory that we may write, if there is one."""
    for candidate in (Path("/dev/shm"), Path("/run")):  # noqa: S108
        if os.access(candidate, os.W_OK) and is_memory(candidate):
            return candidate
    return None


def is_memory(path: Path) -> bool:
    """Whether a directory is the root of a memory file system."""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return False
    kinds = [line.split()[2] for line in mounts if line.split()[1] == str(path)]
    # Within a sandbox /dev is a tmpfs of its own and /dev/shm a directory in it.
    if not kinds and path.parent != path:
        return is_memory(path.parent)
    return bool(kinds) and kinds[-1] in ("tmpfs", "ramfs")


def secret_values(spec: Spec, cloud: Cloud, mask: Mask) -> dict[str, str]:
    """Every secret's value, each masked in the log from now on. Raises StepFailed naming the one that
    cannot be had."""
    values = {}
    for entry in spec.secrets:
        name = str(entry.get("name", ""))
        values[name] = secret_value(name, entry, cloud)
        mask.add(values[name])
    return values


def secret_value(name: str, entry: dict[str, Any], cloud: Cloud) -> str:
    """The value of one: given, or where its source says."""
    if "value" in entry:
        return str(entry["value"])
    try:
        return cloud.secret(str(entry.get("source", "")))
    except StepFailed as error:
        raise StepFailed(f"secret {name}: {error}") from None
    except Failed as error:
        raise StepFailed(f"secret {name} cannot be read: {error}") from None
