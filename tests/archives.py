"""The Lambda archives, built once for all tests of a process. Who uses them belongs to the xdist group
`archives`, so that one process has them all."""

import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from infra import package

SITE = Path(sysconfig.get_paths()["purelib"])
"""The archives are built of what is installed here: nothing is downloaded in a test."""


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
