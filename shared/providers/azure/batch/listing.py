"""Listings of the Batch service, page by page, and what they say of jobs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import Refused, Unreachable
from shared.providers.azure.batch.account import BatchAccount, listed
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.errors import Answer
from shared.providers.azure.listing import MOST_PAGES, place

PREFIX = "headnode-"
"""How the ids of head jobs begin."""
ACTIVE = {"$filter": "state ne 'completed'"}
ENDING = ("terminating", "deleting")
NAMED = ("jobs", "nodes", "pools", "tasks")
"""Listings of things that have ids."""
ID = re.compile(r"[\w-]{1,128}")
"""Nothing that could lead a request elsewhere."""


def record_id(text: str | None) -> str:
    """The id of a record of ours in a mark; empty for what is none."""
    return text if text and ID.fullmatch(text) else ""


def one(account: BatchAccount, url: str, action: str) -> Answer:
    """A pool or job as the service shows it, or its 404. Raises Unreachable for an answer that shows another
    one, or nothing."""
    answer = account.clients.batch("GET", url, action=action, accept=(404,))
    id = url.rpartition("/")[2]
    if not is_gone(answer) and str(answer.body.get("id")).lower() != id.lower():
        raise Unreachable(f"{action}: the answer does not show {id}")
    return answer


def pages(
    account: BatchAccount, url: str, action: str, query: Mapping[str, str] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """A listing page by page; nothing is held beyond the page. Nothing when what it belongs to is gone.
    Raises Refused when it leads to another host, Unreachable when it is none, leads in a circle, or does not
    end."""
    met: set[str] = set()
    answer = account.clients.batch("GET", url, action=action, query=query, accept=(404,))
    while not is_gone(answer):
        if not isinstance(answer.body.get("value"), list):
            raise Unreachable(f"{action}: the answer is no listing")
        yield named(url, listed(answer))
        following = str(answer.body.get("odata.nextLink") or "")
        if not following:
            return
        if place(following) != place(url):
            raise Refused(f"{action}: a listing leads elsewhere")
        if following in met:
            raise Unreachable(f"{action}: a listing leads in a circle", after=60.0)
        met.add(following)
        if len(met) >= MOST_PAGES:
            raise Unreachable(f"{action}: a listing does not end", after=60.0)
        answer = account.clients.batch("GET", following, action=action, accept=(404,))


def named(url: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What of a page can be asked for by its id, where it is of things that have one."""
    if url.rpartition("/")[2] not in NAMED:
        return found
    return [each for each in found if ID.fullmatch(str(each.get("id") or ""))]


def pool_of(job: Mapping[str, Any]) -> str:
    """The pool that a job's tasks go to, in lower case: Batch compares ids without regard to it."""
    return str((job.get("poolInfo") or {}).get("poolId") or "").lower()


def is_head(job: Mapping[str, Any]) -> bool:
    """Whether it is a head job, by its id."""
    return str(job.get("id")).startswith(PREFIX)
