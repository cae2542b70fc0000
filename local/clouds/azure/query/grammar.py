"""From the text of a query to what it says."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from local.clouds.azure.query import tokens
from local.clouds.azure.query.nodes import (
    Among,
    Binary,
    Call,
    Column,
    Literal,
    Named,
    Node,
    Query,
    Sorted,
    Step,
)
from local.clouds.azure.query.tokens import Token

T = TypeVar("T")
COMPARISONS = frozenset(["==", "!=", "<", "<=", ">", ">=", "=~", "!~"])
WORDS = frozenset(["has", "contains", "startswith", "endswith"])
"""Operators of strings that are words; with a ! in front they say no."""


def parse(text: str) -> Query:
    """What a query says. Raises Refused (SyntaxError) for a text that is none, or that uses what this
    emulator was not taught."""
    return _Reader(tokens.split(text)).query()


class _Reader:
    def __init__(self, words: Sequence[Token]) -> None:
        self._words = words
        self._at = 0

    def query(self) -> Query:
        table, steps = self._name(), []
        while self._took("|"):
            steps.append(self._step())
        self._took(";")
        if self._here.kind != "end":
            raise self._here.refused()
        return Query(table, steps)

    def _step(self) -> Step:
        word = self._next()
        known: dict[str, Callable[[str], Step]] = {
            "where": self._where,
            "filter": self._where,
            "order": self._order,
            "sort": self._order,
            "project": self._columns,
            "extend": self._columns,
            "distinct": self._columns,
            "take": self._take,
            "limit": self._take,
            "top": self._top,
            "count": Step,
            "summarize": self._summarize,
        }
        if word.kind != "name" or word.text not in known:
            raise word.refused(f"The emulated Azure does not know an operator '{word.text}'.")
        return known[word.text](word.text)

    def _where(self, _: str) -> Step:
        return Step("where", condition=self._either())

    def _order(self, _: str) -> Step:
        self._expect("by")
        return Step("order", order=self._many(self._sorted))

    def _columns(self, operator: str) -> Step:
        return Step(operator, columns=self._many(self._named))

    def _take(self, _: str) -> Step:
        return Step("take", count=self._whole())

    def _top(self, _: str) -> Step:
        count = self._whole()
        self._expect("by")
        return Step("top", count=count, order=self._many(self._sorted))

    def _summarize(self, _: str) -> Step:
        columns = [] if self._here.text == "by" else self._many(self._named)
        return Step("summarize", columns=columns, by=self._many(self._named) if self._took("by") else [])

    def _sorted(self) -> Sorted:
        node, ascending = self._either(), False
        if self._here.text in ("asc", "desc"):
            ascending = self._next().text == "asc"
        return Sorted(node, ascending)

    def _named(self) -> Named:
        following = self._words[min(self._at + 1, len(self._words) - 1)]
        if self._here.kind == "name" and following.text == "=":
            name = self._name()
            self._next()
            return Named(name, self._either())
        return Named("", self._either())

    def _either(self) -> Node:
        found = self._both()
        while self._took("or"):
            found = Binary("or", found, self._both())
        return found

    def _both(self) -> Node:
        found = self._comparison()
        while self._took("and"):
            found = Binary("and", found, self._comparison())
        return found

    def _comparison(self) -> Node:
        left, word = self._value(), self._here
        if word.text in COMPARISONS or word.text.removeprefix("!") in WORDS:
            self._next()
            return Binary(word.text, left, self._value())
        if word.text in ("in", "!in"):
            self._next()
            self._expect("(")
            values = self._many(self._value)
            self._expect(")")
            return Among(left, values, word.text == "!in")
        return left

    def _value(self) -> Node:
        word = self._next()
        if word.text == "(":
            found = self._either()
            self._expect(")")
            return found
        if word.text == "-" and self._here.kind in ("whole", "real"):
            number = self._literal(self._next())
            return Literal(number.type, -number.value)
        if word.kind != "name":
            return self._literal(word)
        if word.text in ("true", "false"):
            return Literal("bool", word.text == "true")
        if word.text.startswith("!"):
            raise word.refused()
        return self._call(word.text) if self._took("(") else Column(word.text)

    def _call(self, name: str) -> Node:
        arguments: list[Node] = []
        if not self._took(")"):
            arguments = self._many(self._either)
            self._expect(")")
        return Call(name, arguments)

    def _literal(self, word: Token) -> Literal:
        if word.kind == "text":
            return Literal("string", tokens.unquoted(word))
        if word.kind == "whole":
            return Literal("long", int(word.text))
        if word.kind == "real":
            return Literal("real", float(word.text))
        if word.kind == "span":
            return Literal("timespan", tokens.seconds(word))
        if word.kind == "moment":
            return Literal("datetime", tokens.moment(word))
        raise word.refused()

    def _whole(self) -> int:
        word = self._next()
        if word.kind != "whole":
            raise word.refused()
        return int(word.text)

    def _name(self) -> str:
        word = self._next()
        if word.kind != "name" or word.text.startswith("!"):
            raise word.refused()
        return word.text

    def _many(self, read: Callable[[], T]) -> list[T]:
        found = [read()]
        while self._took(","):
            found.append(read())
        return found

    @property
    def _here(self) -> Token:
        return self._words[self._at]

    def _next(self) -> Token:
        word = self._here
        if word.kind == "end":
            raise word.refused()
        self._at += 1
        return word

    def _took(self, text: str) -> bool:
        if self._here.text != text or self._here.kind not in ("sign", "name"):
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._took(text):
            raise self._here.refused()
