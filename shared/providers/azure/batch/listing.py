"""Listings of the Batch service, page by page, and what they say of jobs."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import Refused, Unreachable
from shared.providers.azure.batch.account import BatchAccount, listed
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.listing import place

PREFIX = "headnode-"
"""How the ids of head jobs begin."""
ACTIVE = {"$filter": "state ne 'completed'"}
ENDING = ("terminating", "deleting")


def pages(
    account: BatchAccount, url: str, action: str, query: Mapping[str, str] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """A listing page by page; nothing is held beyond the page. Nothing when what it belongs to is gone.
    Raises Refused when it leads to another host, Unreachable when it is none or leads in a circle."""
    met: set[str] = set()
    answer = account.clients.batch("GET", url, action=action, query=query, accept=(404,))
    while not is_gone(answer):
        if not isinstance(answer.body.get("value"), list):
            raise Unreachable(f"{action}: the answer is no listing")
        yield listed(answer)
        following = str(answer.body.get("odata.nextLink") or "")
        if not following:
            return
        if place(following) != place(url):
            raise Refused(f"{action}: a listing leads elsewhere")
        if following in met:
            raise Unreachable(f"{action}: a listing leads in a circle", after=60.0)
        met.add(following)
        answer = account.clients.batch("GET", following, action=action, accept=(404,))


def pool_of(job: Mapping[str, Any]) -> str:
    """The pool that a job's tasks go to, in lower case: Batch compares ids without regard to it."""
    return str((job.get("poolInfo") or {}).get("poolId") or "").lower()


def is_head(job: Mapping[str, Any]) -> bool:
    """Whether it is a head job, by its id."""
    return str(job.get("id")).startswith(PREFIX)
