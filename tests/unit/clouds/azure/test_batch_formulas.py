"""The language of autoscale formulas."""

from collections.abc import Mapping

import pytest

from local.clouds.azure.batch.formula.evaluating import evaluate
from local.clouds.azure.batch.formula.values import FormulaError, Value, shown
from tests.clock import FakeClock

NOW = FakeClock().now()
DEFAULT = """
// Get pool lifetime since creation.
lifespan = time() - time("{created}");
interval = TimeInterval_Minute * 5;
// Compute the target nodes based on pending tasks.
$samples = $PendingTasks.GetSamplePercent(interval);
$tasks = $samples < 70 ? max(0, $PendingTasks.GetSample(1)) :
    max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(interval)));
$targetVMs = $tasks > 0 ? $tasks : max(0, $TargetDedicatedNodes/2);
targetPoolSize = max(0, min($targetVMs, 4));
// For first interval deploy 1 node, for other intervals scale up/down as per tasks.
$TargetDedicatedNodes = lifespan < interval ? 1 : targetPoolSize;
$NodeDeallocationOption = taskcompletion;
"""
"""Nextflow's formula, as its documentation shows it."""


class Past:
    """Metrics by name, the newest value last, one in thirty seconds."""

    def __init__(self, values: Mapping[str, list[float]]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        return name in self._values

    def last(self, name: str, count: int) -> list[float]:
        return self._values[name][-count:]

    def within(self, name: str, seconds: float) -> list[float]:
        return self.last(name, int(seconds // 30))


def computed(text: str, dedicated: float = 0, **past: list[float]) -> dict[str, Value]:
    values = {f"${name}": each for name, each in past.items()}
    return evaluate(
        text, NOW, Past(values), {"$TargetDedicatedNodes": dedicated, "$TargetLowPriorityNodes": 0.0}
    )


@pytest.mark.parametrize(
    ("created", "pending", "before", "nodes"),
    [
        ("2027-01-15T07:59:00.123456Z", [0.0] * 10, 0, 1),  # in its first interval
        ("2027-01-15T07:00:00Z", [0.0] * 10, 0, 0),
        ("2027-01-15T07:00:00Z", [0.0] * 10, 4, 2),  # halves
        ("2027-01-15T07:00:00Z", [0.0] * 9 + [3.0], 0, 3),
        ("2027-01-15T07:00:00Z", [3.0] * 9 + [0.0], 0, 2),  # the average of five minutes
        ("2027-01-15T07:00:00Z", [50.0] * 10, 0, 4),
        ("2027-01-15T07:00:00Z", [9.0, 2.0], 0, 2),  # too few samples for an average
    ],
)
def test_the_formula_of_nextflow(created: str, pending: list[float], before: float, nodes: float):
    found = computed(DEFAULT.replace("{created}", created), before, PendingTasks=pending)
    assert found["$TargetDedicatedNodes"] == nodes
    assert found["$NodeDeallocationOption"] == "taskcompletion"


def test_the_variant_for_low_priority_drops_to_nothing_at_once():
    text = DEFAULT.replace("{created}", "2027-01-15T07:00:00Z")
    text = text.replace("$TargetDedicatedNodes = ", "$TargetLowPriorityNodes = ")
    past = Past({"$PendingTasks": [0.0] * 10})
    found = evaluate(text, NOW, past, {"$TargetDedicatedNodes": 0.0, "$TargetLowPriorityNodes": 4.0})
    assert found["$TargetLowPriorityNodes"] == 0  # the other halves the wrong variable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("(1 + 2) * -3", "-9"),
        ("1 < 2 && 2 <= 2 || 1 == 0", "1"),
        ("!(1 > 2) ? 7 : 8", "7"),
        ("0 ? 1 : 0 ? 2 : 3", "3"),
        ("0 && 1/0", "0"),
        ("1 || 1/0", "1"),
        ("avg($A.GetSample(3))", "3"),
        ("max($A.GetSample(TimeInterval_Minute), 1)", "4"),
        ("sum($A.GetSample(2)) + len($A.GetSample(4))", "11"),
        ("$A", "[4]"),
        ("$A.GetSamplePercent(TimeInterval_Minute * 4)", "50"),
        ("ceil(1.2) + floor(1.8) + round(1.6)", "5"),
        ("(time() - time(\"2027-01-15\")) / 3600", "8"),
        ("time() + TimeInterval_Day", "2027-01-16T08:00:00.000Z"),
        ("TimeInterval_Hour - 2 * TimeInterval_Minute", "3480"),
        ("/* no */ 1 // comment", "1"),
    ],
)  # fmt: skip
def test_expressions(text: str, value: str):
    assert shown(computed(f"x = {text}", A=[1.0, 2.0, 3.0, 4.0])["x"]) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = ", "too early"),
        ("x = 1 y = 2", "; was expected"),
        ("1 = 2", "a variable"),
        ("x = @", "not understood"),
        ("x = unknown", "not known"),
        ("x = f(1)", "function f"),
        ("x = 1/0", "division by zero"),
        ("x = TimeInterval_Hour/0", "division by zero"),
        ("x = time() + time()", "means nothing"),
        ("x = time(\"soon\")", "not a time"),
        ("x = time(1)", "one text"),
        ("x = $A.GetSample(9)", "only 4 samples"),
        ("x = $A.GetSample(TimeInterval_Hour, 50)", "too few samples"),
        ("x = $B.GetSample(1)", "no samples"),
        ("x = $A.Get(1)", "the method Get"),
        ("$A = 1", "can not be written"),
        ("x = max()", "no samples"),
        ("x = " + "(" * 100 + "1" + ")" * 100, "deeply"),
        ("x = " + "-" * 100 + "1", "deeply"),
        ("x = 1;" * 101, "100 statements"),
        ("x = " + " " * 8192 + "1", "8192 characters"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_or_computed(text: str, why: str):
    with pytest.raises(FormulaError, match=why):
        computed(text, A=[1.0, 2.0, 3.0, 4.0])
