"""What a query says, tied to the columns that there are: names are looked up and types are checked."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.clouds.azure.query import errors
from local.clouds.azure.query.nodes import Among, Binary, Call, Column, Literal, Node

Row = Mapping[str, Any]
NUMBERS = frozenset(["int", "long", "real"])
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_IN_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "=~": lambda a, b: a.lower() == b.lower(),
    "has": lambda a, b: bool(re.search(rf"(?<![^\W_]){re.escape(b)}(?![^\W_])", a, re.IGNORECASE)),
    "contains": lambda a, b: b.lower() in a.lower(),
    "startswith": lambda a, b: a.lower().startswith(b.lower()),
    "endswith": lambda a, b: a.lower().endswith(b.lower()),
}


@dataclass(frozen=True)
class Bound:
    """A value for every row. `type` is one of the language's: string, int, long, real, bool, datetime,
    timespan, guid, dynamic."""

    type: str
    of: Callable[[Row], Any]


@dataclass(frozen=True)
class Scope:
    """Where names are looked up: the columns at one place of the pipe, and the cloud's time."""

    operator: str
    columns: Mapping[str, str]
    now: datetime.datetime

    def bind(self, node: Node) -> Bound:
        """Ties a node to the columns. Raises Refused (SemanticError)."""
        match node:
            case Literal(type, value):
                return Bound(type, lambda _: value)
            case Column(name):
                return self._column(name)
            case Binary("and" | "or" as word, left, right):
                return self._logic(word, self.truth(left), self.truth(right))
            case Binary(word, left, right):
                return self._comparison(word, self.bind(left), self.bind(right))
            case Among(left, values, negated):
                return self._among(self.bind(left), [self.bind(each) for each in values], negated)
            case Call(name, arguments):
                return self._call(name, [self.bind(each) for each in arguments])

    def truth(self, node: Node) -> Bound:
        """Ties a node that must be true or false."""
        found = self.bind(node)
        if found.type != "bool":
            said = f"'{self.operator}' operator: the predicate must be of type bool, not {found.type}"
            raise errors.semantic("SEM0024", said)
        return found

    def _column(self, name: str) -> Bound:
        if name not in self.columns:
            raise errors.unknown_name(self.operator, name)
        return Bound(self.columns[name], lambda row: row[name])

    def _logic(self, word: str, left: Bound, right: Bound) -> Bound:
        if word == "and":
            return Bound("bool", lambda row: bool(left.of(row) and right.of(row)))
        return Bound("bool", lambda row: bool(left.of(row) or right.of(row)))

    def _comparison(self, word: str, left: Bound, right: Bound) -> Bound:
        plain = {"!=": "==", "!~": "=~"}.get(word, word.removeprefix("!"))
        if plain in _IN_TEXT:
            self._both("string", left, right)
            test: Callable[[Any, Any], bool] = _IN_TEXT[plain]
        else:
            self._comparable(left, right)
            test = _COMPARED[plain]
        negated = plain != word

        def compared(row: Row) -> bool:
            a, b = left.of(row), right.of(row)
            if a is None or b is None:
                return negated and a is not b
            return test(a, b) is not negated

        return Bound("bool", compared)

    def _among(self, left: Bound, values: Sequence[Bound], negated: bool) -> Bound:
        for each in values:
            self._comparable(left, each)

        def among(row: Row) -> bool:
            return (left.of(row) in [each.of(row) for each in values]) is not negated

        return Bound("bool", among)

    def _comparable(self, left: Bound, right: Bound) -> None:
        if left.type != right.type and not {left.type, right.type} <= NUMBERS:
            raise errors.semantic(
                "SEM0064",
                f"Cannot compare values of types {left.type} and {right.type}. Try adding explicit casts",
            )

    def _both(self, type: str, *found: Bound) -> None:
        for each in found:
            if each.type != type:
                said = f"'{self.operator}' operator: expected an expression of type {type}, not {each.type}"
                raise errors.semantic("SEM0025", said)

    def _call(self, name: str, arguments: Sequence[Bound]) -> Bound:
        if name == "now" and not arguments:
            return Bound("datetime", lambda _: self.now)
        if name == "ago" and [each.type for each in arguments] == ["timespan"]:
            return Bound("datetime", lambda row: self.now - datetime.timedelta(seconds=arguments[0].of(row)))
        if name == "not" and [each.type for each in arguments] == ["bool"]:
            return Bound("bool", lambda row: not arguments[0].of(row))
        if name == "isempty" and [each.type for each in arguments] == ["string"]:
            return Bound("bool", lambda row: not arguments[0].of(row))
        if name == "tostring" and len(arguments) == 1:
            return Bound("string", lambda row: _text(arguments[0].of(row)))
        said = f"The emulated Azure does not know a function '{name}' of such arguments"
        raise errors.semantic("SEM0260", said)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
