"""Log, metrics and traces of the functions. `headnode` is also the name of the logger that the steps
write to, so their lines come out with the same correlation id."""

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics

logger = Logger(service="headnode", utc=True)
metrics = Metrics(namespace="headnode", service="headnode")


def traced(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler, traced where the template's parameter asks for it. Elsewhere no part of X-Ray is
    imported: it would double the time of a cold start."""
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "true") == "true":
        return handler
    from aws_lambda_powertools.tracing import Tracer

    # Answers and errors may hold what no trace should.
    tracer = Tracer(service="headnode")
    return tracer.capture_lambda_handler(handler, capture_response=False, capture_error=False)
