"""Lambda `reap`: every machine goes, the moment its work ends. Its queue calls it, EC2's events, and
the schedule."""

from typing import Any

from lambdas.delivery import from_queue
from lambdas.events import TICK, translated
from lambdas.telemetry import logger, traced
from shared.steps.deliver import attempt, settle
from shared.wiring import world_from_env

# A variable that is missing or wrong shows when the function starts, not with its first event.
WORLD = world_from_env()


def handler(event: dict[str, Any], context: Any) -> Any:
    """The partial batch response for an SQS event; nothing for one of EventBridge."""
    return from_queue(event, context) if "Records" in event else from_event(event, context)


@logger.inject_lambda_context(clear_state=True)
@traced
def from_event(event: dict[str, Any], context: Any) -> None:  # noqa: ARG001
    """Raises when a tick failed, so that the alarm sees it; the next tick is its retry. A machine's
    event that failed comes again through the queue."""
    message = translated(event)
    logger.set_correlation_id(message.subject)
    outcome, failed = attempt(message, WORLD)
    if failed and message == TICK:
        raise RuntimeError(f"the tick failed: {outcome}")
    settle(message, outcome, failed, WORLD)
