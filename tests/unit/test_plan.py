"""The graph: what can be made now, what can be removed now."""

import pytest

from shared import plan
from shared.model.environment import Resource

GRAPH = [
    Resource(key="role", type="IamRole", name="r"),
    Resource(key="net", type="Vnet", name="v"),
    Resource(key="profile", type="IamInstanceProfile", name="p", needs=("role",)),
    Resource(key="rule", type="Dcr", name="d", needs=("net", "profile")),
]


def stated(**states: str):
    return tuple(row.but(state=states.get(row.key, "planned")) for row in plan.planned(GRAPH))


def keys(rows) -> list[str]:
    return [row.key for row in rows]


def test_waves_put_independent_resources_side_by_side():
    assert plan.waves(plan.planned(GRAPH)) == [["role", "net"], ["profile"], ["rule"]]


def test_makeable_waits_for_what_is_needed_and_takes_up_what_failed():
    assert keys(plan.makeable(stated())) == ["role", "net"]
    assert keys(plan.makeable(stated(role="present", net="failed"))) == ["net", "profile"]


def test_removable_goes_backwards_from_any_half_built_state():
    assert keys(plan.removable(stated(role="present", net="present", profile="making"))) == ["rule"]
    assert keys(plan.removable(stated(role="present", net="present", profile="present", rule="gone"))) == [
        "net",
        "profile",
    ]
    assert plan.removable(stated(role="gone", net="gone", profile="gone", rule="gone")) == []


@pytest.mark.parametrize(
    ("graph", "stuck"),
    [
        ([Resource(key="a", type="t", name="n", needs=("b",))], "a"),
        (
            [
                Resource(key="a", type="t", name="n", needs=("b",)),
                Resource(key="b", type="t", name="n", needs=("a",)),
            ],
            "a, b",
        ),
    ],
)
def test_a_graph_that_cannot_be_built_is_found_before_anything_is_made(graph, stuck):
    with pytest.raises(ValueError, match=f"never be made: {stuck}"):
        plan.planned(graph)
