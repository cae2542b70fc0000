"""What an environment is made of: a pool, or two. Pure. Everything else of it (jobs, pools that Nextflow
makes for itself) comes and goes with runs."""

from shared.model.environment import Resource
from shared.providers.azure.batch.account import BatchAccount

TYPE = "BatchPool"


def resources(account: BatchAccount) -> list[Resource]:
    """The graph; empty where the pools are the user's own."""
    return [Resource(key=key, type=TYPE, name=account.pool_name(key)) for key in account.pools]
