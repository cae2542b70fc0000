"""The emulator's own little API, under `/_cloud/`, for scripting its bad days from another process.

POST   /_cloud/faults     {"service", "action", "when"?, "kind"?, "times"?, "seconds"?, "message"?, "status"?}
DELETE /_cloud/faults
POST   /_cloud/interrupt  {"instance", "notice"?}
POST   /_cloud/fail       {"instance"}
POST   /_cloud/enforce    {"who", "documents"}
POST   /_cloud/events     {"url"}
GET    /_cloud/journal    -> {"calls": [...], "writes": n}
GET    /_cloud/console/<instance id>
POST   /_cloud/reset
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer

if TYPE_CHECKING:
    from local.clouds.aws.server import EmulatedAws


class Control:
    """Answers with 200 and JSON; 400 names what is wrong with a request, 404 an unknown path."""

    def __init__(self, cloud: "EmulatedAws") -> None:
        self._cloud = cloud
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): lambda _: cloud.faults.clear(),
            ("POST", "interrupt"): lambda asked: cloud.interrupt(**asked),
            ("POST", "fail"): lambda asked: cloud.fail(**asked),
            ("POST", "enforce"): lambda asked: cloud.enforce(asked["who"], *asked["documents"]),
            ("POST", "events"): lambda asked: cloud.on_event(asked["url"]),
            ("POST", "reset"): lambda _: cloud.reset(),
            ("GET", "journal"): lambda _: self._journal(),
        }

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request."""
        del headers
        what, _, rest = path.removeprefix("/_cloud/").partition("/")
        if (method, what) == ("GET", "console"):
            return Answer.json({"console": self._cloud.room.console(rest)})
        route = self._routes.get((method, what))
        if route is None:
            return Answer.json({"message": f"no such control: {method} {path}"}, 404)
        try:
            return Answer.json(route(json.loads(body or b"{}")) or {})
        except (KeyError, TypeError, ValueError) as error:
            return Answer.json({"message": f"{type(error).__name__}: {error}"}, 400)

    def _add_fault(self, asked: dict[str, Any]) -> None:
        self._cloud.faults.add(**asked)

    def _journal(self) -> dict[str, Any]:
        journal = self._cloud.journal
        return {"calls": [asdict(entry) for entry in journal.entries()], "writes": journal.writes}
