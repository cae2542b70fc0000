"""Pools of the user's own, held against what is sent to them. Reads only: they are never touched."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault, Forbidden
from shared.providers.azure.batch import images, pools, shares
from shared.providers.azure.batch.account import ARM_VERSION, BatchAccount, knows_arm, objects
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.batch.shapes import words
from shared.providers.azure.batch.sizes import slots
from shared.providers.azure.listing import moment

Shown = Mapping[str, Any]


def faults(account: BatchAccount) -> Iterable[Fault]:
    """All that keeps the user's pools from running what is sent to them. A read for each, and one of the
    images that there are."""
    if account.pools:
        return
    agents: list[dict[str, Any]] | None = None
    for field, name in named(account):
        shown = pools.get(account, name)
        if is_gone(shown):
            yield Fault(field, f"{name} does not exist")
            continue
        agents = images.listed(account) if agents is None else agents
        told = [
            *unfit(name, shown.body, azcopy=needs_azcopy(account)),
            *stale(name, shown.body, agents, account.clock.now()),
            *cramped(account, field, name, shown.body),
            *elsewhere(account, name, shown.body),
        ]
        yield from (Fault(field, each) for each in told)
        yield from strangers(account, field, name, shown.body)
        if name == account.worker_pool:
            yield from shares.missing(account, shown.body)


def mounts(account: BatchAccount) -> dict[str, list[str]]:
    """`mounts`: what the user's pool of tasks mounts. Nothing where others make that. One read."""
    if account.pools or account.options.auto_pools:
        return {}
    return {"mounts": shares.paths(pools.get(account, account.worker_pool).body)}


def named(account: BatchAccount) -> Iterable[tuple[str, str]]:
    """The pools by the fields that name them. That of tasks counts where Nextflow makes none."""
    yield "headPool", account.head_pool
    if account.options.worker_pool and not account.options.auto_pools:
        yield "workerPool", account.options.worker_pool


def needs_azcopy(account: BatchAccount) -> bool:
    """Whether nodes have to bring it: Fusion does without, and each task can."""
    said = str(account.environment.config.get("nextflowConfig") or "")
    return not account.options.fusion and "copyToolInstallMode" not in said


def unfit(name: str, shown: Shown, azcopy: bool) -> Iterable[str]:
    """What is wrong with a pool, with the numbers that are expected and those that are. Pure."""
    if shown.get("state") != "active":
        yield f"{name} is {shown.get('state')}, not active"
    machine = shown.get("virtualMachineConfiguration") or {}
    kind = str((machine.get("containerConfiguration") or {}).get("type") or "none")
    if kind.lower() != "dockercompatible":
        yield f"{name} cannot run containers: its container configuration is {kind}, not dockerCompatible"
    size = str(shown.get("vmSize") or "")
    has, expected = int(shown.get("taskSlotsPerNode") or 1), slots(size)
    if expected and has != expected:
        yield f"{name} has {has} task slots per node, Nextflow expects {expected}: the vCPUs of {size}"
    agent = str(machine.get("nodeAgentSKUId") or "")
    if images.ubuntu(machine) == 0 and not agent.startswith("batch.node.el"):
        yield f"{name} runs {agent or 'no Linux'}; head jobs and tasks need Linux"
    if azcopy and "azcopy" not in str((shown.get("startTask") or {}).get("commandLine") or ""):
        yield f"{name} has no start task that installs azcopy, which Nextflow's tasks need"
    yield from lifeless(name, shown)


def lifeless(name: str, shown: Shown) -> Iterable[str]:
    """Why a pool has no nodes, and gets none. Pure."""
    if failed := (shown.get("autoScaleRun") or {}).get("error"):
        yield f"{name}: its formula fails: {words(failed)}"
    if not has_nodes(shown) and (refused := pools.resize_errors(shown)):
        yield f"{name} has no nodes: {refused}"


def has_nodes(shown: Shown) -> bool:
    """Whether a pool has nodes at this moment. Pure."""
    return bool(shown.get("currentDedicatedNodes") or shown.get("currentLowPriorityNodes"))


def resting(shown: Shown) -> bool:
    """Whether a pool gets nodes only when somebody gives it some. Pure."""
    targets = ("targetDedicatedNodes", "targetLowPriorityNodes")
    return not (has_nodes(shown) or shown.get("enableAutoScale") or any(map(shown.get, targets)))


def stale(name: str, shown: Shown, known: Iterable[Shown], now: float) -> Iterable[str]:
    """What is wrong with the image of a pool's nodes. One of the user's is known by its agent alone. Pure."""
    machine = shown.get("virtualMachineConfiguration") or {}
    agent = str(machine.get("nodeAgentSKUId") or "")
    same = [each for each in known if str(each.get("nodeAgentSKUId")).lower() == agent.lower()]
    if agent and not same:
        yield f"{name} is made with {agent}, which Batch does not support any more"
        return
    reference = machine.get("imageReference") or {}
    for each in same:
        ends = str(each.get("batchSupportEndOfLife") or "")
        if ends and moment(ends) <= now and is_same(each.get("imageReference") or {}, reference):
            yield f"{name} is made of an image that Batch has not supported since {ends[:10]}"


def is_same(one: Shown, other: Shown) -> bool:
    """Whether two references are to versions of one image."""
    return all(
        str(one.get(part) or "").lower() == str(other.get(part) or "").lower()
        for part in ("publisher", "offer", "sku")
    )


def cramped(account: BatchAccount, field: str, name: str, shown: Shown) -> Iterable[str]:
    """A head job that no node has room for."""
    has = int(shown.get("taskSlotsPerNode") or 1)
    if field == "headPool" and has < account.head_slots:
        yield f"{name} has {has} task slots per node, headJobCpus asks for {account.head_slots}"


def elsewhere(account: BatchAccount, name: str, shown: Shown) -> Iterable[str]:
    """A pool outside of the network that the config names for Nextflow's own pools: what is open to that
    alone (storage, registries) is closed to it."""
    wanted = account.options.subnet.lower()
    if not wanted:
        return
    has = subnet_of(shown).lower()
    if has.partition("/subnets/")[0] != wanted.partition("/subnets/")[0]:
        where = f"in {has.rpartition('/virtualnetworks/')[2]}" if has else "in no subnet"
        yield f"{name} stands {where}, subnetId names {wanted.rpartition('/virtualnetworks/')[2]}"


def subnet_of(shown: Shown) -> str:
    """The subnet of a pool's nodes; empty for none of the user's."""
    return str((shown.get("networkConfiguration") or {}).get("subnetId") or "").rstrip("/")


def strangers(account: BatchAccount, field: str, name: str, shown: Shown) -> Iterable[Fault]:
    """Identities that the config says nodes work as, and a pool does not have."""
    options = account.options
    both = account.worker_pool.lower() == account.head_pool.lower()
    wanted = {
        "managedIdentityClientId": options.head_client if field == "headPool" else "",
        "managedIdentityPoolClientId": options.pool_client if both or field == "workerPool" else "",
    }
    if not any(wanted.values()):
        return
    has = attached(account, name, shown)
    if has is None:
        return
    for said, client in wanted.items():
        if client and client.lower() not in has:
            which = f"has {', '.join(sorted(has))}" if has else "has no identity"
            yield Fault(said, f"{client} is not attached to {name}, which {which}")


def attached(account: BatchAccount, name: str, shown: Shown) -> set[str] | None:
    """Client ids of the identities of a pool: as Batch shows them, else as ARM does; None where neither
    tells."""
    told = objects((shown.get("identity") or {}).get("userAssignedIdentities"))
    if told and all(each.get("clientId") for each in told):
        return {str(each["clientId"]).lower() for each in told}
    if not knows_arm(account):
        return None
    try:
        path = f"{account.arm_id}/pools/{name}"
        body = account.clients.arm("GET", path, ARM_VERSION, action=pools.READ).body
    except Forbidden:
        return None
    identity = body.get("identity")
    known = identity.get("userAssignedIdentities") if isinstance(identity, dict) else None
    each = objects(list(known.values())) if isinstance(known, dict) else []
    return {str(one.get("clientId") or "").lower() for one in each}


def notes(account: BatchAccount) -> list[str]:
    """What could not be checked, and what is right but will surprise. A read for each pool."""
    if account.pools:
        return []
    found, options = [], account.options
    for _, name in named(account):
        shown = pools.get(account, name).body
        if (options.head_client or options.pool_client) and attached(account, name, shown) is None:
            found.append(f"whether {name} has the identity of the config could not be read")
        if resting(shown):
            found.append(
                f"{name} has no nodes, and neither a formula nor a target: runs wait until it has some"
            )
    return found
