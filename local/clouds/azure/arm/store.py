"""Resources by id, and what is going to happen to them."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Resource:
    """One resource. `body` is what beside id, name, type and properties is shown (location, tags, sku,
    identity, zones, ...); `kept` is what the emulator remembers and never shows."""

    id: str
    type: str
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    state: str = ""
    """provisioningState; empty for types that have none."""
    made_at: float = 0.0
    generation: int = 1
    kept: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """As a GET answers it."""
        properties = dict(self.properties)
        if self.state:
            properties["provisioningState"] = self.state
        return {"id": self.id, "name": self.name, "type": self.type, **self.body, "properties": properties}

    @property
    def group(self) -> str:
        """The id of its resource group, in lower case."""
        return "/".join(self.id.lower().split("/")[:5])


class Store:
    """Ids are compared without regard to case and shown as they were first written."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}

    def get(self, id: str) -> Resource | None:
        """The resource of that id."""
        return self._resources.get(id.lower().rstrip("/"))

    def put(self, resource: Resource) -> Resource:
        """Adds or replaces."""
        self._resources[resource.id.lower()] = resource
        return resource

    def remove(self, resource: Resource) -> None:
        """Takes out this very resource. Idempotent; a later one of the same id stays."""
        if self._resources.get(resource.id.lower()) is resource:
            del self._resources[resource.id.lower()]

    def under(self, id: str) -> list[Resource]:
        """Everything below an id, itself not included."""
        start = id.lower().rstrip("/") + "/"
        return [found for key, found in self._resources.items() if key.startswith(start)]

    def of(self, type: str, below: str = "") -> list[Resource]:
        """All of a type, below an id where given, in the order they were made."""
        start = f"{below.lower().rstrip('/')}/" if below else ""
        wanted = type.lower()
        return [r for key, r in self._resources.items() if r.type.lower() == wanted and key.startswith(start)]

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._resources.values()))

    def clear(self) -> None:
        """Forgets everything."""
        self._resources.clear()


class Agenda:
    """What will be done when its time has come; somebody has to look (`run`)."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Plans something."""
        heapq.heappush(self._due, (when, next(self._numbers), act))

    def run(self, now: float) -> None:
        """Does what is due, the earliest first."""
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()

    def clear(self) -> None:
        """Plans nothing any more."""
        self._due.clear()
