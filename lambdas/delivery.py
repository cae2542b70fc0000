"""An SQS batch: each record to its step, and only those that failed back to the queue."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambdas.telemetry import logger, metrics, traced
from shared.errors import Poison
from shared.model.message import from_text
from shared.steps.deliver import handle
from shared.wiring import world_from_env


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@traced
def from_queue(event: dict[str, Any], context: Any) -> Any:
    """The partial batch response. A record whose outcome could not be kept is listed in it, and
    delivered again; it never hurts its batch."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=one, processor=processor, context=context)


def one(record: SQSRecord) -> None:
    """One record. The subject (a run, an environment) correlates the lines of all functions about it."""
    try:
        logger.set_correlation_id(from_text(record.body).subject)
    except Poison:
        logger.set_correlation_id(record.message_id)
    try:
        outcome = handle(record.body, world_from_env())
    except Exception:
        logger.exception("the outcome of a message could not be kept; it comes again")
        metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=1)
        raise
    metrics.add_metric(name=type(outcome).__name__, unit=MetricUnit.Count, value=1)
