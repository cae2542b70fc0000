"""Numbers as ids, where the public API has numbers."""

from shared.ports import World


def fresh(world: World) -> int:
    """A fresh random number below 2**44, never 0: exact in any client's arithmetic, and at most 14 digits."""
    return int(world.ids.secret()[:11], 16) or 1
