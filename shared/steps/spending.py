"""What the finished tasks of a run used, added up as they are reported."""

from collections.abc import Iterable, Mapping
from typing import Any

MOST_PROCESSES = 500
"""Processes, and executors, with sums of their own; the tasks of any further ones count in the total only."""


def spent(before: Mapping[str, Any], finished: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What finished tasks used, in all (`""`) and by process, with these ones added. Pure."""
    total: dict[str, Any] = {key: dict(value) for key, value in before.items()}
    for task in finished:
        for key in ("", f"process {str(task.get('process'))[:255]}"):
            if key in total or len(total) < MOST_PROCESSES:
                add(total.setdefault(key, {}), used(task))
        executors, name = total.setdefault("executors", {}), task.get("executor")
        if isinstance(name, str) and len(executors) < MOST_PROCESSES:
            executors[name[:255]] = True
    return total


def add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    """Adds in place."""
    for name, value in more.items():
        sums[name] = sums.get(name, 0) + value


def used(task: Mapping[str, Any]) -> dict[str, int]:
    """What one task used. Times in milliseconds of one core, sizes in bytes."""
    cpus, realtime = number(task, "cpus"), number(task, "realtime")
    return {
        "cpus": int(cpus),
        "cpuTime": int(cpus * realtime),
        "cpuLoad": int(number(task, "pcpu") / 100.0 * realtime),
        "memoryRss": int(number(task, "peakRss") or number(task, "rss")),
        "memoryReq": int(number(task, "memory")),
        "readBytes": int(number(task, "readBytes")),
        "writeBytes": int(number(task, "writeBytes")),
        "volCtxSwitch": int(number(task, "volCtxt")),
        "invCtxSwitch": int(number(task, "invCtxt")),
    }


def number(task: Mapping[str, Any], name: str) -> float:
    """A number from a report; 0 where there is none."""
    value = task.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
