"""Refusals of the Batch service: an error body of its own, without ARM's outer `error`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.clouds.answer import Answer
from local.clouds.azure.errors import Refused

_METADATA = "$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element"


@dataclass
class BatchRefused(Refused):
    """A refusal in the service's own form."""

    values: Mapping[str, str] = field(default_factory=dict)

    def answer(self) -> Answer:
        """The whole answer."""
        said = {
            "odata.metadata": _METADATA,
            "code": self.code,
            "message": {"lang": "en-US", "value": self.message},
            "values": [{"key": key, "value": value} for key, value in self.values.items()],
        }
        headers = [
            ("Content-Type", "application/json; odata=minimalmetadata"),
            ("x-ms-error-code", self.code),
        ]
        return Answer(self.status, json.dumps(said).encode(), [*headers, *self.headers.items()])


def invalid(name: str, value: object, why: str) -> BatchRefused:
    """400: a property's value."""
    values = {"PropertyName": name, "PropertyValue": str(value), "Reason": why}
    said = "The value provided for one of the properties in the request body is invalid."
    return BatchRefused(400, "InvalidPropertyValue", said, values=values)


def missing(name: str) -> BatchRefused:
    """400: a property that must be there."""
    said = "A required property was not specified in the request body."
    return BatchRefused(400, "MissingRequiredProperty", said, values={"PropertyName": name})


def bad_query(name: str, value: str) -> BatchRefused:
    """400: a query parameter."""
    values = {"QueryParameterName": name, "QueryParameterValue": value}
    said = "Value for one of the query parameters specified in the request URI is invalid."
    return BatchRefused(400, "InvalidQueryParameterValue", said, values=values)


def bad_body() -> BatchRefused:
    """400: no JSON object."""
    return BatchRefused(400, "InvalidRequestBody", "The specified Request Body is not syntactically valid.")


def bad_version(version: str) -> BatchRefused:
    """400: an api-version that the service never had, or has no more."""
    said = "The specified API version is not supported." if version else "The API version is missing."
    code = "UnsupportedRequestVersion" if version else "MissingApiVersionParameter"
    return BatchRefused(400, code, said, values={"api-version": version})


def not_found(kind: str) -> BatchRefused:
    """404 of a pool, job, task, node or file: kind is Pool, Job, ..."""
    return BatchRefused(404, f"{kind}NotFound", f"The specified {kind.lower()} does not exist.")


def exists(kind: str) -> BatchRefused:
    """409: that id is taken."""
    return BatchRefused(409, f"{kind}Exists", f"The specified {kind.lower()} already exists.")


def being(kind: str, what: str) -> BatchRefused:
    """409: PoolBeingDeleted, PoolBeingResized, JobBeingDeleted, ..."""
    said = f"The specified {kind.lower()} is being {what.lower()}."
    return BatchRefused(409, f"{kind}Being{what}", said)


def over(kind: str, state: str) -> BatchRefused:
    """409: JobCompleted, JobDisabled, TaskCompleted, ..."""
    said = f"The specified {kind.lower()} is in the {state.lower()} state."
    return BatchRefused(409, f"{kind}{state}", said)


def wrong_state(why: str) -> BatchRefused:
    """409: what is asked does not go with the resource's state."""
    said = "The specified operation is not valid for the current state of the resource."
    return BatchRefused(409, "OperationInvalidForCurrentState", said, values={"Reason": why})


UNREADY = ("creating", "unusable", "preempted", "leavingpool", "rebooting", "reimaging", "offline")
"""States of nodes whose files nobody can read."""


def files_unavailable() -> BatchRefused:
    """409: the node that has a task's files is gone."""
    said = "The requested task files are unavailable: the node is not usable, or was removed from its pool."
    return BatchRefused(409, "TaskFilesUnavailable", said)


def node_not_ready() -> BatchRefused:
    """409: a node that cannot be asked now."""
    said = "Node is not able to perform the requested operations in its current state."
    return BatchRefused(409, "NodeNotReady", said)


def pool_quota(limit: int) -> BatchRefused:
    """409: as many pools as there may be."""
    said = f"The account has reached its pool quota of {limit}."
    return BatchRefused(409, "PoolQuotaReached", said)


def job_quota(limit: int) -> BatchRefused:
    """409: as many active jobs and schedules as there may be."""
    said = "The maximum number of active jobs and job schedules has been reached."
    values = {"Limit": str(limit)}
    return BatchRefused(409, "ActiveJobAndScheduleQuotaReached", said, values=values)


def no_sku(name: str) -> BatchRefused:
    """404: a node agent that the service does not have."""
    said = "The specified node agent SKU does not exist."
    return BatchRefused(404, "NodeAgentSKUNotFound", said, values={"nodeAgentSKUId": name})


def changed() -> BatchRefused:
    """412: If-Match, If-None-Match and their kin."""
    said = "The condition specified using HTTP conditional header(s) is not met."
    return BatchRefused(412, "ConditionNotMet", said)


def busy_enabling() -> BatchRefused:
    """503: autoscale is enabled at most once in thirty seconds."""
    said = "There are too many enable auto-scale requests for the pool. Retry later."
    return BatchRefused(503, "TooManyEnableAutoScaleRequests", said)


def bad_formula(why: str) -> BatchRefused:
    """400: a formula that can not be read."""
    said = "The specified autoscaling formula has a syntax error."
    return BatchRefused(400, "AutoScalingFormulaSyntaxError", said, values={"Reason": why})


def bad_scaling(why: str) -> BatchRefused:
    """400: settings that do not go together."""
    said = "The specified autoscaling settings are invalid."
    return BatchRefused(400, "InvalidAutoScalingSettings", said, values={"Reason": why})


def nobody(why: str, status: int = 403) -> BatchRefused:
    """Who asks is not known; 401 comes with the challenge for a bearer token."""
    said = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed"
        " correctly including the signature."
    )
    challenge = {"WWW-Authenticate": 'Bearer resource="https://batch.core.windows.net/"'}
    headers = challenge if status == 401 else {}
    detail = {"AuthenticationErrorDetail": why}
    return BatchRefused(status, "AuthenticationFailed", said, headers, values=detail)


def forbidden(action: str) -> BatchRefused:
    """403: known, but without the right."""
    said = "The account being accessed does not have sufficient permissions to execute this operation."
    return BatchRefused(403, "InsufficientAccountPermissions", said, values={"Action": action})


def needs_entra() -> BatchRefused:
    """403: pools in a network are made by known principals only."""
    said = "Server failed to authorize the request."
    why = (
        "The specified type of authentication SharedKey is not allowed when external resources of type"
        " Network are linked."
    )
    return BatchRefused(403, "Unauthorized", said, values={"AuthenticationErrorDetail": why})
