"""What there is in a Batch account. Bodies are kept in the words of the service, not in ARM's."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
ENDED = "completed"
KINDS = ("dedicated", "lowPriority")


@dataclass(frozen=True)
class Quotas:
    """Limits of an account. `families` are dedicated cores by VM family; with any, they are enforced."""

    dedicated: int = 100
    low_priority: int = 100
    families: Mapping[str, int] = field(default_factory=dict)
    pools: int = 100
    jobs: int = 300


@dataclass
class State:
    """A state with the one before, and since when."""

    name: str
    since: float
    before: str = ""
    before_since: float = 0.0

    def become(self, name: str, at: float) -> None:
        """Another state; nothing happens when it is that already."""
        if name != self.name:
            self.before, self.before_since = self.name, self.since
            self.name, self.since = name, at


@dataclass
class Task:
    """One task. `run` counts its starts: what was planned for an earlier one is void."""

    id: str
    body: Body
    job: "Job"
    made_at: float
    state: State
    changed_at: float
    number: int = 0
    run: int = 0
    node: "Node | None" = None
    host: str = ""
    """The id of the node that it runs or ran on, which has its files."""
    pool: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    exit_code: int | None = None
    failure: Body | None = None
    retries: int = 0
    requeues: int = 0
    requeued_at: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    machine: Any = None
    """The process of the run that goes on."""
    directory: Any = None

    @property
    def slots(self) -> int:
        """How many of its node's slots it takes."""
        return int(self.body.get("requiredSlots") or 1)

    @property
    def succeeded(self) -> bool:
        """Whether it ended, and well."""
        return self.state.name == ENDED and self.failure is None


@dataclass
class Job:
    """One job with its tasks."""

    id: str
    body: Body
    made_at: float
    state: State
    changed_at: float
    version: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)
    ended_at: float = 0.0
    reason: str = ""
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def pool(self) -> str:
        """The id of the pool that its tasks go to."""
        return str((self.body.get("poolInfo") or {}).get("poolId") or "")

    @property
    def counts(self) -> bool:
        """Whether it takes one from the quota of active jobs."""
        return self.state.name != ENDED


@dataclass
class Node:
    """One node. `leaving` is what is to become of its tasks once it was told to go."""

    id: str
    dedicated: bool
    state: State
    made_at: float
    tasks: list[Task] = field(default_factory=list)
    leaving: str = ""
    ran: int = 0
    well: int = 0
    start_task_exit: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    """What its start task left, by path."""
    errors: list[Body] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """dedicated or lowPriority."""
        return KINDS[0] if self.dedicated else KINDS[1]

    @property
    def used(self) -> int:
        """Slots that are taken."""
        return sum(task.slots for task in self.tasks)


@dataclass
class Pool:
    """One pool. `targets` and the nodes are counted by kind."""

    id: str
    body: Body
    made_at: float
    changed_at: float
    state: State
    allocation: State
    targets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    nodes: dict[str, Node] = field(default_factory=dict)
    errors: list[Body] = field(default_factory=list)
    identity: Body | None = None
    version: int = 0
    resizes: int = 0
    """Of which only the last counts."""
    enabled_at: float = 0.0
    schedule: int = 0
    """Of which only the last evaluates."""
    run: Body | None = None
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """What a metric became, and when."""
    shortage: tuple[str, int] | None = None
    """A code with which allocations end, and how many nodes there are nevertheless."""
    start_task_exit: int = 0

    @property
    def slots(self) -> int:
        """Of every node."""
        return int(self.body.get("taskSlotsPerNode") or 1)

    @property
    def scales(self) -> bool:
        """Whether a formula sets its targets."""
        return bool(self.body.get("enableAutoScale"))

    def of(self, kind: str) -> list[Node]:
        """The nodes of a kind, those that were preempted among them."""
        return [node for node in self.nodes.values() if node.kind == kind]


@dataclass
class Account:
    """What ARM does not know of an account."""

    name: str
    home: str
    """Its ARM id."""
    quotas: Quotas
    keys: dict[str, str]
    pools: dict[str, Pool] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def jobs_on(self, pool: str) -> list[Job]:
        """The jobs that send their tasks to a pool."""
        return [job for job in self.jobs.values() if job.pool.lower() == pool.lower()]


@dataclass(frozen=True)
class Registry:
    """A container registry, or a part of one, that asks who pulls: passwords by user, identities by id."""

    users: Mapping[str, str]
    identities: frozenset[str]


class Batch:
    """All accounts by name in lower case; and the registries that ask for a login, by how images begin."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.cut_off: dict[str, str] = {}
        """Subnets without a way out, by id in lower case: to the `internet`, or to `batch` either."""
        self.registries: dict[str, Registry] = {}
        self.shares: set[tuple[str, str]] = set()
        """File shares: storage account and name."""

    def clear(self) -> None:
        """No account; the ends of what still runs mean nothing any more."""
        for account in self.accounts.values():
            for job in account.jobs.values():
                for task in job.tasks.values():
                    task.run += 1
        self.accounts.clear()
        self.cut_off.clear()
        self.registries.clear()
        self.shares.clear()
