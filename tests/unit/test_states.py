"""The state tables: closed, reachable, and drawn in the documents as they are."""

from pathlib import Path

import pytest

from shared.model import states

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-it-works.md"


@pytest.mark.parametrize("name", states.TABLES)
def test_every_state_is_listed_and_can_be_left_or_is_final(name):
    table = states.TABLES[name]
    named = {then for nexts in table.values() for then in nexts}
    assert named <= set(table)
    assert any(states.is_final(table, state) for state in table)


@pytest.mark.parametrize("name", states.TABLES)
def test_every_state_reaches_an_end(name):
    table = states.TABLES[name]
    ends = {state for state in table if states.is_final(table, state)}
    while more := {now for now, nexts in table.items() if now not in ends and ends & set(nexts)}:
        ends |= more
    assert ends == set(table)


def test_a_move_that_is_not_in_the_table_is_refused():
    with pytest.raises(ValueError, match="SUCCEEDED -> RUNNING"):
        states.step_to(states.RUN, "SUCCEEDED", "RUNNING")
    assert states.step_to(states.RUN, "SUCCEEDED", "SUCCEEDED") == "SUCCEEDED"


@pytest.mark.parametrize("name", states.TABLES)
def test_the_documents_draw_the_table_as_it_is(name):
    assert states.diagram(name) in DOCUMENT.read_text()
