"""Microsoft's own worker library for Functions, which needs Python 3.13, in an environment of its own;
`python -m tests.functions_runtime` makes that before any test needs it."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra import sources

PYTHON = "3.13"
ROOT = Path(sys.prefix) / f"functions-{PYTHON}"
PACKAGES = (
    "azure-functions-runtime==1.3.0",
    "azure-data-tables",
    "azure-identity",
    "azure-storage-queue",
    "cryptography",
    "fastapi",
    "msgspec",
)


def install() -> str:
    """Makes the environment unless it is there; why that was not possible, or nothing. Safe for several
    processes at once."""
    with Path(f"{ROOT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return "" if (ROOT / "ready").exists() else _made()


def _made() -> str:
    """What pip said when it failed."""
    python = sources.interpreter(PYTHON) or _of_pyenv()
    if python is None:
        return f"the worker library of Functions needs Python {PYTHON}"
    shutil.rmtree(ROOT, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(ROOT)], check=True)
    wanted = [str(ROOT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    done = subprocess.run(wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"pip cannot fetch the worker library: {done.stderr.strip().splitlines()[-1:]}"
    (ROOT / "ready").touch()
    return ""


def _of_pyenv() -> str | None:
    """A Python that is installed, but not on the path."""
    if shutil.which("pyenv") is None:
        return None
    for version in _said("pyenv", "versions", "--bare").split():
        if version.startswith(f"{PYTHON}."):
            return f"{_said('pyenv', 'prefix', version)}/bin/python"
    return None


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="session")
def runtime() -> Path:
    """A Python that has the worker library; skips with the reason where it cannot be had."""
    why_not = install()
    if why_not:
        pytest.skip(why_not)
    return ROOT / "bin" / "python"


if __name__ == "__main__":
    sys.exit(install())
