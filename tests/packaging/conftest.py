"""What the packaging tests look at: the template as it is deployed, and code that runs alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import package
from tests.deployed import translated


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The packaged template after AWS's own transform."""
    return translated(package.rendered_template("3.13", "arm64"))


@pytest.fixture(scope="session")
def index() -> dict[str, list[dict[str, Any]]]:
    """Function -> its bindings, as the host sees them."""
    from functions.app import build

    found = build().get_functions()
    return {each.get_function_name(): json.loads(each.get_function_json())["bindings"] for each in found}


def alone(directory: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python code that sees this directory and the standard library, and nothing else."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(directory), **variables}
    command = [sys.executable, "-S", "-B", "-W", "error::ImportWarning", "-c", code]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60)
