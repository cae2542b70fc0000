"""Why a head job waits for a node. Batch does not tell the job: a quota that is reached leaves the pool as it
is and the task active for ever."""

from collections.abc import Mapping
from typing import Any

from shared.providers.azure.batch import pools
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.batch.shapes import WORDS, words
from shared.providers.azure.listing import moment

LONG = 120.0
"""Seconds that nobody has to explain: a pool that begins with nothing takes them."""

SPOILED = "state eq 'unusable' or state eq 'starttaskfailed'"
MOST = 3
"""Reasons that are told at once."""


def reason(account: BatchAccount, job: Mapping[str, Any]) -> str:
    """What a job that does not run yet waits for; empty while that is no wonder. Two reads after LONG."""
    waited = account.clock.now() - moment(str(job.get("creationTime") or ""))
    if waited < LONG:
        return ""
    name = str((job.get("poolInfo") or {}).get("poolId") or "")
    shown = pools.get(account, name)
    if is_gone(shown):
        return f"pool {name} does not exist any more"
    return f"waits for a node since {waited:.0f} s: {why(account, name, shown.body)}"


def why(account: BatchAccount, name: str, shown: Mapping[str, Any]) -> str:
    """What keeps a pool from giving nodes, and nodes that it has from taking tasks. One read where it has
    some."""
    spoilt = spoiled(account, name) if nodes(shown, "current") else ""
    return "; ".join(filter(None, (explained(name, shown), spoilt)))


def spoiled(account: BatchAccount, name: str) -> str:
    """Why nodes of a pool take no tasks though they are there, the first of each reason; empty when all do.
    One read."""
    query = {"$filter": SPOILED, "$select": "id,state,errors"}
    listed = pages(account, account.url(f"pools/{name}/nodes"), pools.READ, query)
    found = {told(each): str(each.get("id")) for page in listed for each in page}
    return "; ".join(f"node {id} is {why}" for why, id in list(found.items())[:MOST])


def told(node: Mapping[str, Any]) -> str:
    """A node's state with its errors. Pure."""
    return ": ".join([str(node.get("state")), *errors_of(node)])


def errors_of(node: Mapping[str, Any]) -> list[str]:
    """A node's errors with their details, in Batch's words. Pure."""
    found = node.get("errors")
    errors = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [": ".join(filter(None, (each.get("code"), words(each), details(each)))) for each in errors]


def details(error: Mapping[str, Any]) -> str:
    """What one error says beside its message. Pure."""
    return "; ".join(str(each.get("value") or "") for each in error.get("errorDetails") or ())[:WORDS]


def explained(name: str, shown: Mapping[str, Any]) -> str:
    """What keeps a pool from giving nodes, in Batch's words where it has some. Pure."""
    if shown.get("state") != "active":
        return f"pool {name} is {shown.get('state')}"
    if refused := pools.resize_errors(shown):
        return f"pool {name}: {refused}"
    run = shown.get("autoScaleRun") or {}
    if failed := run.get("error"):
        return f"pool {name}: its formula fails: {words(failed)}"
    have, wanted = (nodes(shown, kind) for kind in ("current", "target"))
    return f"pool {name} is {shown.get('allocationState')} with {have} of {wanted} nodes"


def nodes(shown: Mapping[str, Any], kind: str) -> int:
    """Nodes of a pool, of Spot or not."""
    return sum(int(shown.get(f"{kind}{each}Nodes") or 0) for each in ("Dedicated", "LowPriority"))
