"""The examples of docs/nextflow-azure.md, run as they stand."""

import doctest
from pathlib import Path

GUIDE = Path(__file__).parents[4] / "docs" / "nextflow-azure.md"


def test_every_example_says_what_it_does():
    # A fence closes behind each example's blank line.
    found = doctest.testfile(str(GUIDE), module_relative=False)
    assert found.attempted > 25
    assert not found.failed
