"""Why a head job waits for a node. Batch does not tell the job: a quota that is reached leaves the pool as it
is and the task active for ever."""

from collections.abc import Mapping
from typing import Any

from shared.providers.azure.batch import pools
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.listing import moment

LONG = 120.0
"""Seconds that nobody has to explain: a pool that begins with nothing takes them."""


def reason(account: BatchAccount, job: Mapping[str, Any]) -> str:
    """What a job that does not run yet waits for; empty while that is no wonder. One read after LONG."""
    waited = account.clock.now() - moment(str(job.get("creationTime") or ""))
    if waited < LONG:
        return ""
    name = str((job.get("poolInfo") or {}).get("poolId") or "")
    shown = pools.get(account, name)
    if is_gone(shown):
        return f"pool {name} does not exist any more"
    return f"waits for a node since {waited:.0f} s: {explained(name, shown.body)}"


def explained(name: str, shown: Mapping[str, Any]) -> str:
    """What keeps a pool from giving nodes, in Batch's words where it has some. Pure."""
    if shown.get("state") != "active":
        return f"pool {name} is {shown.get('state')}"
    if refused := pools.resize_errors(shown):
        return f"pool {name}: {refused}"
    run = shown.get("autoScaleRun") or {}
    if failed := run.get("error"):
        return f"pool {name}: its formula fails: {failed.get('message', '')}"
    have, wanted = (nodes(shown, kind) for kind in ("current", "target"))
    return f"pool {name} is {shown.get('allocationState')} with {have} of {wanted} nodes"


def nodes(shown: Mapping[str, Any], kind: str) -> int:
    """Nodes of a pool, of Spot or not."""
    return sum(int(shown.get(f"{kind}{each}Nodes") or 0) for each in ("Dedicated", "LowPriority"))
