"""How pools get their nodes and lose them. Every function takes the time it acts at: the clock may be
well beyond it when somebody looks."""

import time
from typing import TYPE_CHECKING

from local.clouds.azure.batch import containers, life, mounts, sizes
from local.clouds.azure.batch.models import KINDS, Account, Body, Node, Pool
from local.clouds.azure.batch.models import State as Stage

if TYPE_CHECKING:
    from local.clouds.azure.state import State

RESIZE = "Microsoft.Batch/batchAccounts/pools/resize"
BOOT = "Microsoft.Batch/batchAccounts/pools/nodes/boot"
OPTIONS = ("requeue", "terminate", "taskcompletion", "retaineddata")
_CODES = {"dedicated": "AccountCoreQuotaReached", "lowPriority": "AccountLowPriorityCoreQuotaReached"}
_FAMILY = "AccountVMSeriesCoreQuotaReached"
_SPOT = "AccountSpotCoreQuotaReached"
_SAID = {
    _CODES["dedicated"]: "The account has reached its dedicated core quota.",
    _CODES["lowPriority"]: "The account has reached its low-priority core quota.",
    _FAMILY: "The account has reached its core quota for the VM family.",
    _SPOT: "The account has reached its Spot core quota.",
    "AllocationTimedout": "The desired number of nodes could not be allocated in time.",
    "AllocationFailed": "The desired number of nodes could not be allocated.",
}


NO_WAY_OUT = b"curl: (28) Failed to connect to github.com port 443 after 130012 ms: Connection timed out\n"
UNREACHED: Body = {
    "code": "NodePreparationError",
    "message": "An error occurred during node preparation",
    "errorDetails": [{"name": "Detail", "value": "The node agent did not reach the Batch service"}],
}


def resize(
    state: "State", account: Account, pool: Pool, targets: dict[str, int], option: str, at: float
) -> None:
    """Begins to bring a pool to its targets; a resize that goes on is overtaken."""
    pool.targets = {**pool.targets, **targets}
    pool.resizes += 1
    number = pool.resizes
    pool.errors = []
    pool.allocation.become("resizing", at)
    over = at + state.timings.of(RESIZE)
    state.agenda.at(over, lambda: _finish(state, account, pool, number, option, over))


def stop(pool: Pool, at: float) -> None:
    """Stops a resize: the targets become what there is."""
    pool.resizes += 1
    pool.targets = {kind: len(pool.of(kind)) for kind in KINDS}
    pool.allocation.become("steady", at)


def _finish(state: "State", account: Account, pool: Pool, number: int, option: str, at: float) -> None:
    if pool.resizes != number or account.pools.get(pool.id.lower()) is not pool:
        return
    for kind in KINDS:
        present = [node for node in pool.of(kind) if not node.leaving]
        wanted = pool.targets[kind] - len(present)
        if wanted > 0:
            _grow(state, account, pool, kind, wanted, at)
        for node in sorted(present, key=lambda node: node.used)[: max(0, -wanted)]:
            release(state, account, pool, node, option, at)
    pool.allocation.become("steady", at)
    life.schedule(state, account, pool, at)


def _grow(state: "State", account: Account, pool: Pool, kind: str, wanted: int, at: float) -> None:
    code, most = _quota(account, pool, kind)
    if wanted > most:
        # Batch gives what there is, and says what stood against the rest.
        wanted = most
        pool.errors.append(_error(code))
    if pool.shortage:
        code, most = pool.shortage
        wanted = min(wanted, max(0, most - len(pool.of(kind))))
        pool.errors.append(_error(code))
    for _ in range(wanted):
        _add(state, account, pool, kind, at)


def _error(code: str) -> Body:
    return {"code": code, "message": _SAID.get(code, code), "values": []}


def _quota(account: Account, pool: Pool, kind: str) -> tuple[str, int]:
    """The quota that stands first against more nodes, and how many it lets through."""
    each, limits = sizes.cores(str(pool.body["vmSize"])), account.quotas
    most = limits.dedicated if kind == KINDS[0] else limits.low_priority
    found = _CODES[kind], max(0, most - cores_of(account, kind)) // each
    family = sizes.family(str(pool.body["vmSize"]))
    if kind == KINDS[0] and limits.families:
        allowed = {name.lower(): count for name, count in limits.families.items()}.get(family.lower(), 0)
        left = max(0, allowed - cores_of(account, kind, family)) // each
        found = min(found, (_FAMILY, left), key=lambda each: each[1])
    return found


def cores_of(account: Account, kind: str, family: str = "") -> int:
    """Cores of a kind that an account's nodes have, of one family where given."""
    total = 0
    for pool in account.pools.values():
        size = str(pool.body["vmSize"])
        if not family or sizes.family(size).lower() == family.lower():
            total += sizes.cores(size) * len(pool.of(kind))
    return total


def _add(state: "State", account: Account, pool: Pool, kind: str, at: float) -> None:
    stamp = time.strftime("%Y%m%dt%H%M%Sz", time.gmtime(at))
    letter = "d" if kind == KINDS[0] else "p"
    id = f"tvm-{int(pool.made_at) % 10**9}_{next(account.numbers)}-{letter}-{stamp}"
    node = Node(id, kind == KINDS[0], Stage("creating", at), at)
    pool.nodes[id] = node
    boot(state, account, pool, node, at)


def boot(state: "State", account: Account, pool: Pool, node: Node, at: float) -> None:
    """A node starts: it is idle once it has booted and its start task is through."""
    if pool.body.get("startTask"):
        node.state.become("waitingforstarttask", at)
    ready_at = at + state.timings.of(BOOT)

    def ready() -> None:
        if pool.nodes.get(node.id) is not node or node.state.name not in ("creating", "waitingforstarttask"):
            return
        _started(state, pool, node, ready_at)
        life.schedule(state, account, pool, ready_at)

    state.agenda.at(ready_at, ready)


def _started(state: "State", pool: Pool, node: Node, at: float) -> None:
    node.errors = [*containers.locked_out(state, pool), *mounts.failed(state, pool)]
    if node.errors:
        node.state.become("unusable", at)
        return
    start = pool.body.get("startTask")
    subnet = str((pool.body.get("networkConfiguration") or {}).get("subnetId") or "").lower()
    cut = state.batch.cut_off.get(subnet, "")
    if cut == "batch":
        node.errors = [UNREACHED]
        node.state.become("unusable", at)
        return
    code = pool.start_task_exit or (28 if cut and start else 0)
    node.start_task_exit = code if start else None
    if start:
        said = NO_WAY_OUT if cut else b""
        node.files = {"startup/stdout.txt": b"", "startup/stderr.txt": said}
    failed = bool(start and code and start.get("waitForSuccess"))
    node.state.become("starttaskfailed" if failed else "idle", at)


def release(state: "State", account: Account, pool: Pool, node: Node, option: str, at: float) -> None:
    """Sends a node away: at once, or with `taskcompletion` once its tasks are through."""
    node.leaving = option
    if option == "taskcompletion" and node.tasks:
        return
    node.state.become("leavingpool", at)
    for task in list(node.tasks):
        if option == "terminate":
            life.end(state, account, task, at, failure=life.ENDED_BY_USER)
        else:
            life.requeue(state, account, task, at)
    pool.nodes.pop(node.id, None)


def preempt(state: "State", account: Account, pool: Pool, node: Node, at: float) -> None:
    """Spot takes a node back: it stays in the pool as `preempted`, and its tasks wait again."""
    node.state.become("preempted", at)
    for task in list(node.tasks):
        life.requeue(state, account, task, at)
    life.schedule(state, account, pool, at)


def restore(state: "State", account: Account, pool: Pool, node: Node, at: float) -> None:
    """There is capacity for a preempted node again."""
    node.state.become("creating", at)
    boot(state, account, pool, node, at)


def delete(state: "State", account: Account, pool: Pool, at: float) -> None:
    """A pool begins to go; it is gone after its time, and tasks that ran there wait again."""
    pool.state.become("deleting", at)
    pool.resizes, pool.schedule = pool.resizes + 1, pool.schedule + 1
    for node in list(pool.nodes.values()):
        release(state, account, pool, node, "requeue", at)

    def gone() -> None:
        if account.pools.get(pool.id.lower()) is pool:
            del account.pools[pool.id.lower()]

    state.agenda.at(at + state.timings.of("Microsoft.Batch/batchAccounts/pools/delete"), gone)
