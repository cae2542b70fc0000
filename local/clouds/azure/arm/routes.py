"""Which request is which operation: templates of paths, matched without regard to case."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.clouds.answer import Answer
from local.clouds.azure.call import Call

SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"
ARM = "https://management.azure.com"
_PART = re.compile(r"\{(\w+)(\*?)\}")

Handle = Callable[[Any, Call], Answer]


@dataclass(frozen=True)
class Route:
    """One operation. In `path`, {name} is one part and {name*} any number of them. `action` is the RBAC
    action that the caller needs there, and may use the path's names; a handler of a route with an
    empty `audience` looks after its callers itself. With `late` the handler strikes scripted faults,
    after it has checked the request. `called` names the operation (service/action) where the path alone
    does not."""

    method: str
    path: str
    action: str
    handle: Handle
    versions: frozenset[str] = frozenset()
    audience: str = ARM
    late: bool = False
    called: Callable[[Call], str] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The template as a regular expression."""
        text, last = "", 0
        for part in _PART.finditer(self.path):
            text += re.escape(self.path[last : part.start()])
            text += f"(?P<{part[1]}>.+?)" if part[2] else f"(?P<{part[1]}>[^/]+)"
            last = part.end()
        return re.compile(text + re.escape(self.path[last:]) + "/?", re.IGNORECASE)


class Routes:
    """All operations; the first that fits is meant."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[str, list[Route]] = {}
        for route in routes:
            self._routes.setdefault(route.method, []).append(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The operation and the parts of the path by name, as the caller wrote them."""
        for route in self._routes.get(method, ()):
            match = route.pattern.fullmatch(path)
            if match:
                return route, match.groupdict()
        return None
