"""How an account goes: with its resource, or with its group."""

from typing import TYPE_CHECKING

from local.clouds.azure.batch import running

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPE = "Microsoft.Batch/batchAccounts"


def drop(state: "State", name: str) -> None:
    """An account is gone, and its tasks' processes with it. Idempotent."""
    found = state.batch.accounts.pop(name.lower(), None)
    for job in found.jobs.values() if found else ():
        for task in job.tasks.values():
            task.run += 1
            running.stop(state, task)
