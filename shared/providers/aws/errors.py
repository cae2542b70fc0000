"""AWS's words for what went wrong, as our errors.

Codes are those of the EC2 API's error list, IAM's and CloudWatch Logs' references, and the ones that
every service shares. A code that is not in a table is unknown, and unknown means again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import (
    Forbidden,
    HeadnodeError,
    NoCapacity,
    NotYet,
    QuotaReached,
    Refused,
    Retry,
    Throttled,
    Unreachable,
)

THROTTLED = frozenset(
    [
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "EC2ThrottledException",
        "SlowDown",
        "PriorRequestNotComplete",
        "BandwidthLimitExceeded",
        "429",
    ]
)
CAPACITY = frozenset(
    [
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientCapacity",
        "InsufficientCapacityOnHost",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientAddressCapacity",
        "InsufficientVolumeCapacity",
        "SpotMaxPriceTooLow",
        "Unsupported",
        "UnfulfillableCapacity",
    ]
)
QUOTA = frozenset(
    [
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "VolumeLimitExceeded",
        "InstanceTypeLimitExceeded",
    ]
)
FORBIDDEN = frozenset(
    [
        "UnauthorizedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedAccess",
        "Forbidden",
        "403",
    ]
)
BAD_KEYS = frozenset(
    [
        "AuthFailure",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "InvalidToken",
        "InvalidSignatureException",
        "NotSignedUp",
        "OptInRequired",
        "Blocked",
        "AccountProblem",
    ]
)
AGAIN = {"ConcurrentModification": 2.0, "EntityTemporarilyUnmodifiable": 5.0, "PendingVerification": 300.0}
"""Codes that pass by themselves -> seconds until the next try."""
PERMANENT = re.compile(
    r"(Invalid|Missing|Unknown|Malformed|Validation|OperationNotPermitted|Unsupported|NoSuch|VPC|DefaultVpc"
    r"|\w*LimitExceeded|EntityAlreadyExists|DeleteConflict|Encrypted|UnmodifiableEntity|PermanentRedirect)"
)
"""How the codes begin that stay the same until a person changes something."""
UNSEEN_PROFILE = re.compile(r"Invalid IAM Instance Profile|has no associated IAM Roles")
"""How EC2 says that IAM's newest change has not reached it yet."""
LONGEST_WAIT = 60.0
"""Seconds; a longer Retry-After is not believed."""
ACTION = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)")
SECRET_PART = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


@contextmanager
def asking(action: str) -> Iterator[None]:
    """Turns what the SDK raises inside into our errors. `action` is the permission that the call
    needs, for the text. Errors that are not the SDK's pass unchanged."""
    try:
        yield
    except HeadnodeError:
        raise
    except Exception as error:
        translated = from_sdk(error, action)
        if translated is None:
            raise
        raise translated from error


def code_of(error: Exception) -> str:
    """The cloud's error code; empty when the exception is not an answer of the cloud."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def text_of(error: Exception) -> str:
    """The cloud's own sentence, short enough to show."""
    answer: Any = getattr(error, "response", None)
    text = str(answer.get("Error", {}).get("Message", "")) if isinstance(answer, dict) else ""
    return SECRET_PART.sub("", text)[:500]


def from_sdk(error: Exception, action: str) -> HeadnodeError | None:
    """Our error for one of the SDK's, or None when it is none of the SDK's."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return from_answer(error, action)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return Refused(f"{action}: there are no usable AWS credentials")
    if isinstance(error, exceptions.ParamValidationError | exceptions.ValidationError):
        return Refused(f"{action}: the request is malformed: {type(error).__name__}")
    if isinstance(error, exceptions.BotoCoreError):
        return Unreachable(f"{action}: no usable answer ({type(error).__name__})")
    return None


def from_answer(error: Any, action: str) -> HeadnodeError:
    """Our error for an answer of the cloud."""
    code, text = code_of(error), text_of(error)
    meta = error.response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode") or 0)
    said = f"{action}: {code}: {text}" if text else f"{action}: {code}"
    if code in THROTTLED or status == 429:
        return Throttled(said, after=retry_after(meta))
    if code in QUOTA:
        return QuotaReached(said, code)
    if code in CAPACITY:
        return NoCapacity(said, code)
    if code in AGAIN:
        return Retry(said, after=AGAIN[code])
    if code == "InvalidParameterValue" and UNSEEN_PROFILE.search(text):
        return NotYet(said)
    if code.endswith("ServiceLinkedRoleCreationNotPermitted"):
        return Forbidden(said, "iam:CreateServiceLinkedRole")
    if code in FORBIDDEN:
        named = ACTION.search(text)
        missing = named.group(1) if named else action
        return Forbidden(f"{missing} is not allowed for these credentials", missing)
    if code in BAD_KEYS:
        return Refused(f"{action}: AWS does not accept these credentials or this account ({code}): {text}")
    if status >= 500:
        return Unreachable(said)
    return Refused(said) if PERMANENT.match(code) else Retry(said)


def retry_after(meta: dict[str, Any]) -> float:
    """Seconds to wait after a throttled call: the cloud's own wish where it has one."""
    wish = str(meta.get("HTTPHeaders", {}).get("retry-after", ""))
    return min(float(wish), LONGEST_WAIT) if wish.isdigit() else 5.0
