"""Tasks as processes: each in a sandbox of its own, with a directory that outlives it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from local.clouds.azure.batch.models import Account, Task

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_WRAPPER = 'cd "$AZ_BATCH_TASK_WORKING_DIR" && exec >"$1/stdout.txt" 2>"$1/stderr.txt" && eval "exec $2"'


def start(state: "State", account: Account, task: Task, over: Callable[[int], None]) -> None:
    """Starts a task's command line on a thread of its own, and tells its exit status. Does nothing in
    a cloud without machines."""
    if not state.machines:
        return
    number = task.run
    directory = state.room.place(f"{account.name}-{task.job.id}-{task.id}-{number}")
    task.directory = directory / "task"
    (task.directory / "wd").mkdir(parents=True)
    argv = ["/bin/sh", "-c", _WRAPPER, "sh", str(task.directory), str(task.body["commandLine"])]
    environment = _environment(state, account, task)

    def begin() -> None:
        with state.turn:
            if task.run != number:
                return
        machine = state.room.run(directory, argv, environment, over, share=[directory / "task"])
        with state.turn:
            task.machine = machine if task.run == number else None
        if task.machine is None:
            machine.kill()

    state.room.later(0, begin)


def stop(state: "State", task: Task) -> None:
    """Ends a task's process, without waiting. Idempotent."""
    machine, task.machine = task.machine, None
    if machine:
        state.room.later(0, machine.kill)


def _environment(state: "State", account: Account, task: Task) -> dict[str, str]:
    assert task.node is not None
    where: Path = task.directory
    given = task.body.get("environmentSettings") or []
    common = task.job.body.get("commonEnvironmentSettings") or []
    return {
        "HEADNODE_AZURE_URL": state.url,
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"{state.url}/imds/{task.node.id}",
        "AZ_BATCH_ACCOUNT_NAME": account.name,
        "AZ_BATCH_ACCOUNT_URL": f"{state.url}/batch/{account.name}",
        "AZ_BATCH_POOL_ID": task.pool,
        "AZ_BATCH_NODE_ID": task.node.id,
        "AZ_BATCH_NODE_IS_DEDICATED": str(task.node.dedicated).lower(),
        "AZ_BATCH_JOB_ID": task.job.id,
        "AZ_BATCH_TASK_ID": task.id,
        "AZ_BATCH_TASK_DIR": str(where),
        "AZ_BATCH_TASK_WORKING_DIR": str(where / "wd"),
        **{str(each["name"]): str(each.get("value") or "") for each in [*common, *given]},
    }
