"""Lambda `dispose`: removes an environment and proves that nothing is left. Its queue calls it."""

from typing import Any

from lambdas.delivery import from_queue
from shared.wiring import world_from_env

# While a function starts it has more CPU than an invocation gets: the clients are made then.
world_from_env()


def handler(event: dict[str, Any], context: Any) -> Any:
    """The partial batch response for an SQS event."""
    return from_queue(event, context)
