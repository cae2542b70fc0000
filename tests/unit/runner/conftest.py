"""Stages for the runner's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.providers.local.sandbox import Sandbox
from tests.unit.runner.world import Stage, stage


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def the(tmp_path: Path, sandbox: Sandbox) -> Iterator[Stage]:
    """A stage with a POSIX work directory and no cloud."""
    with stage(tmp_path, sandbox) as made:
        yield made
