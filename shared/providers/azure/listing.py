"""What listings and requests for many resources have in common."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.errors import Refused, Retry, Unreachable
from shared.model import tags
from shared.providers.azure.account import Account, tags_of
from shared.providers.azure.catalogue import plain
from shared.providers.azure.clients import Clients
from shared.providers.azure.errors import is_gone

T = TypeVar("T")

AT_ONCE = 8
"""Requests that are under way side by side."""
PAGE = 1000
MOST_PAGES = 2000
"""Of one listing: Azure gives up to 1,000 items on each."""
PART = r"[\w()-][\w().-]*"
"""One name in an id: nothing that could lead a request elsewhere."""
IN_GROUP = rf"/subscriptions/{PART}/resourcegroups/{PART}/providers"
PORTS = {"https": 443, "http": 80}
NOT_OURS = "it does not carry this installation's tag"


def pages(
    account: Account, path: str, version: str, action: str, query: Mapping[str, str] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """As `arm_pages`, with the environment's clients."""
    return arm_pages(account.clients, path, version, action, query)


def arm_pages(
    clients: Clients, path: str, version: str, action: str, query: Mapping[str, str] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """A listing page by page; nothing is held beyond the page. Nothing when its group is gone. Raises
    Refused when it leads to another host, and Unreachable when it is none, leads in a circle, or does not
    end."""
    met: set[int] = set()
    answer = clients.arm("GET", path, version, action=action, query=query, accept=(404,))
    while not is_gone(answer):
        listed = answer.body.get("value")
        if not isinstance(listed, list):
            raise Unreachable(f"{action}: the answer is no listing")
        found = [each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]
        for first in range(0, len(found), PAGE):
            yield found[first : first + PAGE]
        following = str(answer.body.get("nextLink") or "")
        if not following:
            return
        if place(following) != place(clients.endpoints.arm):
            raise Refused(f"{action}: a listing leads elsewhere")
        if hash(following) in met:
            raise Unreachable(f"{action}: a listing leads in a circle", after=60.0)
        met.add(hash(following))
        if len(met) >= MOST_PAGES:
            raise Unreachable(f"{action}: a listing does not end", after=60.0)
        answer = clients.arm("GET", following, "", action=action, accept=(404,))


def place(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; nothing that equals another place for an address that is none."""
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", address, None


def side_by_side(act: Callable[[str], T], ids: Sequence[str]) -> dict[str, T]:
    """Acts on each, a few at once; id -> answer. When some fail all others are still done, then the
    first failure is raised."""
    if len(ids) < 2:
        return {id: act(id) for id in ids}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="azure") as pool:
        waiting = {id: pool.submit(act, id) for id in ids}
    failed = [error for future in waiting.values() if (error := future.exception())]
    if failed:
        raise min(failed, key=lambda error: isinstance(error, Retry))
    return {id: future.result() for id, future in waiting.items()}


def is_ours(account: Account, shown: Mapping[str, Any]) -> bool:
    """Whether this installation made it."""
    return tags_of(shown).get(tags.INSTALLATION) == account.settings.installation


def is_here(account: Account, shown: Mapping[str, Any]) -> bool:
    """Whether it is in the environment's region."""
    return plain(str(shown.get("location") or "")) == account.options.region


def moment(text: str) -> float:
    """Azure's time of day as epoch seconds; 0.0 for none. Its seven decimals are cut to six."""
    cut = re.sub(r"(\.\d{6})\d*", r"\1", text.replace("Z", "+00:00"))
    try:
        return datetime.fromisoformat(cut).timestamp()
    except ValueError:
        return 0.0


def number(text: str | None) -> float:
    """A tag's number; 0.0 when people made something else of it."""
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e12 else 0.0
