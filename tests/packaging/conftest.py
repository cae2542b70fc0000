"""What the packaging tests look at: the template as it is deployed, and archives built once."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra import package
from tests.deployed import translated

SITE = Path(sysconfig.get_paths()["purelib"])
"""The archives are built of what is installed here: nothing is downloaded in a test."""


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The packaged template after AWS's own transform."""
    return translated(package.rendered_template("3.13", "arm64"))


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Function -> its archive, compiled for this Python."""
    built = package.build(tmp_path_factory.mktemp("archives"), SITE, sys.executable)
    return {path.stem: path for path in built}


@pytest.fixture(scope="session")
def unpacked(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Function -> the directory that Lambda would run it from."""
    found = {}
    for function, path in archives.items():
        found[function] = tmp_path_factory.mktemp(function)
        zipfile.ZipFile(path).extractall(found[function])
    return found


def alone(directory: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python code that sees this directory and the standard library, and nothing else."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(directory), **variables}
    command = [sys.executable, "-S", "-B", "-W", "error::ImportWarning", "-c", code]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60)
