"""Whether the account has room for a run, before a job is made: a quota that is reached is no error in Azure,
only a pool that stays empty and a run that waits for ever. With keys nobody can be asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault, Forbidden, NotYet, QuotaReached, Refused
from shared.nextflow.azure import quotas
from shared.nextflow.azure.quotas import PoolCores, Quotas
from shared.providers.azure.batch import pools
from shared.providers.azure.batch.account import (
    ACCOUNTS,
    ARM_VERSION,
    BatchAccount,
    knows_arm,
    shown_account,
)
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.batch.quota import held, there

LEAST_JOBS = 2
"""Active jobs of the smallest run: its head job, and one of Nextflow's."""
LATER = 60.0
"""Seconds until an active job may be free."""
JOBS = "ActiveJobAndScheduleQuotaReached"
SPOT, DEDICATED = "$TargetLowPriorityNodes", "$TargetDedicatedNodes"

Pools = Mapping[str, Mapping[str, Any]]


def check(account: BatchAccount, head: Mapping[str, Any]) -> None:
    """`head` is the pool of head jobs as it is shown. One call at most where the pools of the run have nodes
    (none for one pool), else three. Raises Refused with the numbers for a run that the quotas can never hold,
    QuotaReached for one that others leave no room for now."""
    if not knows_arm(account) or (has_nodes(head) and has_room(account)):
        return
    limits = limits_of(account)
    if limits is None:
        return
    shown = {
        str(pool["id"]).lower(): pool
        for page in pages(account, account.url("pools"), pools.READ)
        for pool in page
    }
    every = least(account, shown)
    wanted = [one for one in every if not has_nodes(shown[one.name.lower()])]
    taken = [cores for pool in shown.values() for cores in held(pool)]
    short = said([*quotas.faults(limits, wanted, taken, 0, LEAST_JOBS), *new_pool(account, limits, shown)])
    if not short:
        return
    if said([*quotas.faults(limits, every, (), 0, LEAST_JOBS), *new_pool(account, limits, {})]):
        raise Refused(f"the Batch account {account.name} has no room for a run: it {short}")
    raise QuotaReached(f"the Batch account {account.name} has no room now: a run {short}", "QuotaReached")


def has_room(account: BatchAccount) -> bool:
    """Whether the run's tasks have nodes, or a pool of Nextflow's where it makes its own. One call, none
    where they are on the pool of head jobs."""
    if account.options.auto_pools:
        query = {"$filter": f"startswith(id,'{pools.NEXTFLOWS}')"}
        listed = pages(account, account.url("pools"), pools.READ, query)
        return any(account.owns(pool) for page in listed for pool in page)
    if account.worker_pool == account.head_pool:
        return True
    return has_nodes(pools.get(account, account.worker_pool).body)


def said(faults: Iterable[Fault]) -> str:
    """What is short, in words."""
    return "; ".join(dict.fromkeys(each.message for each in faults))


def limits_of(account: BatchAccount) -> Quotas | None:
    """The account's quotas; None where ARM cannot be asked, or does not tell us. One call."""
    if not knows_arm(account):
        return None
    action = f"{ACCOUNTS}/read"
    try:
        if known := account.environment.details.get("accountId"):
            return quotas.from_account(
                account.clients.arm("GET", str(known), ARM_VERSION, action=action).properties
            )
        return quotas.from_account(shown_account(account).get("properties"))
    except Forbidden:
        return None


def nodes(account: BatchAccount, key: str) -> int | None:
    """How many nodes a pool of ours may have beside what the account's other pools have or are getting; None
    where nobody tells. Two calls."""
    limits = limits_of(account)
    if limits is None:
        return None
    name, pool = account.pool_name(key), account.pools[key]
    of = PoolCores(name=name, size=pool.vm_type, nodes=pool.most, low_priority=pool.spot)
    return quotas.nodes_left(limits, of, there(account))


def least(account: BatchAccount, shown: Pools) -> list[PoolCores]:
    """The pools of a run with the one node that each needs for anything to go on."""
    names = {account.head_pool} | (set() if account.options.auto_pools else {account.worker_pool})
    found = (shown.get(name.lower()) for name in sorted(names))
    return [
        PoolCores(name=str(pool["id"]), size=str(pool.get("vmSize")), nodes=1, low_priority=is_spot(pool))
        for pool in found
        # Of a size that is newer than our lists nobody knows what it takes from the quota.
        if pool and quotas.cores_of(str(pool.get("vmSize")))
    ]


def new_pool(account: BatchAccount, limits: Quotas, shown: Pools) -> list[Fault]:
    """Whether Nextflow can make the first of its own pools, where it has none here yet."""
    mine = [each for id, each in shown.items() if id.startswith(pools.NEXTFLOWS) and account.owns(each)]
    if not account.options.auto_pools or mine:
        return []
    one = PoolCores(name=pools.NEXTFLOWS, size=account_size(account), nodes=0)
    others = [PoolCores(name=id, size=one.size, nodes=0) for id in shown]
    return quotas.faults(Quotas(pools=limits.pools), [one], others)


def account_size(account: BatchAccount) -> str:
    """A size that is known, where none is asked for."""
    return account.options.forge.head.vm_type if account.options.forge else "Standard_D4s_v3"


def has_nodes(pool: Mapping[str, Any]) -> bool:
    """Whether a pool has nodes, or gets them."""
    kinds = ("DedicatedNodes", "LowPriorityNodes")
    if any(pool.get(f"current{kind}") for kind in kinds):
        return True
    return any(pool.get(f"target{kind}") for kind in kinds) and not pools.resize_errors(pool)


def is_spot(pool: Mapping[str, Any]) -> bool:
    """Whether a pool's nodes are Spot: by its targets, else by its formula."""
    formula = str(pool.get("autoScaleFormula") or "")
    if pool.get("targetLowPriorityNodes") or pool.get("targetDedicatedNodes"):
        return not pool.get("targetDedicatedNodes")
    return SPOT in formula and DEDICATED not in formula


def no_job_left(account: BatchAccount) -> NotYet:
    """Why Batch did not take a head job. Two calls."""
    limits = limits_of(account)
    most = f" of {limits.jobs}" if limits is not None and limits.jobs is not None else ""
    numbers = f"{active_jobs(account)}{most}"
    said = f"waits for an active job to end: the Batch account {account.name} has {numbers} ({JOBS})"
    return NotYet(said, after=LATER)


def active_jobs(account: BatchAccount) -> int:
    """Jobs that are not completed, whosever they are."""
    query = {"$filter": "state ne 'completed'", "$select": "id"}
    return sum(len(page) for page in pages(account, account.url("jobs"), pools.JOBS_READ, query))
