"""Lambda `api`: the HTTP API behind an API Gateway HTTP API (payload format 2.0)."""

import os
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from mangum import Mangum

from lambdas.telemetry import logger, traced
from shared.api.app import build
from shared.model.access import Token
from shared.ports import World
from shared.wiring import world_from_env


def keep_first_token(world: World, hashed: str) -> None:
    """Makes the token with this hash valid: the deployment's word, given again at each cold start.
    To revoke it, deploy without it, then delete it."""
    if hashed and world.store.get(Token, hashed) is None:
        world.store.put_many([Token(id=hashed, name="first", created_at=world.clock.now())])


WORLD = world_from_env()
keep_first_token(WORLD, os.environ.get("HEADNODE_FIRST_TOKEN_HASH", ""))
SERVE = Mangum(build(WORLD), lifespan="off")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@traced
def handler(event: dict[str, Any], context: Any) -> Any:
    """The response for an API Gateway event."""
    return SERVE(event, context)
