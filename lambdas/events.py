"""EventBridge events as messages for the reaper."""

from typing import Any

from shared.model.message import Message

TICK = Message(step="reap", subject="tick")

FACTS = {
    "EC2 Instance State-change Notification": ("instance-id", "state", "state"),
    "EC2 Spot Instance Interruption Warning": ("instance-id", "notice", "instance-action"),
    "Batch Job State Change": ("jobId", "state", "status"),
    "Batch Job Queue Blocked": ("jobId", "state", "status"),
}
"""Kind of event -> its fields with the machine (a head job is one) and with what is told of it, and between
them the fact's name in our message."""


def translated(event: dict[str, Any]) -> Message:
    """The message for an event. Raises KeyError for one that the template's rules do not send."""
    if event["detail-type"] == "Scheduled Event":
        return TICK
    machine, fact, field = FACTS[event["detail-type"]]
    detail = event["detail"]
    return Message(step="reap", subject=f"machine:{detail[machine]}", facts={fact: detail[field]})
