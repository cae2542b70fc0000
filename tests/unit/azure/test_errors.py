"""Azure's words become ours."""

from typing import Any

import pytest

from local.clouds.azure.errors import forbidden, linked_forbidden
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
from shared.providers.azure.errors import Answer, hushed, is_gone, refusal


def said(code: str, message: str = "", status: int = 409, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, {"error": {"code": code, "message": message}})


QUOTA = (
    "Operation could not be completed as it results in exceeding approved {} Cores quota. Additional details"
    " - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 10, Current Usage: 8,"
    " Additional Required: 4, (Minimum) New Limit Required: 12."
)
CASES: list[tuple[Answer, type[HeadnodeError]]] = [
    *(
        (said(code), NoCapacity)
        for code in (
            "SkuNotAvailable",
            "AllocationFailed",
            "ZonalAllocationFailed",
            "OverconstrainedAllocationRequest",
            "OverconstrainedZonalAllocationRequest",
            "ConflictingUserInput",
        )
    ),
    (said("OperationNotAllowed", QUOTA.format("standardDDSv4Family")), QuotaReached),
    (said("QuotaExceeded", QUOTA.format("standardDDSv4Family")), QuotaReached),
    (said("QuotaExceeded", "Public IP address quota"), QuotaReached),
    (said("OperationNotAllowed", "The VM is marked for deletion."), Refused),
    (said("TooManyRequests", status=429), Throttled),
    (said("OperationNotAllowed", "slow down", 429), Throttled),
    (said("SubscriptionRequestsThrottled", status=503), Throttled),
    (Answer(429), Throttled),
    (said("AnotherOperationInProgress", status=429), Retry),
    (said("Conflict"), Retry),
    (said("RetryableError"), Retry),
    (said("ResourceGroupBeingDeleted"), Retry),
    (said("NicInUse", status=400), Retry),
    (said("NicReservedForAnotherVm", status=400), Retry),
    (said("InUseSubnetCannotBeDeleted", status=400), Retry),
    (said("PrincipalNotFound", status=400), NotYet),
    (said("PrincipalNotFound", status=404), NotYet),
    (said("ReferencedResourceNotProvisioned"), NotYet),
    (said("AuthorizationFailed", status=403), Forbidden),
    (said("LinkedAuthorizationFailed", status=403), Forbidden),
    (Answer(403), Forbidden),
    (said("InvalidAuthenticationToken", status=401), Refused),
    (said("ExpiredAuthenticationToken", status=401), Refused),
    (said("SubscriptionNotFound", status=404), Refused),
    (said("MissingSubscriptionRegistration"), Refused),
    (said("RequestDisallowedByPolicy", status=403), Refused),
    (said("InvalidParameter", status=400), Refused),
    (said("PropertyChangeNotAllowed"), Refused),
    (said("RoleAssignmentLimitExceeded", status=400), Refused),
    (said("RoleAssignmentUpdateNotPermitted"), Refused),
    (said("InternalServerError", status=500), Unreachable),
    (said("ServerBusy", status=503), Unreachable),
    (Answer(502), Unreachable),
    (Answer(408), Unreachable),
    (said("SomethingNobodyKnows", status=400), Retry),
    (Answer(409), Retry),
]


@pytest.mark.parametrize(
    ("answer", "kind"), CASES, ids=lambda value: getattr(value, "code", "") or str(value)
)
def test_every_word_has_its_meaning(answer: Answer, kind: type[Exception]) -> None:
    assert type(refusal(answer, "Microsoft.Compute/virtualMachines/write")) is kind


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("standardDDSv4Family", "family standardDDSv4Family: have 8 of 10 cores, need 4"),
        ("standardDDSv4Family Family", "family standardDDSv4Family: have 8 of 10 cores, need 4"),
        ("LowPriorityCores", "spot cores: have 8 of 10 cores, need 4"),
        ("Total Regional", "all cores of the region: have 8 of 10 cores, need 4"),
    ],
)
def test_a_quota_is_told_in_figures(family: str, reason: str) -> None:
    found = refusal(said("OperationNotAllowed", QUOTA.format(family)), "x")
    assert isinstance(found, QuotaReached)
    assert str(found) == reason
    assert found.code == "OperationNotAllowed"


@pytest.mark.parametrize(
    ("wish", "seconds"), [("7", 7.0), ("0", 1.0), ("100000", 60.0), ("soon", 5.0), ("", 5.0)]
)
def test_retry_after_is_honoured_within_reason(wish: str, seconds: float) -> None:
    found = refusal(said("TooManyRequests", status=429, retry_after=wish), "x")
    assert isinstance(found, Throttled)
    assert found.after == seconds


def test_without_a_retry_after_there_is_a_pause_all_the_same() -> None:
    found = refusal(said("TooManyRequests", status=429), "x")
    assert isinstance(found, Throttled)
    assert found.after == 5.0


def test_a_missing_permission_is_named() -> None:
    inner = forbidden("p", "Microsoft.Compute/virtualMachines/write", "/s").body()
    linked = linked_forbidden("p", "Microsoft.Network/networkInterfaces/join/action", "/s", "/n").body()
    for body, action in (
        (inner, "Microsoft.Compute/virtualMachines/write"),
        (linked, "Microsoft.Network/networkInterfaces/join/action"),
    ):
        found = refusal(Answer(403, {}, {"error": body}), "something else")
        assert isinstance(found, Forbidden)
        assert found.action == action
        assert str(found) == f"{action} is not allowed for these credentials"


def test_a_fresh_grant_is_waited_for_and_an_old_one_is_not() -> None:
    missing = Forbidden("a is not allowed", "a")
    assert isinstance(hushed(missing, 10.0, 300.0), NotYet)
    assert hushed(missing, 301.0, 300.0) is missing
    other = Refused("x")
    assert hushed(other, 10.0, 300.0) is other


def test_a_provider_that_is_not_registered_is_named() -> None:
    text = "The subscription is not registered to use namespace 'Microsoft.Insights'. See ..."
    found = refusal(said("MissingSubscriptionRegistration", text), "x")
    assert "register Microsoft.Insights" in str(found)


def test_a_wrapped_code_is_unwrapped() -> None:
    inner = [{"code": "SkuNotAvailable", "message": "no"}]
    body = {"error": {"code": "DeploymentFailed", "message": "m", "details": inner}}
    assert isinstance(refusal(Answer(409, {}, body), "x"), NoCapacity)


@pytest.mark.parametrize(
    "body", [{}, {"error": "text"}, {"error": {"code": None}}, {"error": {"details": 4}}]
)
def test_a_body_of_any_form_is_an_answer(body: dict[str, Any]) -> None:
    assert isinstance(refusal(Answer(400, {}, body), "x"), Retry)


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (said("ResourceNotFound", status=404), True),
        (said("ResourceGroupNotFound", status=404), True),
        (said("ParentResourceNotFound", status=404), True),
        (said("NotFound", status=404), True),
        (said("ContainerNotFound", status=404), True),
        (said("RoleDefinitionDoesNotExist", status=400), True),
        (said("SubscriptionNotFound", status=404), False),
        (said("InvalidResourceNamespace", status=404), False),
        (Answer(404), False),
        (said("Conflict"), False),
        (Answer(200), False),
    ],
)
def test_what_is_gone(answer: Answer, gone: bool) -> None:
    assert is_gone(answer) is gone
