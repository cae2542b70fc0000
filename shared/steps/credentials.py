"""Whether a cloud accepts credentials."""

from shared.errors import Conflict, Refused, Retry
from shared.model.access import Credentials
from shared.ports import World

LONGEST = 4000
"""Characters of a cloud's own words that are kept."""


def validated(world: World, record: Credentials) -> tuple[Credentials, str, bool]:
    """Asks their cloud: AVAILABLE or, with its words, INVALID. Second is what was not checked, or why nothing
    could be said; third, whether the latter, and then they stay as they were. Raises Stale."""
    try:
        unchecked = world.accounts.prove(record)
    except Retry as error:
        return record, str(error), True
    except Refused as error:
        return settled(world, record, "INVALID", str(error)), "", False
    return settled(world, record, "AVAILABLE", ""), unchecked, False


def settled(world: World, record: Credentials, status: str, message: str) -> Credentials:
    """Writes what their cloud said, and when."""
    now = world.clock.now()
    changed = record.but(status=status, message=message[:LONGEST], validated_at=now)
    return world.store.save(changed)


def believed(world: World, record: Credentials) -> Credentials:
    """AVAILABLE on a person's word, unseen. Raises Conflict unless they are INVALID."""
    if record.status != "INVALID":
        raise Conflict(f"credentials {record.name} are {record.status}, not INVALID")
    return world.store.save(record.but(status="AVAILABLE", message="", updated_at=world.clock.now()))
