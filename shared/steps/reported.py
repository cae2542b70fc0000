"""What is kept of a report: which tasks of it are news, and how much of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shared.errors import Exists, Stale, TooLarge
from shared.model.records import Record, encode
from shared.model.trace import BLOCK, TaskBlock, Trace, block_id
from shared.ports import Store
from shared.steps.spending import spent

LONGEST_TEXT = 50_000
"""Characters of one text that Nextflow reports (a config, an error report), so that a record fits
into one item of the smallest store (400 KB)."""
MOST_REPORTED = 100_000
"""Characters of all that is kept of a workflow's own description."""
LARGEST_TASK = 17_000
"""Bytes of one task, so that a block fits too. Nextflow itself cuts a script after 10,240 characters, and
what else it tells of a task after 5,000 in all (tower-schema.properties)."""
MOST_METRICS = 700_000
"""Bytes of a run's metrics: they are mostly digits, which deflate to less than half."""
MOST_BLOCKS = 20_000
"""Blocks of one run: tasks beyond 400,000 are counted and not kept one by one."""
MOST_JOBS, LONGEST_JOB = 500, 64
"""Groups of tasks of one run, and characters of a name."""
AT_ONCE = 99
"""Blocks in one commit, beside the trace: a store's limit."""

ORDER = {"NEW": 0, "SUBMITTED": 1, "RUNNING": 2, "CACHED": 3, "COMPLETED": 3, "FAILED": 3, "ABORTED": 3}
FINISHED = 3


class Change(NamedTuple):
    """One block as it is to be, and the tasks that finished in it with this report."""

    block: TaskBlock
    finished: list[Mapping[str, Any]]


def changes(
    trace: Trace, blocks: Mapping[int, TaskBlock], tasks: Iterable[Mapping[str, Any]], newer: bool
) -> list[Change]:
    """The blocks that a report changes. A task never steps back; the last word about it wins. Pure."""
    told: dict[int, dict[int, Mapping[str, Any]]] = {}
    for task in tasks:
        told.setdefault(task["taskId"] // BLOCK, {})[task["taskId"]] = task
    found = (
        changed(trace, blocks.get(number) or TaskBlock(id=block_id(trace.id, number)), given, newer)
        for number, given in told.items()
        if str(number) in trace.sizes or len(trace.sizes) < MOST_BLOCKS
    )
    return [change for change in found if change is not None]


def changed(
    trace: Trace, block: TaskBlock, given: Mapping[int, Mapping[str, Any]], newer: bool
) -> Change | None:
    """One block with what is news to it; None where nothing is."""
    before = block.of(trace.attempt)
    news = {id: task for id, task in given.items() if is_news(before.get(id), task, newer)}
    if not news:
        return None
    finished = [task for id, task in news.items() if is_over(task) and not is_over(before.get(id))]
    kept = before | {id: fitted(bounded(task)) for id, task in news.items()}
    tasks = tuple(kept[id] for id in sorted(kept))
    return Change(block.but(attempt=trace.attempt, tasks=tasks), finished)


def jobs_of(trace: Trace, tasks: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The groups that are known with those of a report: a task's native id is `<group>/<task>` where the
    cloud has such groups. Pure."""
    found = (str(task.get("nativeId") or "").rpartition("/")[0] for task in tasks)
    told = (each for each in found if 0 < len(each) <= LONGEST_JOB)
    return tuple(dict.fromkeys((*trace.jobs, *told)))[:MOST_JOBS]


def is_news(known: Mapping[str, Any] | None, task: Mapping[str, Any], newer: bool) -> bool:
    """Whether a task is further on than what is known of it, or as far by a newer word."""
    if known is None:
        return True
    step = ORDER[task["status"]] - ORDER[known["status"]]
    return step > 0 or (step == 0 and newer)


def is_over(task: Mapping[str, Any] | None) -> bool:
    """Whether a task has finished, well or not."""
    return task is not None and ORDER[task["status"]] == FINISHED


def keep(store: Store, trace: Trace, changed: Sequence[Change]) -> Trace:
    """Writes the trace with the blocks and their sums in one commit; in several, each of them whole, where
    that is more than a store takes at once. Raises Stale."""
    if len(changed) <= AT_ONCE:
        finished = [task for change in changed for task in change.finished]
        sizes = {str(block.number): len(block.tasks) for block, _ in changed}
        added = trace.but(spent=spent(trace.spent, finished), sizes={**trace.sizes, **sizes})
        try:
            commit(store, added, *(block for block, _ in changed))
        except TooLarge:
            if len(changed) < 2:
                raise
        else:
            return added.but(generation=added.generation + 1)
    half = len(changed) // 2
    return keep(store, keep(store, trace, changed[:half]), changed[half:])


def commit(store: Store, *records: Record) -> None:
    """As `save_all`. Raises Stale also where somebody else made one of the records first: the same report
    may be under way twice."""
    try:
        store.save_all(*records)
    except Exists as error:
        raise Stale(str(error)) from error


def bounded(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a report: long texts are cut, and large parts are left out, the largest first,
    until the rest fits."""
    kept = {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for key, value in told.items()
        if value is not None
    }
    sizes = {key: len(str(value)) for key, value in kept.items()}
    left = sum(sizes.values())
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if left <= MOST_REPORTED:
            break
        left -= sizes[key]
        del kept[key]
    return kept


def fitted(task: dict[str, Any]) -> dict[str, Any]:
    """A task of at most LARGEST_TASK bytes: the small parts whole, of the first that does not fit as much
    as there is room for."""
    if len(encode(task)) <= LARGEST_TASK:
        return task
    sizes = {key: len(encode(value)) + len(encode(key)) + 2 for key, value in task.items()}
    kept: dict[str, Any] = {}
    left = LARGEST_TASK - 2
    for key in sorted(sizes, key=lambda key: (key not in ("taskId", "status"), sizes[key])):
        value = task[key]
        if sizes[key] > left and isinstance(value, str):
            value = cut(value, left - len(encode(key)) - 2)
            sizes[key] = len(encode(value)) + len(encode(key)) + 2
        if sizes[key] <= left:
            kept[key] = value
            left -= sizes[key]
    return kept


def cut(text: str, room: int) -> str:
    """As much of a text as its JSON has room for, in bytes."""
    while text and (size := len(encode(text))) > room:
        text = text[: len(text) * max(0, room) // size]
    return text


def rows_of(metrics: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The metrics of as many processes as one record has room for."""
    rows: list[dict[str, Any]] = []
    left = MOST_METRICS
    for row in map(bounded, metrics):
        left -= len(encode(row))
        if left < 0:
            break
        rows.append(row)
    return tuple(rows)
