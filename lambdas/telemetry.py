"""Log, metrics and trace of the functions. `headnode` is also the name of the logger that the steps
write to, so their lines come out with the same correlation id. Tracing is off unless the template's
parameter asks for it; then no part of X-Ray is imported."""

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics
from aws_lambda_powertools.tracing import Tracer

logger = Logger(service="headnode", utc=True)
metrics = Metrics(namespace="headnode", service="headnode")
tracer = Tracer(service="headnode")
