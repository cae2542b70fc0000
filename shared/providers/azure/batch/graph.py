"""What an environment is made of: a pool, or two. Pure. Everything else of it (jobs, pools that Nextflow
makes for itself) comes and goes with runs: where the pools are the user's own, what is left of that goes with
the environment all the same."""

from shared.model.environment import Resource
from shared.providers.azure.batch import left
from shared.providers.azure.batch.account import BatchAccount

TYPE = "BatchPool"


def resources(account: BatchAccount) -> list[Resource]:
    """The graph."""
    made = [Resource(key=key, type=TYPE, name=account.pool_name(key)) for key in account.pools]
    return made or [Resource(key=left.RUNS, type=left.TYPE, name="headnode-*")]
