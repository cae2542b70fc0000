"""A resource graph as ordered work: what can be made now, what can be removed now, how far it is.

Pure functions over rows; the create and dispose steps carry out what these say.
"""

from collections.abc import Iterable, Sequence

from shared.model.environment import Resource, ResourceRow


def planned(resources: Sequence[Resource]) -> tuple[ResourceRow, ...]:
    """The rows of a fresh graph. Raises ValueError when a need is unknown or the graph has a cycle:
    a defect of the provider, found before anything is made."""
    rows = tuple(
        ResourceRow(
            key=each.key,
            type=each.type,
            name=each.name,
            needs=each.needs,
            keep=each.keep,
            shared=each.shared,
        )
        for each in resources
    )
    placed: set[str] = set()
    while wave := [row.key for row in rows if row.key not in placed and set(row.needs) <= placed]:
        placed.update(wave)
    if len(placed) != len(rows):
        stuck = sorted(row.key for row in rows if row.key not in placed)
        raise ValueError(f"resources that can never be made: {', '.join(stuck)}")
    return rows


def makeable(rows: Sequence[ResourceRow]) -> list[ResourceRow]:
    """Rows to make now, all at once: not yet present, with everything they need present."""
    present = {row.key for row in rows if row.state == "present"}
    return [row for row in rows if row.state in ("planned", "making", "failed") and set(row.needs) <= present]


def removable(rows: Sequence[ResourceRow]) -> list[ResourceRow]:
    """Rows to remove now, all at once: neither gone nor kept, with nothing left that needs them."""
    left = [row for row in rows if row.state not in ("gone", "kept")]
    needed = {need for row in left for need in row.needs}
    return [row for row in left if row.key not in needed]


def keeping(rows: Sequence[ResourceRow]) -> set[str]:
    """The keys of what stays for its data: rows that are to be kept and are there, and what those need."""
    by_key = {row.key: row for row in rows}
    found: set[str] = set()
    reached = [row.key for row in rows if row.keep and row.state in ("present", "kept")]
    while reached:
        key = reached.pop()
        if key not in found:
            found.add(key)
            reached.extend(by_key[key].needs)
    return found


def present(rows: Iterable[ResourceRow]) -> dict[str, ResourceRow]:
    """What is there, by key."""
    return {row.key: row for row in rows if row.state == "present"}


def waves(rows: Sequence[ResourceRow]) -> list[list[str]]:
    """The keys in the order they are made; what is in one list is made at once. For a dry run."""
    order: list[list[str]] = []
    placed: set[str] = set()
    while wave := [row.key for row in rows if row.key not in placed and set(row.needs) <= placed]:
        order.append(wave)
        placed.update(wave)
    return order
