"""The identity that a node's tasks get tokens of, from the metadata service of their node."""

from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def holder(state: "State", node: str) -> Resource | None:
    """A resource with the identities of a node's pool; None when no node is called so."""
    for account in state.batch.accounts.values():
        for pool in account.pools.values():
            if node in pool.nodes:
                id = f"{account.home}/pools/{pool.id}"
                return Resource(
                    id, "Microsoft.Batch/batchAccounts/pools", pool.id, {"identity": pool.identity}
                )
    return None
