"""What makes a pool, from whichever side: the service's own, or ARM's."""

import re
from typing import TYPE_CHECKING

from local.clouds.azure.batch import allocation, containers, errors, metrics, mounts, scaling, sizes
from local.clouds.azure.batch.models import KINDS, Account, Body, Pool
from local.clouds.azure.batch.models import State as Stage

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SLOTS = 256
"""Slots that a node has at the most, and four for each core."""
SUBNET_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


def check_id(id: object) -> str:
    """An id of a pool, job or task. Raises Refused."""
    if not isinstance(id, str) or not _ID.fullmatch(id):
        why = "An id has 1 to 64 letters, digits, hyphens and underscores."
        raise errors.missing("id") if id is None else errors.invalid("id", id, why)
    return id


def count(name: str, value: object) -> int:
    """A number of nodes. Raises Refused."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise errors.invalid(name, value, "A number that is not negative is required.")
    return value


def create(
    state: "State", account: Account, body: Body, *, identity: Body | None = None, subnet_by: str = ""
) -> Pool:
    """A new pool, which begins to grow. Raises Refused."""
    id = check_id(body.get("id"))
    old = account.pools.get(id.lower())
    if old:
        raise errors.being("Pool", "Deleted") if old.state.name == "deleting" else errors.exists("Pool")
    check(state, body, subnet_by, identity)
    if len(account.pools) >= account.quotas.pools:
        raise errors.pool_quota(account.quotas.pools)
    now = state.now
    made = Pool(id, body, now, now, Stage("active", now), Stage("steady", now), identity=identity)
    account.pools[id.lower()] = made
    metrics.note(account, made, now)
    if made.scales:
        scaling.enable(state, account, made, now)
    targets = {kind: int(body.get(f"target{kind[0].upper()}{kind[1:]}Nodes") or 0) for kind in KINDS}
    allocation.resize(state, account, made, targets, "requeue", now)
    return made


def change(pool: Pool, body: Body, at: float) -> None:
    """Another body for a pool."""
    pool.body, pool.changed_at, pool.version = body, at, pool.version + 1


def check(state: "State", body: Body, subnet_by: str = "", identity: Body | None = None) -> None:
    """Raises Refused for a pool that could not be."""
    size = body.get("vmSize")
    if not size:
        raise errors.missing("vmSize")
    if not sizes.cores(str(size)):
        raise errors.invalid("vmSize", size, "The VM size is not known.")
    _check_machine(body)
    _check_slots(body)
    containers.check(body, identity)
    mounts.check(body)
    for name in ("targetDedicatedNodes", "targetLowPriorityNodes"):
        if body.get(name) is not None:
            count(name, body[name])
            if body.get("enableAutoScale"):
                raise errors.invalid(name, body[name], "A pool that is scaled by a formula has no targets.")
    if body.get("enableAutoScale"):
        scaling.check(body)
    elif body.get("autoScaleFormula"):
        raise errors.bad_scaling("A formula is given, but enableAutoScale is false.")
    _check_subnet(state, body, subnet_by)


def _check_machine(body: Body) -> None:
    machine = body.get("virtualMachineConfiguration")
    if not machine:
        raise errors.missing("virtualMachineConfiguration")
    agent, image = machine.get("nodeAgentSKUId"), machine.get("imageReference") or {}
    if agent not in sizes.AGENTS:
        raise errors.no_sku(str(agent))
    if image.get("virtualMachineImageId"):
        return
    for known in sizes.IMAGES:
        if known["nodeAgentSKUId"] == agent and _same(known["imageReference"], image):
            return
    raise errors.invalid("imageReference", image, f"The image does not go with the node agent {agent}.")


def _same(known: object, image: Body) -> bool:
    assert isinstance(known, dict)
    return all(str(image.get(name, "")).lower() == known[name] for name in ("publisher", "offer", "sku"))


def _check_slots(body: Body) -> None:
    most = min(SLOTS, 4 * sizes.cores(str(body["vmSize"])))
    slots = body.get("taskSlotsPerNode", 1)
    if not isinstance(slots, int) or not 1 <= slots <= most:
        raise errors.invalid("taskSlotsPerNode", slots, f"The VM size takes 1 to {most} task slots.")


def _check_subnet(state: "State", body: Body, principal: str) -> None:
    subnet = (body.get("networkConfiguration") or {}).get("subnetId")
    if not subnet:
        return
    if state.store.get(str(subnet)) is None:
        raise errors.invalid("subnetId", subnet, "The subnet does not exist.")
    if principal:
        state.judge.require_linked(principal, SUBNET_JOIN, str(subnet), str(subnet))
