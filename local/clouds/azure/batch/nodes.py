"""Requests about nodes."""

from collections import Counter

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors, listing, pools, shown
from local.clouds.azure.batch.models import KINDS, Body, Pool
from local.clouds.azure.batch.service import Request

COUNTED = {
    "creating": "creating",
    "idle": "idle",
    "leavingpool": "leavingPool",
    "offline": "offline",
    "preempted": "preempted",
    "rebooting": "rebooting",
    "reimaging": "reimaging",
    "running": "running",
    "starting": "starting",
    "starttaskfailed": "startTaskFailed",
    "unknown": "unknown",
    "unusable": "unusable",
    "waitingforstarttask": "waitingForStartTask",
    "deallocated": "deallocated",
    "deallocating": "deallocating",
    "upgradingos": "upgradingOS",
}
"""States of nodes, and their names among the counts."""


def every(request: Request) -> Answer:
    """All nodes of a pool."""
    pool = pools.find(request)
    values = [shown.node(node, pool, request.url) for node in pool.nodes.values()]
    return listing.answer(request.call, request.url, values)


def get(request: Request) -> Answer:
    """One."""
    pool = pools.find(request)
    found = pool.nodes.get(request.names["node"])
    if found is None:
        raise errors.not_found("Node")
    return listing.sent(listing.select(request.call, shown.node(found, pool, request.url)))


def counts(request: Request) -> Answer:
    """How many nodes are in which state, by pool."""
    values = [_counts(pool) for pool in request.account.pools.values()]
    return listing.answer(request.call, request.url, values)


def _counts(pool: Pool) -> Body:
    return {"poolId": pool.id, **{kind: _by_state(pool, kind) for kind in KINDS}}


def _by_state(pool: Pool, kind: str) -> dict[str, int]:
    found = Counter(node.state.name for node in pool.of(kind))
    return {**{name: found[state] for state, name in COUNTED.items()}, "total": sum(found.values())}
