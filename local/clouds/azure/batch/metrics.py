"""What a pool's formula can ask for, as it was over time."""

from collections import Counter

from local.clouds.azure.batch.models import ENDED, KINDS, Account, Pool, Task

KEPT = 10_000
"""Changes of a metric that are remembered."""


def values(account: Account, pool: Pool) -> dict[str, float]:
    """Every metric now. Tasks are counted, never slots: the service knows no others."""
    counts: Counter[str] = Counter()
    for job in account.jobs_on(pool.id):
        waits = job.state.name == "active"
        counts.update(_kind(task, waits=waits) for task in job.tasks.values())
    preempted = sum(node.state.name == "preempted" for node in pool.nodes.values())
    return {
        "$ActiveTasks": counts["active"],
        "$RunningTasks": counts["running"],
        "$PendingTasks": counts["active"] + counts["running"],
        "$SucceededTasks": counts["succeeded"],
        "$FailedTasks": counts["failed"],
        "$TaskSlotsPerNode": pool.slots,
        "$CurrentDedicatedNodes": len(pool.of(KINDS[0])),
        "$CurrentLowPriorityNodes": len(pool.of(KINDS[1])),
        "$PreemptedNodeCount": preempted,
        "$UsableNodeCount": sum(node.state.name in ("idle", "running") for node in pool.nodes.values()),
    }


def _kind(task: Task, *, waits: bool) -> str:
    if task.node is not None:
        return "running"
    if task.state.name == ENDED:
        return "failed" if task.failure else "succeeded"
    return "active" if waits else "held"


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
