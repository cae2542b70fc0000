"""What a pool's formula can ask for, as it was over time."""

from local.clouds.azure.batch.models import ENDED, KINDS, Account, Pool

KEPT = 10_000
"""Changes of a metric that are remembered."""


def values(account: Account, pool: Pool) -> dict[str, float]:
    """Every metric now. Tasks are counted, never slots: the service knows no others."""
    tasks = account.tasks_on(pool.id)
    on_nodes = sum(task.node is not None for task in tasks)
    active = sum(task.state.name == "active" and task.job.state.name == "active" for task in tasks)
    preempted = sum(node.state.name == "preempted" for node in pool.nodes.values())
    return {
        "$ActiveTasks": active,
        "$RunningTasks": on_nodes,
        "$PendingTasks": active + on_nodes,
        "$SucceededTasks": sum(task.succeeded for task in tasks),
        "$FailedTasks": sum(task.state.name == ENDED and not task.succeeded for task in tasks),
        "$TaskSlotsPerNode": pool.slots,
        "$CurrentDedicatedNodes": len(pool.of(KINDS[0])),
        "$CurrentLowPriorityNodes": len(pool.of(KINDS[1])),
        "$PreemptedNodeCount": preempted,
        "$UsableNodeCount": sum(node.state.name in ("idle", "running") for node in pool.nodes.values()),
    }


def note(account: Account, pool: Pool, at: float) -> None:
    """Remembers what has changed."""
    for name, value in values(account, pool).items():
        past = pool.samples.setdefault(name, [])
        if not past or past[-1][1] != value:
            past.append((at, float(value)))
            del past[:-KEPT]


def at(pool: Pool, name: str, when: float) -> float | None:
    """What a metric was at a time; None for before the pool."""
    found = None
    for since, value in pool.samples.get(name, ()):
        if since > when:
            break
        found = value
    return found
