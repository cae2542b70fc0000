"""The formula's grammar.

formula    = { name "=" choice ";" }
choice     = either [ "?" choice ":" choice ]
either     = both { "||" both }            both = equal { "&&" equal }
equal      = compared { ("==" | "!=") compared }
compared   = sum { ("<" | ">" | "<=" | ">=") sum }
sum        = product { ("+" | "-") product }
product    = single { ("*" | "/") single }
single     = ("-" | "!") single | number | "text" | "(" choice ")"
           | name "(" arguments ")" | name "." name "(" arguments ")" | name
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from local.clouds.azure.batch.formula.values import FormulaError

LONGEST = 8192
MOST = 100
"""Statements of a formula."""
DEPTH = 60
_TOKEN = re.compile(
    r"\s+|//[^\n]*|/\*.*?\*/"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>\$?[A-Za-z_]\w*)"
    r'|(?P<text>"[^"]*")'
    r"|(?P<sign>\|\||&&|[<>=!]=|[-+*/<>=!?:;(),.])",
    re.DOTALL,
)
_LEVELS: Sequence[tuple[str, ...]] = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/"),
)


@dataclass(frozen=True)
class Node:
    """One part: `kind` is number, text, name, call, method, sign, not, minus or choice."""

    kind: str
    word: str
    parts: "tuple[Node, ...]" = ()


@dataclass(frozen=True)
class Statement:
    """name = value;"""

    name: str
    value: Node


def read(text: str) -> list[Statement]:
    """The statements of a formula. Raises FormulaError."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters")
    reader, found = _Reader(_tokens(text)), []
    while reader.rest:
        if reader.next(";"):
            continue
        found.append(reader.statement())
    if len(found) > MOST:
        raise FormulaError(f"a formula has at most {MOST} statements")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError(f"not understood: {text[at : at + 30]}")
        if match.lastgroup:
            found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens[::-1]
        """The next one is the last."""

    def statement(self) -> Statement:
        kind, name = self.take()
        if kind != "name":
            raise FormulaError(f"a variable was expected, not {name}")
        self.must("=")
        value = self.choice(0)
        if self.rest:
            self.must(";")
        return Statement(name, value)

    def choice(self, depth: int) -> Node:
        if depth > DEPTH:
            raise FormulaError("too deeply nested")
        condition = self.level(0, depth)
        if not self.next("?"):
            return condition
        yes = self.choice(depth + 1)
        self.must(":")
        return Node("choice", "?", (condition, yes, self.choice(depth + 1)))

    def level(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self.single(depth)
        left = self.level(level + 1, depth)
        while self.rest and self.rest[-1][0] == "sign" and self.rest[-1][1] in _LEVELS[level]:
            sign = self.take()[1]
            left = Node("sign", sign, (left, self.level(level + 1, depth)))
        return left

    def single(self, depth: int) -> Node:
        if depth > DEPTH:
            raise FormulaError("too deeply nested")
        kind, word = self.take()
        if kind == "number":
            return Node("number", word)
        if kind == "text":
            return Node("text", word[1:-1])
        if kind == "name":
            return self.name(word, depth)
        if word == "(":
            inside = self.choice(depth + 1)
            self.must(")")
            return inside
        if word in "-!":
            return Node("minus" if word == "-" else "not", word, (self.single(depth + 1),))
        raise FormulaError(f"a value was expected, not {word}")

    def name(self, word: str, depth: int) -> Node:
        if self.next("("):
            return Node("call", word, self.arguments(depth))
        if not self.next("."):
            return Node("name", word)
        kind, method = self.take()
        if kind != "name":
            raise FormulaError(f"a method was expected, not {method}")
        self.must("(")
        return Node("method", method, (Node("name", word), *self.arguments(depth)))

    def arguments(self, depth: int) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.next(")"):
            if found:
                self.must(",")
            found.append(self.choice(depth + 1))
        return tuple(found)

    def take(self) -> tuple[str, str]:
        if not self.rest:
            raise FormulaError("the formula ends too early")
        return self.rest.pop()

    def next(self, sign: str) -> bool:
        if self.rest and self.rest[-1] == ("sign", sign):
            self.rest.pop()
            return True
        return False

    def must(self, sign: str) -> None:
        if not self.next(sign):
            raise FormulaError(f"{sign} was expected, not {self.rest[-1][1] if self.rest else 'the end'}")
