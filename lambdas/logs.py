"""Lambda `logs`: finds a finished run's log and gives the run its final status. Its queue calls it."""

from typing import Any

from lambdas.delivery import from_queue
from shared.wiring import world_from_env

# A variable that is missing or wrong shows when the function starts, not with its first event.
world_from_env()


def handler(event: dict[str, Any], context: Any) -> Any:
    """The partial batch response for an SQS event."""
    return from_queue(event, context)
