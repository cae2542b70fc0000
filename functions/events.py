"""Event Grid events as messages for the reaper: of resources (Event Grid's schema) and of their health
(CloudEvents)."""

import re
from typing import Any

from shared.model.message import Message

TICK = Message(step="reap", subject="tick")
MACHINE = re.compile(
    "/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft.compute/virtualmachines/[^/]+"
)
TAKEN_BACK = re.compile("preempt|evict", re.IGNORECASE)
"""Annotations that say so of a spot machine; every other word is only a reason to look."""


def translated(event: Any) -> list[Message]:
    """The message for an event, or none for one that is not about a machine. Ids are in lower case, as
    providers keep them: Azure's services do not agree on another one."""
    data = event.get_json() or {}
    health = (data.get("resourceInfo") or {}).get("properties") or {}
    about = health.get("targetResourceId") or data.get("resourceUri") or event.subject or ""
    words = (health.get("annotationName"), health.get("availabilityState"), data.get("operationName"))
    word = next(filter(None, words), "changed")
    fact = "notice" if TAKEN_BACK.search(word) else "state"
    found = MACHINE.match(about.lower())
    return [Message(step="reap", subject=f"machine:{found[0]}", facts={fact: word})] if found else []
