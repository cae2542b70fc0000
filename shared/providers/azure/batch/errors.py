"""Batch's words for what went wrong, as our errors. One status stands for many things there too (each
conflict is 409): `code` decides."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Forbidden, HeadnodeError, QuotaReached, Refused, Retry, Throttled
from shared.providers.azure.errors import Answer, wished
from shared.providers.azure.errors import refusal as arm_refusal

GONE = frozenset(["PoolNotFound", "JobNotFound", "TaskNotFound", "NodeNotFound", "FileNotFound"])
QUOTA = frozenset(["PoolQuotaReached", "ActiveJobAndScheduleQuotaReached"])
AGAIN = {
    "PoolBeingDeleted": 5.0,
    "PoolBeingResized": 5.0,
    "JobBeingDeleted": 5.0,
    "JobBeingTerminated": 5.0,
    "OperationTimedOut": 5.0,
    "ConditionNotMet": 2.0,
    "TooManyEnableAutoScaleRequests": 30.0,
}
"""Codes that pass by themselves -> seconds until the next try."""
FORBIDDEN = frozenset(["InsufficientAccountPermissions", "AuthorizationFailure", "Unauthorized"])
BAD_ACCOUNT = frozenset(["AuthenticationFailed", "AccountNotFound", "AccountIsDisabled"])


def normalised(document: Mapping[str, Any]) -> dict[str, Any]:
    """An error body of Batch in ARM's form, with the reasons that it gives in `values`."""
    said = document.get("message")
    text = str(said.get("value") or "") if isinstance(said, dict) else str(said or "")
    listed = document.get("values")
    values = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    more = "; ".join(f"{each.get('key')}: {each.get('value')}" for each in values)
    first = text.split("\n")[0]
    return {"error": {"code": document.get("code"), "message": f"{first} ({more})" if more else first}}


def is_gone(answer: Answer) -> bool:
    """Whether the answer says that there is no such pool, job or task: an account that is not there says
    nothing of it."""
    return answer.status == 404 and answer.code in GONE


def refusal(answer: Answer, action: str) -> HeadnodeError:
    """Our error for an answer that is none of the expected ones. `action` is the permission it needs."""
    code = answer.code
    said = f"{action}: {code or answer.status}: {answer.text}".rstrip(": ")
    if code in QUOTA:
        return QuotaReached(said, code)
    if code in AGAIN:
        return Retry(said, after=wished(answer, AGAIN[code]))
    if code == "ServerBusy":
        return Throttled(said, after=wished(answer, 5.0))
    if code in FORBIDDEN:
        return Forbidden(f"{action} is not allowed for these credentials ({answer.text})", action)
    if code in BAD_ACCOUNT:
        return Refused(f"{action}: Batch does not accept these credentials ({code}): {answer.text}")
    if answer.status in (404, 409) and code.endswith(("Exists", "Completed", "Disabled", "NotFound")):
        return Refused(said)
    if code in ("OperationInvalidForCurrentState", "AutoScalingFormulaSyntaxError"):
        return Refused(said)
    return arm_refusal(answer, action)
