"""What is wrong with a task that a request brings, by itself or as the manager of a job."""

from local.clouds.azure.batch import errors, pool_life, spans
from local.clouds.azure.batch.models import Account, Body

SOURCES = ("httpUrl", "storageContainerUrl", "autoStorageContainerName")
"""Where a resource file may come from."""
CONDITIONS = ("tasksuccess", "taskfailure", "taskcompletion")
"""When an output file is uploaded."""
COMMAND = 8192
"""Characters of a command line."""


def check_leading(account: Account, pool: str, body: Body) -> None:
    """Raises Refused for a job manager that could not be."""
    pool_life.check_id(body.get("id"))
    check(account, pool, body)


def check(account: Account, pool: str, body: Body) -> None:
    """Raises Refused for a task that could not be in a job of a pool."""
    command = body.get("commandLine")
    if not command:
        raise errors.missing("commandLine")
    if len(str(command)) > COMMAND:
        raise errors.invalid("commandLine", "", f"A command line has at most {COMMAND} characters.")
    check_limits(body)
    _check_files(body)
    slots = body.get("requiredSlots", 1)
    found = account.pools.get(pool.lower())
    # Azure takes tasks that want more than a node has: they wait for ever, and the pool grows for them.
    if not isinstance(slots, int) or slots < 1:
        raise errors.invalid("requiredSlots", slots, "At least one slot is required.")
    if body.get("containerSettings") and found and not _has_docker(found.body):
        said = "The pool has no container configuration."
        raise errors.invalid("containerSettings", "", said)


def _check_files(body: Body) -> None:
    for each in body.get("resourceFiles") or []:
        sources = [each.get(name) for name in SOURCES]
        if sum(map(bool, sources)) != 1:
            raise errors.invalid("resourceFiles", each, f"Exactly one of {', '.join(SOURCES)} is required.")
        if each.get("httpUrl") and not each.get("filePath"):
            raise errors.missing("filePath")
    for each in body.get("outputFiles") or []:
        container = (each.get("destination") or {}).get("container") or {}
        if not each.get("filePattern"):
            raise errors.missing("filePattern")
        if not container.get("containerUrl"):
            raise errors.missing("containerUrl")
        condition = str((each.get("uploadOptions") or {}).get("uploadCondition") or "").lower()
        if condition not in CONDITIONS:
            raise errors.invalid("uploadCondition", condition, "It is no condition.")


def _has_docker(pool: Body) -> bool:
    return bool((pool.get("virtualMachineConfiguration") or {}).get("containerConfiguration"))


def check_limits(body: Body) -> None:
    """Raises Refused for constraints that can not be read."""
    limits = body.get("constraints") or {}
    for name in ("maxWallClockTime", "retentionTime"):
        if limits.get(name):
            try:
                spans.seconds(str(limits[name]))
            except ValueError:
                raise errors.invalid(name, limits[name], "It is no duration.") from None
