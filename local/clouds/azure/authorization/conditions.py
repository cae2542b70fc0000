"""Conditions of role assignments, version 2.0: as much of the language as is evaluated here.

    condition = "(" condition ")" | not | and | or | comparison | action
    action    = "ActionMatches" "{" 'a/pattern' "}"
    comparison= "@Resource" "[" attribute "]" "StringEquals" 'text'

NOT is also !, AND is also &&, OR is also ||; NOT binds closest, then AND, then OR. Everything else is
refused when the assignment is written, so that no condition is ever taken for what it does not say.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ATTRIBUTES = {
    "microsoft.storage/storageaccounts:name",
    "microsoft.storage/storageaccounts/blobservices/containers:name",
}
"""Attributes of a resource that are known, in lower case."""
DEPTH = 32
"""Parentheses and negations within one another."""
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<place>@Resource\s*\[[^\]]*\])"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<sign>&&|\|\||[!(){}]))",
    re.IGNORECASE,
)
_SIGNS = {"&&": "and", "||": "or", "!": "not"}


class UnreadableCondition(ValueError):
    """A condition that is wrong, or that nobody taught the emulator."""


@dataclass(frozen=True)
class Asked:
    """What a condition is held against: the action, and the resource's attributes in lower case."""

    action: str
    attributes: Mapping[str, str] = field(default_factory=dict)


Condition = Callable[[Asked], bool]


def read(text: str) -> Condition:
    """The condition that a text says. Raises UnreadableCondition."""
    reader = _Reader(_tokens(text))
    condition = reader.either(0)
    if reader.rest:
        raise UnreadableCondition(f"nothing was expected after '{reader.rest[0]}'")
    return condition


def _tokens(text: str) -> list[str]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnreadableCondition(f"not understood: {text[at : at + 40]}")
        token = match[match.lastgroup or 0]
        found.append(_SIGNS.get(token, token))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def either(self, depth: int) -> Condition:
        parts = [self.both(depth)]
        while self._next("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else lambda asked: any(part(asked) for part in parts)

    def both(self, depth: int) -> Condition:
        parts = [self.single(depth)]
        while self._next("and"):
            parts.append(self.single(depth))
        return parts[0] if len(parts) == 1 else lambda asked: all(part(asked) for part in parts)

    def single(self, depth: int) -> Condition:
        if depth > DEPTH:
            raise UnreadableCondition("too deeply nested")
        if self._next("not"):
            inner = self.single(depth + 1)
            return lambda asked: not inner(asked)
        if self._next("("):
            inner = self.either(depth + 1)
            self._must(")")
            return inner
        if self._next("ActionMatches"):
            return self._action()
        return self._comparison()

    def _action(self) -> Condition:
        self._must("{")
        pattern = self._text().lower()
        self._must("}")
        return lambda asked: fnmatch.fnmatchcase(asked.action.lower(), pattern)

    def _comparison(self) -> Condition:
        place = self._take("an expression")
        name = place.partition("[")[2].rstrip("]").strip().lower()
        if name not in ATTRIBUTES:
            raise UnreadableCondition(f"not understood: {place}")
        self._must("StringEquals")
        wanted = self._text()
        return lambda asked: asked.attributes.get(name) == wanted

    def _text(self) -> str:
        token = self._take("a text in quotation marks")
        if not token.startswith("'"):
            raise UnreadableCondition(f"a text in quotation marks was expected, not {token}")
        return token[1:-1].replace("''", "'")

    def _take(self, what: str) -> str:
        if not self.rest:
            raise UnreadableCondition(f"{what} was expected at the end")
        return self.rest.pop(0)

    def _next(self, token: str) -> bool:
        if self.rest and self.rest[0].lower() == token.lower():
            self.rest.pop(0)
            return True
        return False

    def _must(self, token: str) -> None:
        if not self._next(token):
            raise UnreadableCondition(f"{token} was expected, not {self.rest[0] if self.rest else 'the end'}")
