"""What people do with labels: make, change, delete, and put them on things or take them off."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from shared.errors import Exists, Fault, Invalid
from shared.model.action import Action
from shared.model.environment import Environment
from shared.model.label import SORTED_BY, Label
from shared.model.pipeline import Pipeline
from shared.model.run import Run
from shared.ports import World
from shared.steps import numbers

Bearer = Run | Pipeline | Environment | Action
L = TypeVar("L", bound=Bearer)

MODES = ("add", "apply", "remove")
MOST = 100
"""Labels on one thing."""


def make(
    world: World, workspace_id: int, name: str, value: str = "", resource: bool = False, default: bool = False
) -> Label:
    """A label of this name and value: a new one, or the one that there is. Idempotent."""
    label = Label(
        id=str(numbers.fresh(world)),
        workspace_id=workspace_id,
        name=name,
        value=value,
        resource=resource or bool(value),
        default=default,
        created_at=world.clock.now(),
    )
    try:
        return world.store.save(label)
    except Exists:
        found = find(world, workspace_id, label.key)
        if found is None:
            raise
        return found


def find(world: World, workspace_id: int, key: str) -> Label | None:
    """The label with this key, if there is one."""
    upto = key[:SORTED_BY]
    page = world.store.find(Label, "workspace", str(workspace_id), upto=upto, newest_first=True, limit=100)
    return next((each for each in page.items if each.key == key), None)


def change(world: World, label: Label, **changes: Any) -> Label:
    """The label with its name, value or default changed. Raises Invalid for a value on a label that has
    none by its kind, Exists for a name and value that are taken."""
    if changes.get("value") and not label.resource:
        raise Invalid(Fault("value", "only a resource label has a value"))
    return world.store.save(label.but(**changes))


def known(world: World, workspace_id: int, ids: Sequence[int], field: str = "labelIds") -> tuple[int, ...]:
    """The ids, each once. Raises Invalid, naming those that are no labels of the workspace."""
    unique = tuple(dict.fromkeys(ids))
    found = world.store.get_many(Label, map(str, unique)) if unique else {}
    faults = [
        Fault(field, f"label {id} not found")
        for id in unique
        if str(id) not in found or found[str(id)].workspace_id != workspace_id
    ]
    if faults:
        raise Invalid(*faults)
    return unique


def after(held: Iterable[int], ids: Sequence[int], mode: str) -> tuple[int, ...]:
    """What something bears after labels were added, applied (instead of all others) or removed. Pure.
    Raises Invalid when that is too many."""
    kept = [] if mode == "apply" else [id for id in held if mode == "add" or id not in ids]
    found = tuple(dict.fromkeys([*kept, *(() if mode == "remove" else ids)]))
    if len(found) > MOST:
        raise Invalid(Fault("labelIds", f"more than {MOST} labels on one thing"))
    return found


def put(world: World, bearer: L, ids: Sequence[int], mode: str) -> L:
    """Adds, applies or removes labels. Idempotent: nothing is written when nothing changes. Raises Stale."""
    found = after(bearer.label_ids, ids, mode)
    if found == bearer.label_ids:
        return bearer
    return world.store.save(msgspec.structs.replace(bearer, label_ids=found))


def tags(world: World, ids: Sequence[int]) -> dict[str, str]:
    """The resource labels among these as names and values; of two of one name, the later one."""
    found = world.store.get_many(Label, map(str, ids)) if ids else {}
    borne = [found[str(id)] for id in ids if str(id) in found]
    return {each.name: each.value for each in borne if each.resource}
