"""Tasks as processes: each in a sandbox of its own, with a directory that outlives it."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from local.clouds.azure.batch import transfers
from local.clouds.azure.batch.models import Account, Body, Task

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_WRAPPER = 'cd "$AZ_BATCH_TASK_WORKING_DIR" && exec >"$1/stdout.txt" 2>"$1/stderr.txt" && eval "exec $2"'


Over = Callable[[int | None, Body | None], None]
"""Told the exit status, and the failure of what Batch itself had to do."""


def start(state: "State", account: Account, task: Task, over: Over) -> None:
    """Brings a task's files and starts its command line on a thread of its own, takes its files at the end,
    and tells how it ended. Does nothing in a cloud without machines."""
    if not state.machines:
        return
    number = task.run
    # A task that was deleted may come again by the same id.
    directory = state.room.place(f"{account.name}-{task.job.id}-{task.id}-{number}-{uuid.uuid4().hex[:8]}")
    task.directory = directory / "task"
    (task.directory / "wd").mkdir(parents=True)
    if _brings_tool(account, task):
        transfers.tool(task.directory / "shared" / "bin" / transfers.TOOL)
    argv = ["/bin/sh", "-c", _WRAPPER, "sh", str(task.directory), str(task.body["commandLine"])]
    environment = _environment(state, account, task)

    def ended(status: int) -> None:
        try:
            transfers.take(state, task, directory / "task", status)
        except transfers.TransferError as error:
            over(status, error.body)
        else:
            over(status, None)

    def begin() -> None:
        with state.turn:
            if task.run != number:
                return
        try:
            transfers.bring(state, task, directory / "task" / "wd")
        except transfers.TransferError as error:
            over(None, error.body)
            return
        share = [directory / "task", *([state.door.directory] if state.door else [])]
        machine = state.room.run(directory, argv, environment, ended, share=share)
        with state.turn:
            task.machine = machine if task.run == number else None
        if task.machine is None:
            machine.kill()

    state.room.later(0, begin)


def _brings_tool(account: Account, task: Task) -> bool:
    """Whether the start task of its node, which is not carried out here, would have installed azcopy."""
    pool = account.pools.get(task.pool.lower())
    return bool(pool) and transfers.TOOL in str((pool.body.get("startTask") or {}) if pool else "")


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
        "AZ_BATCH_NODE_SHARED_DIR": str(where / "shared"),
        **(state.door.environment() if state.door else {}),
        **{str(each["name"]): str(each.get("value") or "") for each in [*common, *given]},
    }
