"""Pools of ours grow for what is there, and say what keeps them from it.

One look is one listing of the account's jobs, one of the tasks of each job that Nextflow has on these pools,
and one read of each pool. What a pool needs then is the scaler's to say; what Azure lets it have stands in
its answer.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shared.errors import Retry
from shared.model.machine import Tended
from shared.nextflow.azure import formulas, scaler
from shared.nextflow.azure.scaler import Load, Pool
from shared.providers.azure.batch import bodies, pools, room
from shared.providers.azure.batch.account import WORKER, BatchAccount
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.batch.listing import is_head, pages
from shared.providers.azure.batch.options import PoolOptions
from shared.providers.azure.batch.pools import NEXTFLOWS, READ
from shared.providers.azure.batch.sizes import slots
from shared.providers.azure.batch.tallies import Jobs, by_pool, reason, tally
from shared.providers.azure.listing import moment


def tend(account: BatchAccount) -> Tended:
    """Looks at every pool that tasks of this environment are on. Pools of ours that have to be of another
    size are told so; where Batch does not take it yet, `after` says when it will. Never raises for that."""
    jobs = by_pool(account)
    heads = jobs.get(account.head_pool.lower(), ())
    found = [
        of_pool(account, key, jobs.get(name_of(account, key).lower(), ()), heads)
        for key in account.pools or [""]
    ]
    if account.options.auto_pools:
        found += [of_nextflows(account, each) for name, each in jobs.items() if name.startswith(NEXTFLOWS)]
    waits = "; ".join(dict.fromkeys(filter(None, (each.waits for each in found))))
    lost = next((each.lost for each in found if each.lost), "")
    return Tended(waits=waits, lost=lost, after=max(each.after for each in found))


def name_of(account: BatchAccount, key: str) -> str:
    """The pool of a key; without one, the user's own for tasks."""
    return account.pool_name(key) if key else account.worker_pool


def of_pool(account: BatchAccount, key: str, jobs: Jobs, heads: Jobs) -> Tended:
    """One pool: told what it needs where it is ours, and why tasks wait there. `heads` has the jobs on the
    pool of head jobs."""
    name = name_of(account, key)
    tasks = tally(account, jobs)
    answer = pools.get(account, name)
    if is_gone(answer) or answer.body.get("state") == "deleting":
        how = "does not exist any more" if is_gone(answer) else "is being deleted"
        return Tended(lost=f"pool {name} {how}")
    shown = answer.body
    if not key or not account.owns(shown):
        return Tended(waits=reason(account, name, shown, tasks))
    if not account.pools[key].scales:
        return Tended(waits=reason(account, name, shown, tasks), after=resized(account, key, shown))
    pool = seen(account, key, shown)
    load = Load(
        waiting=tasks.waiting,
        running=tasks.running,
        heads=sum(map(is_head, heads)),
        head_slots=head_slots(account, key),
        occupied=len(tasks.nodes),
    )
    found = scaler.decide(load, pool)
    if found.target > pool.target:
        pool = pool.but(room=room.nodes(account, key))
        found = scaler.decide(load, pool)
    waits = reason(account, name, shown, tasks, found, pool.preempted)
    return Tended(waits=waits, after=told(account, key, shown, load, pool))


def of_nextflows(account: BatchAccount, jobs: Jobs) -> Tended:
    """Why tasks wait on a pool that Nextflow made for this environment. How that scales is Nextflow's own."""
    name = str(jobs[0]["poolInfo"]["poolId"])
    answer = pools.get(account, name)
    if is_gone(answer) or not account.owns(answer.body):
        return Tended()
    return Tended(waits=reason(account, name, answer.body, tally(account, jobs)))


def seen(account: BatchAccount, key: str, shown: Mapping[str, Any]) -> Pool:
    """A pool of ours as the scaler knows it. One more read for a pool of Spot that has nodes."""
    options, name = account.pools[key], account.pool_name(key)
    before = formulas.told(str(shown.get("autoScaleFormula") or ""))
    target = target_of(options)
    return Pool(
        slots_per_node=slots(options.vm_type),
        target=int(shown.get(target) or 0),
        preempted=preempted(account, name) if options.spot and shown.get("currentLowPriorityNodes") else 0,
        least=options.least,
        most=options.most,
        low=scaler.least(before.seen, account.clock.now()),
        # On the one pool of heads and tasks the first tasks have the room beside their head.
        expected=scaler.expects(before, slots(options.vm_type))
        if key == WORKER and not account.options.auto_pools
        else before.expected,
    )


def preempted(account: BatchAccount, name: str) -> int:
    """Nodes of Spot that Azure took back and that are still counted as the pool's. One read."""
    query = {"$filter": f"poolId eq '{name}'"}
    counts = [each for page in pages(account, account.url("nodecounts"), READ, query) for each in page]
    return sum(int((each.get("lowPriority") or {}).get("preempted") or 0) for each in counts)


def head_slots(account: BatchAccount, key: str) -> int:
    """What a head job takes of a pool of ours; 0 where they are on another."""
    return 0 if key == WORKER else account.head_slots


def told(account: BatchAccount, key: str, shown: Mapping[str, Any], load: Load, pool: Pool) -> float:
    """Sets the formula anew where that is due; seconds until Batch takes it, where it did not. Two writes."""
    now, text = account.clock.now(), str(shown.get("autoScaleFormula") or "")
    before = formulas.told(text)
    new = scaler.tell(load, pool, before, now)
    options = bodies.sizing(account, key)
    changed = formulas.ours(options, before) != text or interval_differs(account, key, shown)
    if not changed and not scaler.is_due(new, before, load, pool, now):
        return 0.0
    try:
        pools.set_formula(account, key, formulas.ours(options, new))
    except Retry as error:
        return error.after
    return 0.0


def interval_differs(account: BatchAccount, key: str, shown: Mapping[str, Any]) -> bool:
    """Whether the pool's formula is evaluated at another interval than the config says."""
    return str(shown.get("autoScaleEvaluationInterval") or "") != bodies.interval(account.pools[key])


def resized(account: BatchAccount, key: str, shown: Mapping[str, Any]) -> float:
    """A pool of a fixed size gets the size that the config says, once it is not being resized; seconds until
    it is to be looked at again for that."""
    options = account.pools[key]
    field = target_of(options)
    if int(shown.get(field) or 0) == options.most:
        return 0.0
    if shown.get("allocationState") != "steady":
        return pools.SOON
    try:
        pools.resize(account, key, {field: options.most})
    except Retry as error:
        return error.after
    return 0.0


def launched(account: BatchAccount, shown: Mapping[str, Any], id: str) -> None:
    """The pools of a head job that is about to be made have nodes for it when its time comes: its own, and a
    bit of what its tasks will need. `shown` is the pool of head jobs. No call for one that has all it may.
    Raises Retry when that pool has no room and cannot be told so yet; that of tasks can wait for a look."""
    known = {
        key: shown if key != WORKER else pools.get(account, account.pool_name(key)).body
        for key in account.pools
    }
    growing = {key: pool for key, pool in known.items() if may_grow(account, key, pool)}
    # Whoever is there need not be counted otherwise: a thousand launches would list each other.
    jobs = by_pool(account) if growing else {}
    heads = [job for job in jobs.get(account.head_pool.lower(), ()) if is_head(job) and str(job["id"]) != id]
    for key, pool in growing.items():
        tasks = [job for job in jobs.get(account.pool_name(key).lower(), ()) if not is_head(job)]
        with suppress(*((Retry,) if key == WORKER else ())):
            grow_for(account, key, pool, heads, tasks)


def may_grow(account: BatchAccount, key: str, shown: Mapping[str, Any]) -> bool:
    """Whether it is a pool of ours that a formula scales, and that has not all the nodes that it may."""
    options = account.pools[key]
    if not options.scales or not account.owns(shown) or shown.get("state") != "active":
        return False
    return int(shown.get(target_of(options)) or 0) < options.most


def target_of(options: PoolOptions) -> str:
    """What a pool's target is called."""
    return "targetLowPriorityNodes" if options.spot else "targetDedicatedNodes"


def grow_for(account: BatchAccount, key: str, shown: Mapping[str, Any], others: Jobs, jobs: Jobs) -> None:
    """Sets the formula of one pool for one head job more, where it has not nodes enough for that beside the
    `others` and the tasks of `jobs`."""
    now = account.clock.now()
    young = sum(now - moment(str(job.get("creationTime") or "")) < scaler.LAUNCHED for job in others)
    tasks = tally(account, jobs)
    pool = seen(account, key, shown).but(low=None)
    load = Load(
        waiting=tasks.waiting,
        running=tasks.running,
        launched=1 + young,
        heads=len(others) + 1,
        head_slots=head_slots(account, key),
        occupied=len(tasks.nodes),
    )
    if scaler.decide(load, pool).target <= pool.target:
        return
    before = formulas.told(str(shown.get("autoScaleFormula") or ""))
    new = scaler.tell(load, pool, before, now)
    pools.set_formula(account, key, formulas.ours(bodies.sizing(account, key), new))
