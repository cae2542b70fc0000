"""An evaluator for IAM policy documents (identity policies of one account).

Explicit deny wins, then any allow, else no. Everything it does not know it refuses to read
(`UnreadablePolicy`): a condition that is skipped would be a fence that is not there.
"""

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

Document = Mapping[str, Any]
Values = str | Sequence[str]


class UnreadablePolicy(ValueError):
    """The document says something that this evaluator does not understand."""


class Decision(Enum):
    """The outcome; only ALLOW lets a call pass."""

    ALLOW = "allowed"
    DENY = "explicitly denied"
    NONE = "not allowed by any statement"


@dataclass(frozen=True)
class Need:
    """One permission that a call needs: `service:Action` on a resource in a context of condition
    keys. A resource that the service knows by several ARNs is allowed under any one of them."""

    action: str
    resources: tuple[str, ...] = ("*",)
    context: Mapping[str, Values] = field(default_factory=dict)


def decide(documents: Iterable[Document], need: Need) -> Decision:
    """Judges one need by all documents of a principal."""
    context = {key.lower(): _listed(value) for key, value in need.context.items()}
    found = Decision.NONE
    for document in documents:
        for statement in _statements(document):
            if not _applies(statement, need, context):
                continue
            if statement["Effect"] == "Deny":
                return Decision.DENY
            found = Decision.ALLOW
    return found


def check(document: Document) -> None:
    """Raises UnreadablePolicy for a document that could not be judged by."""
    for statement in _statements(document):
        for operator in statement.get("Condition", {}):
            _met(operator, ["0"], ["0"])


_KNOWN = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def _statements(document: Document) -> list[Mapping[str, Any]]:
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, Mapping) else list(statements)
    for statement in statements:
        strange = set(statement) - _KNOWN
        if strange or statement.get("Effect") not in ("Allow", "Deny"):
            raise UnreadablePolicy(
                f"statement {statement.get('Sid', '')!r}: {sorted(strange) or 'no Effect'}"
            )
        for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (one in statement) == (other in statement):
                raise UnreadablePolicy(f"statement {statement.get('Sid', '')!r}: either {one} or {other}")
    return statements


def _applies(statement: Mapping[str, Any], need: Need, context: Mapping[str, list[str]]) -> bool:
    action = need.action.lower()
    if "Action" in statement:
        named = any(_like(action, pattern.lower()) for pattern in _listed(statement["Action"]))
    else:
        named = not any(_like(action, pattern.lower()) for pattern in _listed(statement["NotAction"]))
    return named and _covers(statement, need, context) and holds(statement.get("Condition", {}), context)


def _covers(statement: Mapping[str, Any], need: Need, context: Mapping[str, list[str]]) -> bool:
    patterns = [_filled(p, context) for p in _listed(statement.get("Resource", statement.get("NotResource")))]
    hit = any(pattern is not None and _like(arn, pattern) for pattern in patterns for arn in need.resources)
    return hit if "Resource" in statement else not hit


def holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, list[str]]) -> bool:
    """Whether every operator and every key of a condition block is met; an empty block is."""
    return all(
        _met(operator, context.get(key.lower()), [_filled(value, context) for value in _listed(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _met(operator: str, found: list[str] | None, wanted: list[str | None]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    optional = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    if plain == "Null":
        return any((found is None) == (str(value).lower() == "true") for value in wanted)
    negated = "Not" in plain
    test = _test(plain)
    values = [value for value in wanted if value is not None]

    def matches(one: str) -> bool:
        return any(test(one, value) for value in values) != negated

    if quantifier == "ForAllValues":
        return all(matches(one) for one in found or [])
    if quantifier == "ForAnyValue":
        return any(matches(one) for one in found or [])
    if quantifier:
        raise UnreadablePolicy(f"unknown condition operator {operator}")
    if found is None:
        return optional or negated
    return all(matches(one) for one in found) if negated else any(matches(one) for one in found)


def _test(plain: str) -> Callable[[str, str], bool]:
    """What an operator asks of one value, its negation left aside."""
    name = plain.replace("Not", "", 1)
    kinds: tuple[tuple[str, Callable[[str], Any]], ...] = (("Numeric", float), ("Date", _moment))
    for kind, read in kinds:
        compare = _ORDERS.get(plain.removeprefix(kind)) if plain.startswith(kind) else None
        if compare:
            return _ordered(read, compare)
    if name in _TESTS:
        return _TESTS[name]
    raise UnreadablePolicy(f"unknown condition operator {plain}")


def _ordered(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[[str, str], bool]:
    """Values that cannot be read as the operator's type match nothing."""

    def test(found: str, wanted: str) -> bool:
        try:
            return compare(read(found), read(wanted))
        except ValueError:
            return False

    return test


def _moment(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    return datetime.fromisoformat(text)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda a, b: a == b,
    "NotEquals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


def _in_network(found: str, wanted: str) -> bool:
    return ipaddress.ip_address(found) in ipaddress.ip_network(wanted, strict=False)


def _arn_like(found: str, wanted: str) -> bool:
    """Colon by colon: a wildcard does not reach over into the next part of an ARN."""
    here, there = found.split(":", 5), wanted.split(":", 5)
    return len(here) == len(there) and all(map(_like, here, there))


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, wanted: found == wanted,
    "StringEqualsIgnoreCase": lambda found, wanted: found.lower() == wanted.lower(),
    "StringLike": lambda found, wanted: _like(found, wanted),
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda found, wanted: found.lower() == wanted.lower(),
    "BinaryEquals": lambda found, wanted: found == wanted,
    "IpAddress": _in_network,
}


def _like(text: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards: only * and ?; brackets mean themselves."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def _filled(value: Any, context: Mapping[str, list[str]]) -> str | None:
    """A value with its policy variables filled in; None when one has no value, which matches nothing."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    for name in _VARIABLE.findall(text):
        key, _, default = name.partition(",")
        known = [name] if name in ("*", "?", "$") else context.get(key.strip().lower())
        if known is None and default:
            known = [default.strip().strip("'")]
        if not known:
            return None
        text = text.replace("${" + name + "}", known[0])
    return text


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
