"""A run's tasks, read from the blocks that they are kept in."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from shared.model.trace import BLOCK, TaskBlock, Trace, block_id
from shared.ports import World

BLOCKS_AT_ONCE = 100
"""Blocks in one read: one round of any store."""

Task = dict[str, Any]


def total(trace: Trace) -> int:
    """How many there are. No read."""
    return sum(trace.sizes.values())


def page(world: World, trace: Trace, offset: int, most: int, backward: bool = False) -> list[Task]:
    """Tasks in the order of their ids; reads the blocks of this page alone."""
    needed: list[int] = []
    begin = skipped = 0
    for number, size in sorted(trace.blocks.items(), reverse=backward):
        end = begin + size
        if end <= offset:
            skipped = end
        elif begin < offset + most:
            needed.append(number)
        begin = end
    found = in_blocks(world, trace, needed, backward)
    return list(itertools.islice(found, offset - skipped, offset - skipped + most))


def all_of(world: World, trace: Trace) -> Iterator[Task]:
    """All, in the order of their ids."""
    return in_blocks(world, trace, sorted(trace.blocks))


def one(world: World, trace: Trace, task_id: int) -> Task | None:
    """The task of that id. One read."""
    block = world.store.get(TaskBlock, block_id(trace.id, task_id // BLOCK)) if 0 <= task_id < 2**31 else None
    return block.of(trace.attempt).get(task_id) if block else None


def in_blocks(world: World, trace: Trace, numbers: Sequence[int], backward: bool = False) -> Iterator[Task]:
    """The tasks of these blocks, in their order."""
    for start in range(0, len(numbers), BLOCKS_AT_ONCE):
        ids = [block_id(trace.id, number) for number in numbers[start : start + BLOCKS_AT_ONCE]]
        blocks = world.store.get_many(TaskBlock, ids)
        for id in ids:
            if id in blocks:
                tasks = blocks[id].of(trace.attempt)
                yield from (tasks[number] for number in sorted(tasks, reverse=backward))


def matches(task: Task, words: Sequence[str]) -> bool:
    """Whether each word is in what people know a task by."""
    text = " ".join(str(task.get(key) or "") for key in ("name", "process", "tag", "hash", "status")).lower()
    return all(word in text for word in words)


def sort_key(value: Any) -> tuple[int, float, str]:
    """Orders numbers, then texts, then what is absent."""
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (1, 0.0, value) if isinstance(value, str) else (2, 0.0, "")
