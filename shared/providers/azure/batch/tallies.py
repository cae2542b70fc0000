"""The tasks of pools, counted from listings, and what those that wait are told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.nextflow.azure import formulas
from shared.nextflow.azure.scaler import Decision
from shared.providers.azure.batch import waiting
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import ACTIVE, ENDING, is_head, pages, pool_of
from shared.providers.azure.batch.pools import JOBS_READ
from shared.providers.azure.listing import moment, side_by_side

UNFINISHED = {**ACTIVE, "$select": "id,state,requiredSlots,stateTransitionTime,nodeInfo"}

Jobs = Sequence[Mapping[str, Any]]


@dataclass
class Tally:
    """The tasks of a pool that are not over, and the nodes on which they run. `since` is when the first of
    those that wait began to: when it was submitted, or its node was lost; 0.0 where none waits."""

    waiting: Counter[int] = field(default_factory=Counter)
    running: Counter[int] = field(default_factory=Counter)
    nodes: set[str] = field(default_factory=set)
    since: float = 0.0

    def add(self, task: Mapping[str, Any]) -> None:
        """Counts one task."""
        waits, at = task.get("state") == "active", moment(str(task.get("stateTransitionTime") or ""))
        (self.waiting if waits else self.running)[int(task.get("requiredSlots") or 1)] += 1
        if waits:
            self.since = min(self.since or at, at)
        elif node := (task.get("nodeInfo") or {}).get("nodeId"):
            self.nodes.add(str(node))

    def join(self, other: "Tally") -> None:
        """Counts another's as well."""
        self.waiting.update(other.waiting)
        self.running.update(other.running)
        self.nodes |= other.nodes
        self.since = min(filter(None, (self.since, other.since)), default=0.0)


def by_pool(account: BatchAccount) -> dict[str, list[dict[str, Any]]]:
    """The jobs of the account that are not over, by the pool of their tasks, in lower case: Batch compares
    ids without regard to it. One listing."""
    found: dict[str, list[dict[str, Any]]] = {}
    for page in pages(account, account.url("jobs"), JOBS_READ, ACTIVE):
        for job in page:
            if job.get("state") not in ENDING:
                found.setdefault(pool_of(job), []).append(job)
    return found


def tally(account: BatchAccount, jobs: Jobs) -> Tally:
    """The tasks of jobs that are not over: one list call for each 1,000 tasks of a job, a few jobs at
    once."""

    def one(id: str) -> Tally:
        found = Tally()
        for page in pages(account, account.url(f"jobs/{id}/tasks"), JOBS_READ, UNFINISHED):
            for task in page:
                found.add(task)
        return found

    whole = Tally()
    for each in side_by_side(one, [str(job["id"]) for job in jobs if not is_head(job)]).values():
        whole.join(each)
    return whole


def reason(
    account: BatchAccount,
    name: str,
    shown: Mapping[str, Any],
    tasks: Tally,
    found: Decision | None = None,
    preempted: int = 0,
) -> str:
    """What tasks of a pool wait for, once they have waited for longer than a node takes; at once where no
    node will do, or `preempted` nodes were taken back. Empty when nothing is amiss."""
    count = sum(tasks.waiting.values())
    if not count:
        return ""
    said = []
    if found is not None and (found.cramped or found.never):
        said.append(found.why)
    if preempted:
        who = "1 of its nodes was" if preempted == 1 else f"{preempted} of its nodes were"
        said.append(f"{who} taken back by Spot")
    if account.clock.now() - tasks.since >= waiting.LONG:
        said.append(waiting.why(account, name, shown))
    if not said:
        return ""
    who = "1 task waits" if count == 1 else f"{count} tasks wait"
    return f"{who} for a node, the first since {formulas.stamp(tasks.since)}: {'; '.join(said)}"
