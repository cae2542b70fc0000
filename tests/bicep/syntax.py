"""Bicep's syntax, as far as our templates use it; anything else is an error.

Expressions are tuples that begin with their kind; see `Parser`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Expression = tuple[Any, ...]

TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|//[^\n]*)|(?P<line>\n)|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+)"
    r"|(?P<quote>')|(?P<sign>==|!=|&&|\|\||::|[@{}\[\](),:.?!=<>])"
)
BINARY = (("||",), ("&&",), ("==", "!="), ("<", ">"))
"""From loose to tight."""
ESCAPES = {"n": "\n", "t": "\t", "'": "'", "\\": "\\", "$": "$"}


class Wrong(Exception):
    """The file says something that Bicep, or this reader of it, does not take."""


@dataclass
class Token:
    kind: str
    text: Any
    at: int
    new_line: bool  # whether a line ends before it


@dataclass
class Statement:
    """`kind` name type = value, with its decorators."""

    kind: str
    name: str
    type: str = ""
    value: Expression | None = None
    existing: bool = False
    decorators: dict[str, list[Expression]] = field(default_factory=dict)


def tokens(text: str) -> Iterator[Token]:
    at, new_line = 0, True
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Wrong(f"cannot read {text[at : at + 20]!r}")
        kind, start, at = str(found.lastgroup), at, found.end()
        if kind == "quote":
            parts, at = quoted(text, at)
            yield Token("string", parts, start, new_line)
        elif kind not in ("space", "line"):
            yield Token(kind, found[0], start, new_line)
        new_line = kind == "line" or (new_line and kind == "space")
    yield Token("end", "", at, True)


def quoted(text: str, at: int) -> tuple[list[str | Expression], int]:
    """The pieces of a string that begins after `at`, and where it ends."""
    parts: list[str | Expression] = [""]
    while text[at] != "'":
        if text[at] == "\n":
            raise Wrong("a string does not end")
        if text[at] == "\\":
            parts[-1] = f"{parts[-1]}{ESCAPES[text[at + 1]]}"
            at += 2
        elif text.startswith("${", at):
            inner = Parser(text[at + 2 :], "}")
            parts += [inner.expression(), ""]
            at += 2 + inner.now.at + 1
        else:
            parts[-1] = f"{parts[-1]}{text[at]}"
            at += 1
    return parts, at + 1


class Parser:
    """Of a whole file, or of the expression inside a string."""

    def __init__(self, text: str, until: str = "") -> None:
        self._rest = tokens(text)
        self._until = until
        self.now = next(self._rest)

    def next(self) -> Token:
        before = self.now
        # What follows an expression inside a string is not Bicep.
        if not (self._until and self.now.text == self._until):
            self.now = next(self._rest)
        return before

    def take(self, text: str) -> bool:
        if self.now.kind in ("sign", "name") and self.now.text == text:
            self.next()
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise Wrong(f"{text!r} is missing before {self.now.text!r} at {self.now.at}")

    def name(self) -> str:
        if self.now.kind != "name":
            raise Wrong(f"a name is missing at {self.now.text!r}, {self.now.at}")
        return str(self.next().text)

    def file(self) -> list[Statement]:
        found = []
        while self.now.kind != "end":
            found.append(self.statement())
        return found

    def statement(self) -> Statement:
        decorators = {}
        while self.take("@"):
            name = self.name()
            self.need("(")
            decorators[name] = self.listed(")")
        kind = self.name()
        if kind in ("targetScope", "using"):
            self.take("=")
            return Statement(kind, kind, value=self.expression())
        if kind not in ("param", "var", "resource", "module", "output"):
            raise Wrong(f"no statement: {kind!r} at {self.now.at}")
        made = Statement(kind, self.name(), decorators=decorators)
        if kind in ("resource", "module"):
            made.type = self.text()
            made.existing = self.take("existing")
        elif self.now.kind == "name" and not self.now.new_line:
            made.type = self.name()
        if self.take("="):
            made.value = self.body()
        return made

    def text(self) -> str:
        """A string without expressions."""
        token = self.next()
        if token.kind != "string" or len(token.text) != 1:
            raise Wrong(f"a plain string is missing at {token.at}")
        return str(token.text[0])

    def body(self) -> Expression:
        if self.take("if"):
            self.need("(")
            condition = self.expression()
            self.need(")")
            return ("when", condition, self.expression())
        return self.expression()

    def expression(self) -> Expression:
        condition = self.binary(0)
        if self.now.new_line or not self.take("?"):
            return condition
        yes = self.expression()
        self.need(":")
        return ("if", condition, yes, self.expression())

    def binary(self, level: int) -> Expression:
        if level == len(BINARY):
            return self.unary()
        left = self.binary(level + 1)
        while self.now.kind == "sign" and self.now.text in BINARY[level] and not self.now.new_line:
            left = ("binary", self.next().text, left, self.binary(level + 1))
        return left

    def unary(self) -> Expression:
        if self.take("!"):
            return ("not", self.unary())
        found = self.primary()
        while not self.now.new_line:
            if self.take("."):
                found = ("property", found, self.name())
            elif self.take("::"):
                found = ("nested", found, self.name())
            elif self.take("["):
                found = ("index", found, self.expression())
                self.need("]")
            else:
                break
        return found

    def primary(self) -> Expression:
        token = self.next()
        if token.kind == "string":
            return ("string", *token.text)
        if token.kind == "number":
            return ("literal", int(token.text))
        if token.text == "(":
            found = self.expression()
            self.need(")")
            return found
        if token.text == "[":
            return self.loop() if self.now.text == "for" else ("array", *self.listed("]"))
        if token.text == "{":
            return self.object()
        if token.kind != "name":
            raise Wrong(f"no expression: {token.text!r} at {token.at}")
        if token.text in ("true", "false", "null"):
            return ("literal", {"true": True, "false": False, "null": None}[token.text])
        if not self.now.new_line and self.take("("):
            return ("call", token.text, *self.listed(")"))
        return ("name", token.text)

    def listed(self, end: str) -> list[Expression]:
        found = []
        while not self.take(end):
            found.append(self.expression())
            if not self.take(",") and self.now.text != end and not self.now.new_line:
                raise Wrong(f"',' or {end!r} is missing at {self.now.at}")
        return found

    def loop(self) -> Expression:
        self.need("for")
        index = ""
        if self.take("("):
            item = self.name()
            self.need(",")
            index = self.name()
            self.need(")")
        else:
            item = self.name()
        self.need("in")
        over = self.expression()
        self.need(":")
        body = self.body()
        self.need("]")
        return ("for", item, index, over, body)

    def object(self) -> Expression:
        """Keys with their values, and the statements of nested resources."""
        pairs: list[tuple[str, Expression]] = []
        nested: list[Statement] = []
        while not self.take("}"):
            if self.now.text == "resource":
                nested.append(self.statement())
                continue
            key = self.text() if self.now.kind == "string" else self.name()
            if key in dict(pairs):
                raise Wrong(f"{key!r} is there twice, at {self.now.at}")
            self.need(":")
            pairs.append((key, self.expression()))
            if not self.take(",") and self.now.text != "}" and not self.now.new_line:
                raise Wrong(f"',' is missing at {self.now.at}")
        return ("object", pairs, nested)
