"""AWS's words become ours."""

import pytest
from botocore import exceptions

from shared.errors import (
    Forbidden,
    NoCapacity,
    NotYet,
    QuotaReached,
    Refused,
    Retry,
    Throttled,
    Unreachable,
)
from shared.providers.aws.errors import asking, from_sdk


def answer(code: str, message: str = "", status: int = 400, **headers: str) -> exceptions.ClientError:
    return exceptions.ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
        },
        "RunInstances",
    )


CASES = [
    (answer("InsufficientInstanceCapacity", status=500), NoCapacity),
    (answer("InsufficientFreeAddressesInSubnet"), NoCapacity),
    (answer("SpotMaxPriceTooLow"), NoCapacity),
    (answer("Unsupported", "not in this zone"), NoCapacity),
    (answer("MaxSpotInstanceCountExceeded"), QuotaReached),
    (answer("VcpuLimitExceeded"), QuotaReached),
    (answer("InstanceLimitExceeded"), QuotaReached),
    (answer("RequestLimitExceeded", status=503), Throttled),
    (answer("Throttling"), Throttled),
    (answer("SomethingNew", status=429), Throttled),
    (answer("SlowDown", status=503), Throttled),
    (answer("InvalidParameterValue", "Value (x) is invalid. Invalid IAM Instance Profile name"), NotYet),
    (answer("InvalidParameterValue", 'IAM Instance Profile "x" has no associated IAM Roles'), NotYet),
    (answer("InvalidParameterValue", "User data is limited"), Refused),
    (answer("InvalidSubnetID.NotFound"), Refused),
    (answer("VPCIdNotSpecified"), Refused),
    (answer("SecurityGroupLimitExceeded"), Refused),
    (answer("UnauthorizedOperation", status=403), Forbidden),
    (answer("AccessDeniedException"), Forbidden),
    (answer("403", "Forbidden", 403), Forbidden),
    (answer("AuthFailure", status=401), Refused),
    (answer("AuthFailure.ServiceLinkedRoleCreationNotPermitted", status=403), Forbidden),
    (answer("ExpiredToken"), Refused),
    (answer("InvalidClientTokenId", status=403), Refused),
    (answer("InternalError", status=500), Unreachable),
    (answer("Unavailable", status=503), Unreachable),
    (answer("ConcurrentModification"), Retry),
    (answer("PendingVerification"), Retry),
    (answer("SomethingNobodyKnows"), Retry),
    (exceptions.ReadTimeoutError(endpoint_url="http://x"), Unreachable),
    (exceptions.ConnectTimeoutError(endpoint_url="http://x"), Unreachable),
    (exceptions.EndpointConnectionError(endpoint_url="http://x"), Unreachable),
    (exceptions.ConnectionClosedError(endpoint_url="http://x"), Unreachable),
    (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), Unreachable),
    (exceptions.NoCredentialsError(), Refused),
    (exceptions.ParamValidationError(report="secret-canary"), Refused),
]


@pytest.mark.parametrize(
    ("said", "kind"), CASES, ids=lambda value: getattr(value, "__name__", str(value)[:60])
)
def test_every_word_has_its_meaning(said: Exception, kind: type[Exception]) -> None:
    assert type(from_sdk(said, "ec2:RunInstances")) is kind


def test_the_code_of_a_lack_of_capacity_is_kept() -> None:
    found = from_sdk(answer("VcpuLimitExceeded", "32 vCPU"), "ec2:RunInstances")
    assert isinstance(found, QuotaReached)
    assert found.code == "VcpuLimitExceeded"
    assert "32 vCPU" in str(found)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("100000", 60.0), ("soon", 5.0), ("", 5.0)])
def test_retry_after_is_honoured_within_reason(header: str, seconds: float) -> None:
    found = from_sdk(answer("Throttling", **{"retry-after": header}), "x")
    assert isinstance(found, Throttled)
    assert found.after == seconds


def test_a_missing_permission_is_named_by_the_cloud_first() -> None:
    text = (
        "You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not authorized to "
        "perform: iam:PassRole on resource: r. Encoded authorization failure message: " + "x" * 3000
    )
    found = from_sdk(answer("UnauthorizedOperation", text, 403), "ec2:RunInstances")
    assert isinstance(found, Forbidden)
    assert found.action == "iam:PassRole"
    assert len(str(found)) < 200


def test_a_missing_permission_without_a_name_is_that_of_the_call() -> None:
    found = from_sdk(answer("AccessDenied", "no", 403), "s3:GetObject")
    assert isinstance(found, Forbidden)
    assert found.action == "s3:GetObject"


def test_a_malformed_request_does_not_show_its_values() -> None:
    found = from_sdk(exceptions.ParamValidationError(report="secret-canary"), "x")
    assert "secret-canary" not in str(found)


def test_what_is_not_the_sdks_passes_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), asking("x"):
        _ = 1 / 0
    with pytest.raises(NotYet), asking("x"):
        raise NotYet("ours")
