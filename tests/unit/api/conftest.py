"""The API over a real store, queue and vault, with a platform and a log that tests make up."""

import pytest

from tests.unit.api.front import Front


@pytest.fixture
def api(tmp_path, request) -> Front:
    """A control plane with nothing in it, and a user's token."""
    return Front.fresh(tmp_path / "data", request.node.name)
