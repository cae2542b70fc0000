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
LONGEST_WORD = 200
LONGEST_ID = 2000
"""Characters that are read; Azure's own are far shorter, and a message has room for 48 KiB."""


def translated(event: Any) -> list[Message]:
    """The message for an event, or none for one that is not about a machine. Ids are in lower case, as
    providers keep them: Azure's services do not agree on another one."""
    data = fields(event.get_json())
    health = fields(fields(data.get("resourceInfo")).get("properties"))
    about = first(health.get("targetResourceId"), data.get("resourceUri"), event.subject)
    word = first(health.get("annotationName"), health.get("availabilityState"), data.get("operationName"))
    word = word[:LONGEST_WORD] or "changed"
    fact = "notice" if TAKEN_BACK.search(word) else "state"
    found = MACHINE.match(about[:LONGEST_ID].lower())
    return [Message(step="reap", subject=f"machine:{found[0]}", facts={fact: word})] if found else []


def fields(value: Any) -> dict[str, Any]:
    """What is an object; of anything else nothing."""
    return value if isinstance(value, dict) else {}


def first(*values: Any) -> str:
    """The first that is a text and not empty; else the empty text."""
    return next((each for each in values if isinstance(each, str) and each), "")
