"""Whole listings of the store, however long."""

from collections.abc import Iterator

from shared.model.records import R
from shared.ports import World

PAGE = 500


def listed(kind: type[R], index: str, partition: str, world: World, upto: str = "") -> Iterator[R]:
    """All records of a listing, page by page."""
    after = ""
    while True:
        page = world.store.find(kind, index, partition, after=after, limit=PAGE, upto=upto)
        yield from page.items
        after = page.after
        if not after:
            return
