"""Where the pipeline comes from: a directory on this machine, or a git repository."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from shared.runner.errors import StepFailed
from shared.runner.process import output
from shared.runner.scm import settings
from shared.runner.spec import Spec

CLONE_WITHIN = 600.0
MAINS = ("main", "main.sh")


def local_path(pipeline: str) -> Path | None:
    """The directory (or file) that a pipeline names on this machine, or None when it is elsewhere."""
    if pipeline.startswith("file://"):
        return Path(pipeline[7:])
    return Path(pipeline) if pipeline.startswith("/") else None


def fetched(spec: Spec, clone_to: Path) -> str:
    """What the engine is to run: a path, or an address that Nextflow fetches itself. Blocks while a
    repository is cloned. Raises StepFailed with git's own words."""
    for value in (spec.pipeline, spec.revision):
        if value.startswith("-"):
            raise StepFailed(f"{value!r} is not the name of a pipeline or revision")
    path = local_path(spec.pipeline)
    if path is not None and not path.exists():
        raise StepFailed(f"pipeline {spec.pipeline} not found on this machine")
    if path is not None and not (spec.revision and is_repository(path)):
        return str(path)
    if path is None and spec.engine == "nextflow":
        return spec.pipeline
    return str(cloned(address(spec.pipeline, path), spec.revision, clone_to, spec.git))


def is_repository(path: Path) -> bool:
    """Whether a directory is a git repository, bare or not."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def address(pipeline: str, path: Path | None) -> str:
    """What git clones. `owner/name` is a GitHub repository, as Nextflow has it."""
    if path is not None:
        return str(path)
    if "://" in pipeline or "@" in pipeline:
        return pipeline
    return f"https://github.com/{pipeline}"


def cloned(url: str, revision: str, to: Path, access: list[dict[str, str]]) -> Path:
    """Clones a repository at a branch, tag or commit."""
    # A repository that belongs to another user on this machine is not trusted unless said so.
    given = [("safe.directory", "*"), *settings(access)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(given))}
    for number, (name, value) in enumerate(given):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        output(["git", "clone", "--quiet", "--", url, str(to)], CLONE_WITHIN, environment)
        if revision:
            output(["git", "-C", str(to), "checkout", "--quiet", revision, "--"], CLONE_WITHIN, environment)
    except StepFailed as error:
        raise StepFailed(
            f"pipeline {shown(url)} cannot be fetched: {str(error).replace(url, shown(url))}"
        ) from None
    return to


def shown(url: str) -> str:
    """An address without the user and password that it may hold."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)


def main_program(spec: Spec, folder: Path) -> Path:
    """The executable that the script engine runs. Raises StepFailed when there is none."""
    for name in (spec.main,) if spec.main else MAINS:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise StepFailed(f"{name} is not in the pipeline's folder")
        if path.is_file():
            if not os.access(path, os.X_OK):
                raise StepFailed(f"{name} is not executable")
            return path
    raise StepFailed(f"the pipeline's folder has no {spec.main or ' or '.join(MAINS)}")
