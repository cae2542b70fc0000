"""Which waiting task comes next, and which node has room for it."""

from collections.abc import Iterator

from local.clouds.azure.batch.models import Account, Node, Pool, Task

READY = ("idle", "running")


def waiting(account: Account, pool: Pool) -> Iterator[Task]:
    """Tasks that may start now, those of more urgent jobs first."""
    jobs = [job for job in account.jobs_on(pool.id) if job.state.name == "active"]
    for job in sorted(jobs, key=lambda job: -int(job.body.get("priority") or 0)):
        most = int(job.body.get("maxParallelTasks") or -1)
        for task in list(job.tasks.values()):
            busy = sum(each.node is not None for each in job.tasks.values()) if most >= 0 else -1
            if task.state.name == "active" and (most < 0 or busy < most):
                yield task


def has_room(pool: Pool) -> bool:
    """Whether any node could take a task of one slot."""
    return any(_open(node) and node.used < pool.slots for node in pool.nodes.values())


def _open(node: Node) -> bool:
    return node.state.name in READY and not node.leaving


def _fits(node: Node, task: Task) -> bool:
    """A job's manager may want nodes that nobody takes away."""
    return node.dedicated or bool(task.body.get("allowLowPriorityNode", True))


def room(pool: Pool, task: Task) -> Node | None:
    """The emptiest node with room for a task, or with the policy `pack` the fullest."""
    free = [
        node
        for node in pool.nodes.values()
        if _open(node) and _fits(node, task) and node.used + task.slots <= pool.slots
    ]
    policy = str((pool.body.get("taskSchedulingPolicy") or {}).get("nodeFillType") or "spread").lower()
    if policy == "pack":
        return max(free, key=lambda node: node.used, default=None)
    return min(free, key=lambda node: node.used, default=None)
