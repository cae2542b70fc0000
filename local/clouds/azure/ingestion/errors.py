"""Refusals of Logs Ingestion."""

from local.clouds.azure.errors import Refused


def no_rule(id: str) -> Refused:
    """No rule has that immutableId."""
    return Refused(404, "NotFound", f"Data collection rule with immutable Id '{id}' not found.")


def no_access(id: str, principal: str, rule: str, *, bound: bool = True) -> Refused:
    """The caller's roles lack the data action, or do not have it yet; or the rule is for another
    endpoint."""
    why = "Required authorization action was not found" if bound else "The endpoint is not that of the rule"
    return Refused(
        403,
        "OperationFailed",
        "The authentication token provided does not have access to ingest data for the data collection rule"
        f" with immutable Id '{id}' PipelineAccessResult: AccessGranted: False, IsRbacPresent: {not bound},"
        f" IsDcrDceBindingValid: {bound}, DcrArmId: {rule}, Message: {why} for objectId {principal} on"
        f" resourceId {rule}.",
    )


def no_stream(stream: str) -> Refused:
    """The rule does not declare it."""
    return Refused(
        400, "InvalidStream", f"The stream {stream} was not configured in the Data Collection Rule."
    )


def too_large(limit: int, size: int) -> Refused:
    """More than one call may bring."""
    return Refused(
        413,
        "ContentLengthLimitExceeded",
        f"Maximum allowed content length: {limit} bytes (1 MB). Provided content length: {size} bytes.",
    )


def bad_body(said: str) -> Refused:
    """Not an array of records."""
    return Refused(400, "InvalidPayload", f"The request's body can not be read: {said}")


def bad_type(type: str) -> Refused:
    """Only JSON."""
    return Refused(415, "UnsupportedMediaType", f"The content type '{type}' is not supported.")
