"""Counters of a run, as the public API shows them: every one of them is a number, always."""

from collections.abc import Mapping
from typing import Any

from shared.model.run import Run
from shared.model.trace import Trace
from shared.model.trace import shown as traced

SAME = ("pending", "submitted", "running", "succeeded", "failed", "cached", "ignored", "retries", "aborted")
LOADS = ("loadCpus", "loadMemory", "peakCpus", "peakMemory")
SPENT = (
    "cpus", "cpuTime", "cpuLoad", "memoryRss", "memoryReq", "readBytes", "writeBytes", "volCtxSwitch",
    "invCtxSwitch",
)  # fmt: skip
"""What finished tasks have used, summed up by `steps.spending`."""


def progress(run: Run, trace: Trace | None) -> dict[str, Any]:
    """The run's counters and those of each process."""
    trace = traced(run, trace)
    counts, spent = trace.counters, trace.spent
    reported = counts.get("processes")
    rows = [row for row in reported if isinstance(row, dict)] if isinstance(reported, list) else []
    named = {str(row.get("name")) for row in rows}
    rows += [{"name": name} for name in run.process_names if name not in named]
    return {
        "workflowProgress": {
            **counters(counts, spent.get("", {})),
            "executors": sorted(spent.get("executors", {})),
        },
        "processesProgress": [
            {"process": str(row.get("name")), **counters(row, spent.get(f"process {row.get('name')}", {}))}
            for row in rows
        ],
        "totalProcesses": len(rows),
    }


def counters(counts: Mapping[str, Any], spent: Mapping[str, Any]) -> dict[str, Any]:
    """All the counters that readers insist on."""
    found: dict[str, Any] = {name: whole(counts.get(name)) for name in (*SAME, *LOADS)}
    found |= {name: whole(spent.get(name)) for name in SPENT}
    found["loadTasks"] = found["running"]
    found["peakTasks"] = whole(counts.get("peakRunning"))
    found["cpuEfficiency"] = percent(found["cpuLoad"], found["cpuTime"])
    found["memoryEfficiency"] = percent(found["memoryRss"], found["memoryReq"])
    return found


def whole(value: Any) -> int:
    """A counter from JSON; 0 for anything that is none."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def percent(part: int, all: int) -> float:
    """`part` of `all` in per cent; 0 where there is nothing yet."""
    return round(100.0 * part / all, 2) if all else 0.0
