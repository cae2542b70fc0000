"""AWS's words for bad days."""

from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal
from local.clouds.faults import Fault, Script

_THROTTLES = {
    "ec2": ("RequestLimitExceeded", 503),
    "s3": ("SlowDown", 503),
    "dynamodb": ("ThrottlingException", 400),
}


class Faults(Script):
    """Adds the kind `capacity`."""

    def no_capacity(
        self,
        machine_type: str | None = None,
        subnet: str | None = None,
        spot: bool | None = None,
        times: int | None = None,
    ) -> Fault:
        """No machine of that type, in that subnet, on spot or on demand (None: any)."""
        wanted: dict[str, Any] = {}
        if machine_type is not None:
            wanted["InstanceType"] = machine_type
        if subnet is not None:
            wanted["SubnetId"] = subnet
        if spot is not None:
            wanted["InstanceMarketOptions.MarketType"] = "spot" if spot else None
        return self.add("ec2", "RunInstances", wanted, "capacity", times)

    def at_the_front(self, call: Call, fault: Fault) -> Answer:
        """Each service throttles and breaks with codes of its own."""
        return _front(call, fault)

    def refused(self, call: Call, fault: Fault) -> Answer:
        """No capacity, or the code that was asked for."""
        if fault.kind == "capacity":
            return _capacity(call)
        return refusal(call, fault.kind, fault.message or "Scripted fault.", fault.status)


def _front(call: Call, fault: Fault) -> Answer:
    if fault.kind == "throttle":
        code, status = _THROTTLES.get(call.service, ("ThrottlingException", 400))
        code = "Throttling" if call.service in ("iam", "sts") else code
        return refusal(call, code, fault.message or "Request limit exceeded.", status)
    if fault.kind == "denied":
        return denied(call, fault.message)
    if fault.kind == "503":
        code = "Unavailable" if call.service == "ec2" else "ServiceUnavailable"
        return refusal(
            call, code, fault.message or "The service is unavailable. Please try again shortly.", 503
        )
    code = "InternalError" if call.service in ("ec2", "s3") else "InternalFailure"
    return refusal(call, code, fault.message or "An internal error has occurred", 500)


def denied(call: Call, message: str = "") -> Answer:
    """The service's own refusal of a caller who lacks the permission."""
    who = call.principal or call.access_key or "anonymous"
    said = message or f"User: {who} is not authorized to perform: {call.service}:{call.action}"
    if call.service == "ec2":
        return refusal(
            call, "UnauthorizedOperation", f"You are not authorized to perform this operation. {said}", 403
        )
    if call.service in ("iam", "sts", "s3", "cloudformation"):
        return refusal(call, "AccessDenied", said, 403)
    return refusal(call, "AccessDeniedException", said, 400)


def _capacity(call: Call) -> Answer:
    """EC2 says this with status 500, so an SDK left to its defaults asks again by itself."""
    machine_type = call.params.get("InstanceType", "the requested")
    if call.params.get("InstanceMarketOptions.MarketType") == "spot":
        said = "There is no Spot capacity available that matches your request."
    else:
        said = f"We do not have sufficient {machine_type} capacity in the Availability Zone you requested."
    return refusal(call, "InsufficientInstanceCapacity", said, 500)
