"""The types of what requests bring: a text where an object belongs is refused before anybody looks in."""

from typing import Any

from local.clouds.azure.batch import errors

_OBJECTS = (
    *("poolInfo", "constraints", "networkConfiguration", "virtualMachineConfiguration", "startTask"),
    *("taskSchedulingPolicy", "imageReference", "containerConfiguration", "containerSettings"),
    "jobManagerTask",
)
_LISTS = (
    "environmentSettings",
    "commonEnvironmentSettings",
    "nodeList",
    "value",
    "metadata",
    "resourceFiles",
    "outputFiles",
)
_NUMBERS = (
    *("priority", "maxParallelTasks", "requiredSlots", "taskSlotsPerNode", "maxTaskRetryCount"),
    *("targetDedicatedNodes", "targetLowPriorityNodes"),
)
_TEXTS = (
    *("vmSize", "commandLine", "poolId", "nodeAgentSKUId", "nodeFillType", "autoScaleFormula", "subnetId"),
    *("autoScaleEvaluationInterval", "onAllTasksComplete", "nodeDeallocationOption", "terminateReason"),
)
_WANTED: dict[str, type] = {
    **dict.fromkeys(_OBJECTS, dict),
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(_NUMBERS, int),
    **dict.fromkeys(_TEXTS, str),
}
"""Names of properties, wherever they are; others are kept as they come."""


def check(body: dict[str, Any]) -> None:
    """Raises Refused for a property of another type than it must have, at any depth. Lists of settings
    and of tasks hold objects."""
    for name, value in body.items():
        wanted = _WANTED.get(name)
        if (
            value is not None
            and wanted
            and (not isinstance(value, wanted) or value is True or value is False)
        ):
            raise errors.invalid(name, value, f"A value of type {wanted.__name__} is required.")
        if name in _LISTS and name != "nodeList":
            _check_each(name, value or [])
        elif wanted is dict:
            check(value or {})


def _check_each(name: str, values: list[Any]) -> None:
    for each in values:
        if not isinstance(each, dict) or (
            name.endswith("Settings") and not isinstance(each.get("name"), str)
        ):
            raise errors.invalid(name, each, "An object is required.")
        if name == "value":
            check(each)
