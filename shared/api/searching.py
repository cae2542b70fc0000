"""The platform's search of runs, as a query of the store.

    rnaseq username:headnode status:succeeded after:2026-01-01 before:2026-07 label:paper is:starred

A `<keyword>:<value>` is exactly so; any other word is part of a text. All must fit. The platform takes the
other words as one text with blanks in it; here each is looked for by itself, which finds all that does too.
`*` before, behind or inside a word says what is so anyway, and is taken as a gap. Nothing has a case.
"""

import re
from datetime import UTC, datetime

from shared.api import records
from shared.api.problem import bad
from shared.errors import Fault
from shared.model.label import Label
from shared.model.run import submitted
from shared.model.search import Query, folded, term
from shared.ports import World

LONGEST_SEARCH, MOST_CONDITIONS = 1000, 20
VALUES = {
    "status": "status",
    "runname": "name",
    "user": "user",
    "username": "user",
    "projectname": "project",
    "sessionid": "session",
}
"""Keywords, and what a run is found by under each (`Run.sought`)."""
SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def query(world: World, workspace: int, user: int, search: str) -> Query:
    """What a search asks for. Raises Problem 400 for a date that is none, or too many words."""
    terms: list[tuple[str, ...]] = []
    words: list[str] = []
    since = upto = ""
    for part in search.split():
        keyword, _, value = part.rstrip(",").partition(":")
        keyword = keyword.lower()
        if keyword == "after" and value:
            since = max(since, moment("after", value))
        elif keyword == "before" and value:
            upto = min(upto or "~", moment("before", value))
        elif keyword == "label" and value:
            terms.append(labelled(world, workspace, value))
        elif found := exact(keyword, value, user):
            terms.append((found,))
        elif SESSION.fullmatch(part.lower()):
            terms.append((term("session", part),))
        else:
            words += [word for piece in part.split("*") for word in folded(piece, LONGEST_SEARCH).split()]
    if len(terms) + len(words) > MOST_CONDITIONS:
        raise bad(Fault("search", f"at most {MOST_CONDITIONS} words"))
    return Query(
        scope=str(workspace),
        terms=tuple(dict.fromkeys(terms)),
        words=tuple(dict.fromkeys(words)),
        since=since,
        upto=upto,
    )


def exact(keyword: str, value: str, user: int) -> str:
    """The term of a keyword and its value; empty when it is none."""
    if not value:
        return ""
    if keyword == "workflowid":
        return f"id:{value}"
    if (keyword, value.lower()) == ("is", "starred"):
        return f"star:{user}"
    return term(VALUES[keyword], value) if keyword in VALUES else ""


def labelled(world: World, workspace: int, value: str) -> tuple[str, ...]:
    """The terms of the labels of a name, or of a name and value; the labels of a workspace are few."""
    wanted = value.lower()
    known = records.listed(world, Label, "workspace", str(workspace))
    return tuple(f"label:{each.id}" for each in known if wanted in (each.name.lower(), each.key))


def moment(keyword: str, value: str) -> str:
    """The sort key of a date's first moment, UTC. A part of a date is its first day: 2026-5 is May 1."""
    found = DATE.fullmatch(value)
    try:
        year, month, day = (int(part or 1) for part in found.groups()) if found else (0, 0, 0)
        at = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise bad(Fault("search", f"{keyword}: takes a date such as 2026-01-31")) from None
    return submitted(max(0.0, at.timestamp()))
