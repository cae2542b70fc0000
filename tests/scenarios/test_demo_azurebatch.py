"""`headnode demo --platform azure-batch`: a head task that really runs, on pools of each kind."""

import pytest

from tests.headnode import headnode

SHOWN = [1, 6]
"""A signature opens the container, or an identity does; the others differ in their pools."""


@pytest.mark.parametrize(
    "option", [pytest.param(each, marks=[] if each in SHOWN else pytest.mark.long) for each in range(1, 11)]
)
def test_a_head_task_runs_for_real_and_nothing_is_left(option: int) -> None:
    words = ("demo", "--platform", "azure-batch", "--option", str(option), "--engine", "script", "-o", "json")
    said = headnode(*words, timeout=120)
    assert said.code == 0, said.out + said.err
    found = said.json
    assert (found["left"], found["result"]["right"]) == ([], True)
    assert found["made"] == found["removed"]
    assert len(found["made"]) == (2 if option in (2, 3) else 1)
    assert found["calls"]["launch"]["batch:CreateJob"] == 1


def test_what_cannot_be_shown_is_refused() -> None:
    assert "never on Spot" in headnode("demo", "--platform", "azure-batch", "--spot-interruption").err
    assert "--option is for azure-batch" in headnode("demo", "--option", "2").err
