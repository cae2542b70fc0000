"""Of which types the fields are that we read from the Batch service (its REST reference, 2025-06-01). An
answer with another type in one of them is none: it is asked for again, and nothing of it is believed."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Unreachable

OBJECTS = (
    *("autoScaleRun", "containerConfiguration", "error", "executionInfo", "failureInfo", "identity"),
    *("imageReference", "lowPriority", "networkConfiguration", "nodeInfo", "poolInfo", "startTask"),
    *("startTaskInfo", "virtualMachineConfiguration"),
)
LISTS = (
    *("capabilities", "details", "errorDetails", "errors", "metadata", "resizeErrors"),
    "userAssignedIdentities",
)
NUMBERS = (
    *("currentDedicatedNodes", "currentLowPriorityNodes", "targetDedicatedNodes", "targetLowPriorityNodes"),
    *("exitCode", "preempted", "requeueCount", "requiredSlots", "taskSlotsPerNode"),
)
TEXTS = (
    *("allocationState", "autoScaleEvaluationInterval", "autoScaleFormula", "batchSupportEndOfLife"),
    *("category", "code", "commandLine", "creationTime", "id", "message", "nodeAgentSKUId", "nodeId"),
    *("odata.nextLink", "offer", "poolId", "publisher", "sku", "state", "subnetId", "terminateReason"),
    *("type", "vmSize"),
)
STRINGS = ("capabilities",)
"""The lists that are of texts; all others are of objects."""
LONG = ("autoScaleFormula", "commandLine", "message", "odata.nextLink", "terminateReason")
LONGEST, WORDS = 1024, 2000
"""Characters of the other texts at the most, and those that are kept of what Batch says in its words."""
MOST = 2**31
"""Its numbers have 32 bits."""


def check(body: Mapping[str, Any], action: str) -> None:
    """Raises Unreachable, with the field, for an answer of another shape. A field that is absent or null is
    no fault: Batch leaves out what it has nothing to say of."""
    left: list[Any] = [body]
    while left:
        for name, value in left.pop().items():
            if value is not None and not fits(name, value):
                raise Unreachable(f"{action}: the answer cannot be read: {name} is of another type")
            if isinstance(value, dict):
                left.append(value)
            elif isinstance(value, list):
                left += [each for each in value if isinstance(each, dict)]


def fits(name: str, value: Any) -> bool:
    """Whether a field has a value of its type."""
    if name in OBJECTS:
        return isinstance(value, dict)
    if name in TEXTS:
        return isinstance(value, str) and (name in LONG or len(value) <= LONGEST)
    if name in NUMBERS:
        return type(value) is int and -MOST <= value < MOST
    if name in LISTS:
        item = str if name in STRINGS else dict
        return isinstance(value, list) and all(isinstance(each, item) for each in value)
    return True


def words(error: Mapping[str, Any]) -> str:
    """What an error says, short enough to keep."""
    return str(error.get("message") or "")[:WORDS]
