"""A step's queue, and that of the messages which the host gave up on."""

import logging
from typing import Any

from azure.functions import Blueprint, QueueMessage

STORAGE = "AzureWebJobsStorage"
"""The host's own storage account is ours: it is set up with the identity, not with a key."""
log = logging.getLogger("headnode")


def queue_functions(step: str) -> Blueprint:
    """Two functions that do the same. A message fails here only while store or queue are out of reach;
    one that the host put into its poison queue meanwhile is in order, and `handle` parks what is not."""
    blueprint = Blueprint()
    for name, queue in ((step, step), (f"{step}_again", f"{step}-poison")):
        queue = f"%HEADNODE_QUEUE_PREFIX%-{queue}"
        on_message = blueprint.queue_trigger(arg_name="message", queue_name=queue, connection=STORAGE)
        blueprint.function_name(name)(on_message(from_queue))
    return blueprint


def from_queue(message: QueueMessage) -> None:
    """One message to its outcome. Raises when that could not be kept: the host delivers it again."""
    from shared.steps.deliver import handle
    from shared.wiring import functions_world

    outcome = handle(message.get_body(), functions_world())
    log.info("delivered", extra={"outcome": type(outcome).__name__, "why": getattr(outcome, "reason", "")})


def from_event(message: Any) -> tuple[Any, bool]:
    """The outcome of what no queue brought, once it is kept, and whether it was a failure."""
    from shared.steps.deliver import attempt, settle
    from shared.wiring import functions_world

    outcome, failed = attempt(message, functions_world())
    settle(message, outcome, failed, functions_world())
    return outcome, failed
