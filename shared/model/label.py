"""Labels: words that people put on their runs, pipelines, environments and actions."""

from typing import ClassVar

from shared.model.records import Record

SORTED_BY = 200
"""Characters of a label that listings are sorted by: a store's keys have limits."""


class Label(Record, frozen=True, kw_only=True):
    """A label. `id` is a number as text. One with `resource` is a name and a value, as clouds have them
    on what they bill. What bears a label knows its id; a label that is deleted is simply not shown."""

    kind: ClassVar[str] = "label"

    workspace_id: int = 0
    name: str
    value: str = ""
    resource: bool = False
    default: bool = False
    """Clients put it on what they make unless told otherwise."""
    created_at: float = 0.0

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if self.resource else self.name

    @property
    def key(self) -> str:
        """What it is, whatever the case of its letters."""
        return f"{self.name}={self.value}".lower()

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists by name and value."""
        return {"workspace": (str(self.workspace_id), self.key[:SORTED_BY])}

    def names(self) -> tuple[str, ...]:
        """Name and value together are unique in a workspace."""
        return (f"{self.workspace_id}/{self.key}",)
