"""Lambda `api`: the HTTP API behind an API Gateway HTTP API (payload format 2.0)."""

import os
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from mangum import Mangum

from lambdas.telemetry import logger, traced
from shared.api.app import build
from shared.api.auth import keep_first_token
from shared.wiring import world_from_env

WORLD = world_from_env()
keep_first_token(WORLD, os.environ.get("HEADNODE_FIRST_TOKEN_HASH", ""))
SERVE = Mangum(build(WORLD), lifespan="off")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@traced
def handler(event: dict[str, Any], context: Any) -> Any:
    """The response for an API Gateway event."""
    return SERVE(event, context)
