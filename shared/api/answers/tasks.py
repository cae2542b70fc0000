"""Tasks as the public API shows them."""

from collections.abc import Mapping
from typing import Any

from shared.api.answers.shape import Kinds, typed

NO_EXIT = 2**31 - 1
"""What Nextflow sends where a task has no exit status."""
FIELDS: Kinds = {
    "hash": str, "nativeId": (str, int), "process": str, "module": list, "container": str, "tag": str,
    "name": str, "exit": int, "submit": str, "start": str, "complete": str, "duration": int,
    "realtime": int, "pcpu": float, "pmem": float, "rss": int, "vmem": int, "peakRss": int, "peakVmem": int,
    "rchar": int, "wchar": int, "syscr": int, "syscw": int, "readBytes": int, "writeBytes": int,
    "attempt": int, "workdir": str, "script": str, "scratch": str, "queue": str, "cpus": int, "memory": int,
    "disk": int, "time": int, "env": str, "errorAction": str, "volCtxt": int, "invCtxt": int,
    "executor": str, "cloudZone": str, "machineType": str, "numSpotInterruptions": int, "logStreamId": str,
    "cost": float, "resourceAllocation": dict, "gpuMetrics": dict,
}  # fmt: skip


def task(data: Mapping[str, Any]) -> dict[str, Any]:
    """One task: what its client reported, as far as readers understand it."""
    found = typed(data, FIELDS)
    if found.get("exit") == NO_EXIT:
        del found["exit"]
    if "exit" in found:
        found["exitStatus"] = found["exit"]
    if "nativeId" in found:
        found["nativeId"] = str(found["nativeId"])
    if data.get("priceModel") in ("standard", "spot"):
        found["priceModel"] = data["priceModel"]
    return {**found, "taskId": data["taskId"], "status": data["status"]}
