"""EventBridge events as messages for the reaper."""

from typing import Any

from shared.model.message import Message

TICK = Message(step="reap", subject="tick")

FACTS = {
    "EC2 Instance State-change Notification": ("state", "state"),
    "EC2 Spot Instance Interruption Warning": ("notice", "instance-action"),
}
"""Kind of event -> the fact's name in our message, and the event's field that it is read from."""


def translated(event: dict[str, Any]) -> Message:
    """The message for an event. Raises KeyError for one that the template's rules do not send."""
    if event["detail-type"] == "Scheduled Event":
        return TICK
    fact, field = FACTS[event["detail-type"]]
    detail = event["detail"]
    return Message(step="reap", subject=f"machine:{detail['instance-id']}", facts={fact: detail[field]})
