"""The words of a query."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from local.clouds.azure.query import errors

_WORDS = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[hH]?(?:@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<moment>datetime\(\s*["']?[^"')]*["']?\s*\))
    |(?P<span>\d+(?:\.\d+)?(?:ms|d|h|m|s)\b)
    |(?P<real>\d+\.\d+(?:[eE][+-]?\d+)?)
    |(?P<whole>\d+\b)
    |(?P<name>!?[A-Za-z_]\w*)
    |(?P<sign>==|!=|<=|>=|=~|!~|[=<>|,();\-*])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class Token:
    """One word. `kind` is text, moment, span, real, whole, name, sign or end; `line` counts from 1 and
    `column` from 0."""

    kind: str
    text: str
    line: int
    column: int

    def refused(self, hint: str = "") -> errors.QueryRefused:
        """The query makes no sense from here on."""
        return errors.syntax(self.text, self.line, self.column, hint)


def split(query: str) -> list[Token]:
    """All words of a query, with an end at the end. Raises Refused for what is no word."""
    return [*_split(query)]


def _split(query: str) -> Iterator[Token]:
    at, line, start = 0, 1, 0
    while at < len(query):
        match = _WORDS.match(query, at)
        if match is None:
            raise errors.syntax(query[at], line, at - start)
        kind, text = str(match.lastgroup), match[0]
        if kind != "space":
            yield Token(kind, text, line, at - start)
        at = match.end()
        if "\n" in text:
            line, start = line + text.count("\n"), match.start() + text.rindex("\n") + 1
    yield Token("end", "<end of query>", line, at - start)


def unquoted(token: Token) -> str:
    """What a string literal stands for. Raises Refused for an escape that there is not."""
    text = token.text.removeprefix("h").removeprefix("H")
    if text.startswith("@"):
        quote = text[1]
        return text[2:-1].replace(quote * 2, quote)

    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code in _PLAIN:
            return _PLAIN[code]
        if code[0] in "ux" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code[0] in "01234567":
            return chr(int(code, 8))
        if code not in "\\\"'":
            raise token.refused("Unknown escape sequence.")
        return code

    return _ESCAPE.sub(character, text[1:-1])


def seconds(token: Token) -> float:
    """What a literal of a timespan stands for."""
    number = token.text.rstrip("dhms")
    return float(number) * _SECONDS[token.text[len(number) :]]


def moment(token: Token) -> datetime.datetime:
    """What datetime(...) stands for, in UTC. Raises Refused when it is no time."""
    text = token.text[len("datetime(") : -1].strip().strip("\"'")
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise token.refused("It is no time.") from None
    return found.astimezone(datetime.UTC) if found.tzinfo else found.replace(tzinfo=datetime.UTC)
