"""Azure's words for what went wrong, as our errors.

Codes are those of ARM, Compute, Network, Authorization, Monitor and Operational Insights. What they mean is
read from `error.code`, and never from the status where there is a code: one status stands for many things.
A code that is in no table is unknown, and unknown means again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    ["TooManyRequests", "SubscriptionRequestsThrottled", "ResourceRequestsThrottled", "OperationThrottled"]
)
CAPACITY = frozenset(
    [
        "SkuNotAvailable",
        "AllocationFailed",
        "ZonalAllocationFailed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "NotAvailableForSubscription",
        "LocationNotAvailableForResourceType",
        "AvailabilityZoneNotSupported",
        "ZonesNotAllowedForSize",
        "VMSizeNotSupportedInLocation",
        "SubnetIsFull",
        "SubnetsHaveNoFreeAddresses",
        # A disk or an interface of an ask that went wrong is still there; the next ask has other names.
        "ConflictingUserInput",
    ]
)
QUOTA = frozenset(
    [
        "QuotaExceeded",
        "PublicIPCountLimitReached",
        "PublicIPAddressCountLimitReached",
        "PublicIpCountLimitReached",
        "ResourceQuotaExceeded",
    ]
)
GONE = re.compile(r"(?!Subscription|Tenant|Principal)\w*NotFound|RoleDefinitionDoesNotExist")
"""How Azure says that something does not exist; a subscription that cannot be seen says nothing of it."""
NOT_YET = frozenset(
    [
        "PrincipalNotFound",
        "ReferencedResourceNotProvisioned",
        "RoleDefinitionDoesNotExist",
        "InvalidReferencedResource",
    ]
)
AGAIN = {
    "Conflict": 5.0,
    "AnotherOperationInProgress": 5.0,
    "OperationPreempted": 5.0,
    "RetryableError": 5.0,
    "ResourceGroupBeingDeleted": 15.0,
    "ResourceGroupDeletionInProgress": 15.0,
    "NicInUse": 10.0,
    "InUseSubnetCannotBeDeleted": 10.0,
    "InUseNetworkCannotBeDeleted": 10.0,
    "PublicIPAddressCannotBeDeleted": 10.0,
    "NicReservedForAnotherVm": 30.0,
    "RoleDefinitionHasAssignments": 10.0,
    "MarketplacePurchaseEligibilityFailed": 60.0,
}
"""Codes that pass by themselves -> seconds until the next try."""
FORBIDDEN = frozenset(["AuthorizationFailed", "LinkedAuthorizationFailed", "AuthorizationPermissionMismatch"])
BAD_KEYS = frozenset(
    [
        "InvalidAuthenticationToken",
        "InvalidAuthenticationTokenTenant",
        "InvalidAuthenticationTokenAudience",
        "ExpiredAuthenticationToken",
        "AuthenticationFailed",
        "SubscriptionNotFound",
        "InvalidSubscriptionId",
        "DisabledSubscription",
        "ReadOnlyDisabledSubscription",
    ]
)
PERMANENT = re.compile(
    r"(Invalid|Missing|Unsupported|NotSupported|BadRequest|PropertyChangeNotAllowed|LocationRequired"
    r"|RequestDisallowedByPolicy|ScopeLocked|OperationNotAllowed|RoleAssignmentUpdateNotPermitted"
    r"|RoleDefinitionWithSameName|RoleDefinitionNotAssignable|\w*LimitExceeded|\w*LimitReached|Netcfg"
    r"|StandardSku|Resource\w*NotFound|ParentResourceNotFound|ImageNotFound|PlatformImageNotFound"
    r"|ResourcePurchase|VMMarketplace|NotFound)"
)
"""How the codes begin that stay the same until a person changes something."""
QUOTA_TEXT = re.compile(
    r"exceeding approved (?P<family>.+?) (?:Family )?Cores quota.*?Current Limit: (?P<limit>\d+)"
    r".*?Current Usage: (?P<usage>\d+).*?Additional Required: (?P<need>\d+)",
    re.DOTALL | re.IGNORECASE,
)
ACTION = re.compile(r"perform action(?:\(s\))? '([\w./*]+)'")
REGISTER = re.compile(r"namespace '([\w.]+)'")
LONGEST_WAIT = 60.0
"""Seconds; a longer Retry-After is not believed."""
LONGEST_CODE = 256
UNKNOWN_WAIT = 5.0
PRINCIPAL_WAIT = 5.0
"""Seconds until the directory is asked about a new identity again."""


@dataclass(frozen=True)
class Answer:
    """ARM's answer to one request. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object; empty when it is none."""
        found = self.body.get("error")
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The cloud's own word; of a bare wrapper, that of what it wraps."""
        return (deepest(self.error) or self.headers.get("x-ms-error-code", ""))[:LONGEST_CODE]

    @property
    def text(self) -> str:
        """The cloud's own sentence, short enough to show."""
        return str(self.error.get("message") or "")[:500]

    @property
    def properties(self) -> Mapping[str, Any]:
        """A resource's properties; empty when there are none."""
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def state(self) -> str:
        """A resource's provisioningState; empty for kinds that have none."""
        return str(self.properties.get("provisioningState") or "")


def deepest(error: Mapping[str, Any]) -> str:
    """The code that says most: some services wrap it in one that says nothing."""
    code = str(error.get("code") or "")
    details = error.get("details")
    if code in ("DeploymentFailed", "ResourceDeploymentFailure", "MultipleErrorsOccurred") and details:
        inner = details[0] if isinstance(details, list) and isinstance(details[0], dict) else {}
        return str(inner.get("code") or code)
    return code


def refusal(answer: Answer, action: str) -> HeadnodeError:
    """Our error for an answer that is none of the expected ones. `action` is the permission it needs."""
    code, text = answer.code, answer.text
    said = f"{action}: {code or answer.status}: {text}" if text else f"{action}: {code or answer.status}"
    limit = quota(code, text)
    if limit:
        return QuotaReached(limit, code)
    if code in CAPACITY:
        return NoCapacity(said, code)
    if code in AGAIN:
        return Retry(said, after=wished(answer, AGAIN[code]))
    if code in THROTTLED or answer.status == 429:
        return Throttled(said, after=wished(answer, UNKNOWN_WAIT))
    if code in NOT_YET:
        return NotYet(said, after=PRINCIPAL_WAIT)
    if code in FORBIDDEN or (answer.status == 403 and not code):
        named = ACTION.search(text)
        missing = named.group(1) if named else action
        return Forbidden(f"{missing} is not allowed for these credentials", missing)
    if code in BAD_KEYS or answer.status == 401:
        return Refused(f"{action}: Azure does not accept these credentials ({code or 401}): {text}")
    if code == "MissingSubscriptionRegistration":
        named = REGISTER.search(text)
        what = named.group(1) if named else "the resource provider"
        return Refused(f"register {what} in the subscription first (az provider register): {text}")
    if answer.status >= 500 or answer.status == 408:
        return Unreachable(said)
    return Refused(said) if PERMANENT.match(code) else Retry(said)


def quota(code: str, text: str) -> str:
    """Which limit was reached, in words; empty when none was. A quota hides behind a code that means
    other things too."""
    found = QUOTA_TEXT.search(text)
    if found:
        family, limit = found["family"].strip(), int(found["limit"])
        what = {"lowprioritycores": "spot cores", "lowpriority": "spot cores"}.get(
            family.lower().replace(" ", ""), f"family {family}"
        )
        if family.lower().startswith("total regional"):
            what = "all cores of the region"
        return f"{what}: have {found['usage']} of {limit} cores, need {found['need']}"
    if code in QUOTA:
        return f"{code}: {text}" if text else code
    return f"{code}: {text}" if code == "OperationNotAllowed" and "quota" in text.lower() else ""


def wished(answer: Answer, otherwise: float) -> float:
    """Seconds to wait: the cloud's own wish where it has one."""
    wish = answer.headers.get("retry-after", "")
    return min(max(float(wish), 1.0), LONGEST_WAIT) if re.fullmatch("[0-9]{1,9}", wish) else otherwise


def is_gone(answer: Answer) -> bool:
    """Whether the answer says that there is no such thing. A 404 alone does not: anything on the way may
    have given it."""
    return answer.status in (400, 404) and GONE.fullmatch(answer.code) is not None


def hushed(error: HeadnodeError, age: float, young: float) -> HeadnodeError:
    """A permission that is missing may only be on its way while an environment is young: a fresh grant
    takes minutes until every part of Azure knows it."""
    if isinstance(error, Forbidden) and 0 <= age < young:
        return NotYet(f"{error}, maybe not yet", after=15.0)
    return error
