"""Computes a formula."""

from collections.abc import Callable, Mapping
from typing import Protocol

from local.clouds.azure.batch.formula import grammar
from local.clouds.azure.batch.formula.grammar import Node
from local.clouds.azure.batch.formula.values import (
    FUNCTIONS,
    INTERVALS,
    FormulaError,
    Moment,
    Span,
    Value,
    combined,
    moment,
    number,
)

WORDS = ("requeue", "terminate", "taskcompletion", "retaineddata")
"""What $NodeDeallocationOption can be."""
WRITABLE = ("$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$NodeDeallocationOption")
PERIOD = 30.0
"""Seconds between two samples of a metric."""


class History(Protocol):
    """What metrics were."""

    def has(self, name: str) -> bool:
        """Whether there is a metric of that name."""

    def last(self, name: str, count: int) -> list[float]:
        """The last samples, as many as there are up to `count`."""

    def within(self, name: str, seconds: float) -> list[float]:
        """The samples of the last seconds."""


def evaluate(text: str, now: float, history: History, targets: Mapping[str, Value]) -> dict[str, Value]:
    """What the variables are in the end; `targets` are those of the pool before. Raises FormulaError."""
    machine = _Machine(now, history, dict(targets))
    for statement in grammar.read(text):
        machine.set(statement.name, machine.value(statement.value))
    return machine.variables


class _Machine:
    def __init__(self, now: float, history: History, variables: dict[str, Value]) -> None:
        self.variables = variables
        self._now = now
        self._history = history
        self._kinds: dict[str, Callable[[Node], Value]] = {
            "number": lambda node: float(node.word),
            "text": lambda node: node.word,
            "name": self._name,
            "call": self._call,
            "method": self._method,
            "choice": self._choice,
            "sign": self._sign,
            "minus": lambda node: -number(self.value(node.parts[0])),
            "not": lambda node: float(not number(self.value(node.parts[0]))),
        }

    def value(self, node: Node) -> Value:
        return self._kinds[node.kind](node)

    def set(self, name: str, value: Value) -> None:
        if self._history.has(name):
            raise FormulaError(f"{name} can not be written")
        if name in WRITABLE[:2]:
            value = float(int(number(value)))
        self.variables[name] = value

    def _name(self, node: Node) -> Value:
        name = node.word
        if name in self.variables:
            return self.variables[name]
        if name in INTERVALS:
            return Span(INTERVALS[name])
        if name in WORDS:
            return name
        if self._history.has(name):
            return self._samples(name, 1)
        raise FormulaError(f"{name} is not known")

    def _choice(self, node: Node) -> Value:
        condition, yes, no = node.parts
        return self.value(yes if number(self.value(condition)) else no)

    def _sign(self, node: Node) -> Value:
        left = self.value(node.parts[0])
        if node.word in ("&&", "||"):
            known = bool(number(left))
            if known == (node.word == "||"):
                return float(known)
            return float(bool(number(self.value(node.parts[1]))))
        return combined(node.word, left, self.value(node.parts[1]))

    def _call(self, node: Node) -> Value:
        given = [self.value(part) for part in node.parts]
        if node.word == "time":
            return self._time(given)
        if node.word not in FUNCTIONS:
            raise FormulaError(f"the function {node.word} is not known")
        return FUNCTIONS[node.word](given)

    def _time(self, given: list[Value]) -> Value:
        if not given:
            return Moment(self._now)
        if len(given) != 1 or not isinstance(given[0], str):
            raise FormulaError("time takes one text")
        return moment(given[0])

    def _method(self, node: Node) -> Value:
        name = node.parts[0].word
        given = [self.value(part) for part in node.parts[1:]]
        if not self._history.has(name):
            raise FormulaError(f"{name} has no samples")
        if node.word == "GetSamplePeriod":
            return Span(PERIOD)
        if not 1 <= len(given) <= 2:
            raise FormulaError(f"{node.word} takes one argument or two")
        if node.word == "GetSamplePercent":
            return self._percent(name, given[0])
        if node.word != "GetSample":
            raise FormulaError(f"the method {node.word} is not known")
        if len(given) == 2 and self._percent(name, given[0]) < number(given[1]):
            raise FormulaError(f"there are too few samples of {name}")
        if isinstance(given[0], Span):
            return self._history.within(name, given[0].seconds)
        return self._samples(name, int(number(given[0])))

    def _samples(self, name: str, count: int) -> list[float]:
        found = self._history.last(name, count)
        if len(found) < count:
            raise FormulaError(f"there are only {len(found)} samples of {name}")
        return found

    def _percent(self, name: str, over: Value) -> float:
        if not isinstance(over, Span):
            raise FormulaError("a duration was expected")
        expected = max(1.0, over.seconds / PERIOD)
        return min(100.0, 100.0 * len(self._history.within(name, over.seconds)) / expected)
