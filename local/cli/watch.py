"""Waiting for long things, and showing how they go on."""

import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from local.cli.screen import span
from shared.errors import Unreachable

LOOK = 0.4
"""Seconds between two looks at the start."""
LOOK_AT_MOST = 1.0
OUT_OF_REACH = 60.0
"""Seconds for which a control plane that went away (a restart) is waited for."""

SHOWN = {"making": "making", "present": "made", "removing": "removing", "gone": "gone", "failed": "failed"}

RESOURCE_ID = re.compile(r"/subscriptions/\S+/([^/\s]+)")
"""An id of Azure's: people know the thing by the name at its end."""


def looks(ask: Callable[[], Any]) -> Iterator[Any]:
    """What `ask` answers, again and again, ever more slowly. Goes on over a restart of the control
    plane; raises Unreachable when that takes too long."""
    pause, lost_at = LOOK, 0.0
    while True:
        try:
            yield ask()
            lost_at = 0.0
        except Unreachable:
            lost_at = lost_at or time.monotonic()
            if time.monotonic() - lost_at > OUT_OF_REACH:
                raise
        time.sleep(pause)
        pause = min(pause * 1.1, LOOK_AT_MOST)


class Says(Protocol):
    """Whoever shows lines to a person."""

    def say(self, text: str) -> None: ...


def environment(
    api: Any, id: str, screen: Says, ends: tuple[str, ...], until: float = math.inf
) -> dict[str, Any]:
    """Shows an environment's resources as they come and go; returns its record once its status is
    one of `ends`, or `until` (monotonic seconds) is over."""
    seen: dict[str, str] = {}
    waited = "queued"
    for record in looks(lambda: api.get(f"/headnode/environments/{id}")):
        if record["status"] in ("DELETING", "DELETED") and not seen:
            seen |= {row["key"]: "present" for row in record.get("resources") or () if row.get("made_at")}
        for line in changes(record.get("resources") or (), seen):
            screen.say(line)
        reason = (record.get("wait") or {}).get("reason", "")
        if reason and reason != waited:
            screen.say(f"  waiting: {reason}")
            waited = reason
        if record["status"] in ends or time.monotonic() > until:
            return dict(record)
    raise AssertionError("looks never ends")


def event_text(event: dict[str, Any]) -> str:
    """An event in one line; a detail that is a whole text (a log's end) is left to `-o json`."""
    detail = RESOURCE_ID.sub(r"\1", str(event.get("detail") or ""))
    if not detail or "\n" in detail:
        return str(event["what"])
    return f"{event['what']}: {detail[:160]}"


def changes(rows: Any, seen: dict[str, str]) -> Iterator[str]:
    """One line for each resource whose state is not the one in `seen`, which is brought up to date."""
    for row in rows:
        state = row.get("state", "planned")
        before, seen[row["key"]] = seen.get(row["key"], "planned"), state
        if state in SHOWN and state != before:
            took = span(row["gone_at"] - row["made_at"]) if row.get("gone_at") and row.get("made_at") else ""
            why = row.get("reason", "") if state == "failed" else ""
            note = f"  {why}" if why else (f"  (lived {took})" if took else "")
            yield f"  {SHOWN[state]:<9} {row['type']:<18} {row.get('name') or row.get('cloud_id', '')}{note}"
