"""Whether nodes of a pool really boot, found out when the pool is made: a subnet without a way out raises no
error anywhere. Its nodes stay `starting` or become `unusable`, or their start task fails, and runs wait for
ever. One node is asked for, as the formula's floor for a while; it leaves by the formula, too."""

from collections.abc import Mapping
from typing import Any

from shared.errors import NotYet, Refused
from shared.model.environment import Made, ResourceRow
from shared.nextflow.azure import formulas
from shared.providers.azure.batch import bodies, pools, waiting
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.batch.streams import Streams
from shared.providers.azure.listing import moment

PROVEN = ("idle", "running")
FAILED = ("unusable", "starttaskfailed")
STREAMS = ("startup/stdout.txt", "startup/stderr.txt")
"""What a node's start task printed."""
PATIENCE = 1800.0
"""Seconds from the making of a pool within which one of its nodes boots: five minutes are usual, and Batch
itself takes a quarter of an hour to call a node unusable."""
AGAIN = pools.SOON
"""Seconds until the node is looked at again."""
STOCK = ("AllocationFailed", "AllocationTimedout")
"""Azure has no such machine at this moment: that says nothing of the subnet."""


def check(account: BatchAccount, row: ResourceRow, made: Made) -> Made:
    """The pool as made, once a node of it has booted; at once where that is not wished. Two reads. Raises
    NotYet with what the node is at, Refused with what it said when it failed."""
    if not account.options.probes:
        return made
    shown = pools.get(account, row.name).body
    nodes = [each for page in listed(account, row.name) for each in page]
    if any(each.get("state") in PROVEN for each in nodes):
        return Made(cloud_id=made.cloud_id, facts={**made.facts, "boots": "yes"})
    for each in nodes:
        if each.get("state") in FAILED:
            raise Refused(f"pool {row.name}: {failure(account, row.name, each)}")
    codes = {str(each.get("code")) for each in shown.get("resizeErrors") or []}
    if codes & set(STOCK):
        return Made(cloud_id=made.cloud_id, facts={**made.facts, "boots": f"not known: {min(codes)}"})
    if codes:
        raise Refused(f"pool {row.name} gets no node to try: {pools.resize_errors(shown)}")
    state = str(nodes[0].get("state")) if nodes else "not there yet"
    waited = account.clock.now() - moment(str(shown.get("creationTime") or ""))
    if waited > PATIENCE:
        raise Refused(
            f"pool {row.name}: no node came up within {PATIENCE / 60:.0f} minutes ({state}){WAY_OUT}"
        )
    ask(account, row.key, shown, nodes)
    raise NotYet(f"pool {row.name}: its first node is {state}; it is tried before runs are", after=AGAIN)


WAY_OUT = ": nodes need a way out to Batch, storage and the places of their packages and images"


def listed(account: BatchAccount, pool: str) -> Any:
    """The nodes of a pool, page by page."""
    return pages(account, account.url(f"pools/{pool}/nodes"), pools.READ)


def ask(account: BatchAccount, key: str, shown: Mapping[str, Any], nodes: list[dict[str, Any]]) -> None:
    """Asks for the node once more where its time was over before it came. The floor is one, however often
    it is asked for."""
    known = formulas.told(str(shown.get("autoScaleFormula") or ""))
    now = account.clock.now()
    if nodes or not account.pools[key].scales or account.pools[key].least or known.until > now:
        return
    text = formulas.ours(bodies.sizing(account, key), bodies.first_node(account, key))
    pools.set_formula(account, key, text)


def failure(account: BatchAccount, pool: str, node: Mapping[str, Any]) -> str:
    """What became of a node, in Batch's words and its own."""
    id, state = str(node.get("id")), str(node.get("state"))
    told = waiting.errors_of(node)
    start = node.get("startTaskInfo") or {}
    if start.get("exitCode"):
        told.append(f"its start task ended with {start['exitCode']}")
    streams = Streams(account.clients, account.url(f"pools/{pool}"), f"nodes/{id}")
    printed = "\n".join(filter(None, map(streams.last, STREAMS)))
    said = f"node {id} is {state}" + "".join(f"; {each}" for each in told) + WAY_OUT
    return f"{said}. It printed:\n{printed}" if printed else said
