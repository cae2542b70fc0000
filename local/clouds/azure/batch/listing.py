"""Listings: $filter, $select, maxresults, and pages."""

import re
from collections.abc import Callable
from urllib.parse import quote

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors
from local.clouds.azure.batch.models import Body
from local.clouds.azure.call import Call

MOST = 1000
"""What a page has at the most."""
_STARTS = re.compile(r"startswith\(\s*([\w/]+)\s*,\s*'([^']*)'\s*\)")
_COMPARES = re.compile(r"([\w/]+)\s+(eq|ne|lt|le|gt|ge)\s+(?:datetime)?('[^']*'|[\w.:-]+)")
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def answer(call: Call, base: str, values: list[Body]) -> Answer:
    """A page of what fits; `odata.nextLink` leads to the rest."""
    wanted = [each for each in values if fits(each, call.query.get("$filter", ""))]
    start, size = _number(call, "$skiptoken", 0), _number(call, "maxresults", MOST)
    if not 1 <= size <= MOST:
        raise errors.bad_query("maxresults", str(size))
    page = {
        "odata.metadata": f"{base}/$metadata",
        "value": [select(call, each) for each in wanted[start : start + size]],
    }
    if start + size < len(wanted):
        kept = {**call.query, "$skiptoken": str(start + size)}
        rest = call.path.split("/", 3)[3]
        page["odata.nextLink"] = f"{base}/{rest}?" + "&".join(f"{k}={quote(v)}" for k, v in kept.items())
    return sent(page)


def sent(body: Body, status: int = 200) -> Answer:
    """A document, in the service's media type."""
    found = Answer.json(body, status)
    found.headers = [("Content-Type", "application/json; odata=minimalmetadata")]
    return found


def select(call: Call, body: Body) -> Body:
    """What $select leaves of a body."""
    names = call.query.get("$select")
    if not names:
        return body
    wanted = {name.strip().split("/")[0] for name in names.split(",")}
    return {name: value for name, value in body.items() if name in wanted}


def fits(body: Body, condition: str) -> bool:
    """Whether a body fits a $filter: comparisons, startswith, and, or without parentheses. Raises
    Refused for others."""
    if not condition.strip():
        return True
    return any(
        all(_single(body, part.strip()) for part in re.split(r"\s+and\s+", either))
        for either in re.split(r"\s+or\s+", condition)
    )


def _single(body: Body, part: str) -> bool:
    starts = _STARTS.fullmatch(part)
    if starts:
        return _value(body, starts[1]).startswith(starts[2])
    compares = _COMPARES.fullmatch(part)
    if compares is None:
        raise errors.bad_query("$filter", part)
    return _OPERATORS[compares[2]](_value(body, compares[1]), compares[3].strip("'"))


def _value(body: Body, path: str) -> str:
    found: object = body
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return str(found).lower() if isinstance(found, bool) else "" if found is None else str(found)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if text and not text.isdigit():
        raise errors.bad_query(name, text)
    return int(text) if text else default
