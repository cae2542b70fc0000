"""What the finished tasks of a run used, added up as they are reported."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

OURS = ("spent", "counted")
"""The keys among a run's counters that are written here: sums, and the newest report's finished tasks."""


def added(counters: Mapping[str, Any], finished: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Both, with tasks added that finished with this report. A report whose tasks could not be stored comes
    again: those that the newest report has counted are not counted twice. Pure."""
    if not finished:
        return {key: counters[key] for key in OURS if key in counters}
    before = frozenset(counters.get("counted") or ())
    fresh = (task for task in finished if task["taskId"] not in before)
    return {
        "spent": spent(counters.get("spent") or {}, fresh),
        "counted": [task["taskId"] for task in finished],
    }


def spent(before: Mapping[str, Any], finished: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What finished tasks used, in all (`""`) and by process, with these ones added."""
    total: dict[str, Any] = {key: dict(value) for key, value in before.items() if isinstance(value, dict)}
    for task in finished:
        for key in ("", f"process {task.get('process')}"):
            sums = total.setdefault(key, {})
            for name, value in used(task).items():
                sums[name] = sums.get(name, 0) + value
        if isinstance(task.get("executor"), str):
            total.setdefault("executors", {})[task["executor"]] = True
    return total


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
