"""What a formula computes with: numbers, lists of them, texts, times and durations."""

import calendar
import math
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


class FormulaError(ValueError):
    """A formula that can not be read, or not be computed."""


@dataclass(frozen=True, order=True)
class Moment:
    """A time, in seconds since the epoch."""

    at: float


@dataclass(frozen=True, order=True)
class Span:
    """A duration in seconds."""

    seconds: float


Value = float | list[float] | str | Moment | Span
INTERVALS = {
    "TimeInterval_Zero": 0.0,
    "TimeInterval_100ns": 1e-7,
    "TimeInterval_Microsecond": 1e-6,
    "TimeInterval_Millisecond": 1e-3,
    "TimeInterval_Second": 1.0,
    "TimeInterval_Minute": 60.0,
    "TimeInterval_Hour": 3600.0,
    "TimeInterval_Day": 86400.0,
    "TimeInterval_Week": 604800.0,
    "TimeInterval_Year": 31536000.0,
}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(\.\d+)?)?Z?")


def number(value: Value, what: str = "a number") -> float:
    """The value as a number; a list of one is one. Raises FormulaError."""
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    if not isinstance(value, (int, float)):
        raise FormulaError(f"{what} was expected, not {shown(value)}")
    return float(value)


def shown(value: Value) -> str:
    """As the results of an evaluation show it."""
    if isinstance(value, Moment):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(value.at))
    if isinstance(value, Span):
        return f"{value.seconds:g}"
    if isinstance(value, list):
        return "[" + ",".join(f"{each:g}" for each in value) + "]"
    return value if isinstance(value, str) else f"{value:g}"


def moment(text: str) -> Moment:
    """A time that is written out. Raises FormulaError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise FormulaError(f"not a time: {text}")
    whole = time.strptime(f"{found[1]}T{found[2] or '00:00:00'}", "%Y-%m-%dT%H:%M:%S")
    return Moment(calendar.timegm(whole) + float(found[3] or 0))


def combined(sign: str, left: Value, right: Value) -> Value:
    """left sign right. Raises FormulaError for what does not go together."""
    if isinstance(left, (Moment, Span)) or isinstance(right, (Moment, Span)):
        return _timely(sign, left, right)
    if isinstance(left, str) and isinstance(right, str) and sign in _COMPARE:
        return float(_COMPARE[sign](left, right))
    a, b = number(left), number(right)
    if sign in _COMPARE:
        return float(_COMPARE[sign](a, b))
    if sign == "/" and b == 0:
        raise FormulaError("division by zero")
    return _ARITHMETIC[sign](a, b)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def _timely(sign: str, left: Value, right: Value) -> Value:
    if sign in _COMPARE and type(left) is type(right):
        return float(_COMPARE[sign](left, right))
    if isinstance(left, Moment) and isinstance(right, Moment) and sign == "-":
        return Span(left.at - right.at)
    if isinstance(left, Moment) and isinstance(right, Span) and sign in "+-":
        return Moment(_ARITHMETIC[sign](left.at, right.seconds))
    if isinstance(left, Span) and isinstance(right, Span) and sign in "+-":
        return Span(_ARITHMETIC[sign](left.seconds, right.seconds))
    return _scaled(sign, left, right)


def _scaled(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, Span) and isinstance(right, float) and sign in "*/":
        if sign == "/" and right == 0:
            raise FormulaError("division by zero")
        return Span(_ARITHMETIC[sign](left.seconds, right))
    if isinstance(left, float) and isinstance(right, Span) and sign == "*":
        return Span(left * right.seconds)
    raise FormulaError(f"{shown(left)} {sign} {shown(right)} means nothing")


def _all(arguments: Iterable[Value]) -> list[float]:
    found: list[float] = []
    for each in arguments:
        found += each if isinstance(each, list) else [number(each)]
    if not found:
        raise FormulaError("there are no samples")
    return found


def _one(act: Callable[[float], float]) -> Callable[[list[Value]], Value]:
    def call(arguments: list[Value]) -> Value:
        if len(arguments) != 1:
            raise FormulaError("one argument was expected")
        return float(act(number(arguments[0])))

    return call


FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    "avg": lambda given: statistics.fmean(_all(given)),
    "max": lambda given: max(_all(given)),
    "min": lambda given: min(_all(given)),
    "sum": lambda given: sum(_all(given)),
    "len": lambda given: float(len(_all(given))),
    "std": lambda given: statistics.pstdev(_all(given)),
    "ceil": _one(math.ceil),
    "floor": _one(math.floor),
    "round": _one(round),
}
"""Functions of numbers and lists of them; `time` is the evaluator's own."""
