"""Bad days, scripted: which call goes wrong, how, and how often."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.clouds.aws.call import Call
from local.clouds.aws.wire import Answer, Dropped, refusal

When = int | Mapping[str, Any] | Callable[[Call], bool] | None
_FRONT = {"throttle", "5xx", "503", "reset-before", "delay", "denied"}
"""Kinds that strike before the service looks at the request. `reset-after` strikes when the work is
done; everything else is the service's own refusal, after it has checked the request."""
_THROTTLES = {
    "ec2": ("RequestLimitExceeded", 503),
    "s3": ("SlowDown", 503),
    "dynamodb": ("ThrottlingException", 400),
}


@dataclass
class Fault:
    """One scripted fault. `left` counts down (None: for ever)."""

    service: str
    action: str
    when: When
    kind: str
    left: int | None
    seconds: float = 0.0
    message: str = ""
    status: int = 400
    seen: int = 0
    struck: int = 0

    def matches(self, call: Call) -> bool:
        """Whether it is this call's turn; counts the calls it saw."""
        if self.service not in ("*", call.service) or self.action not in ("*", call.action) or self.left == 0:
            return False
        self.seen += 1
        if self.when is None:
            return True
        if isinstance(self.when, int):
            return self.seen >= self.when
        if callable(self.when):
            return self.when(call)
        return all(_same(call.params.get(key), value) for key, value in self.when.items())


def _same(found: Any, wanted: Any) -> bool:
    if wanted is None:
        return found is None
    return found in wanted if isinstance(wanted, (list, tuple, set)) else found == wanted


class Faults:
    """The scripted faults, struck in the order they were added. Safe to change while calls come in."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._sleep = sleep

    def add(
        self,
        service: str,
        action: str,
        when: When = None,
        kind: str = "5xx",
        times: int | None = 1,
        *,
        seconds: float = 0.0,
        message: str = "",
        status: int = 400,
    ) -> Fault:
        """Scripts a fault for `service`/`action` ("*": any).

        `when`: None, the n-th matching call on (1 is the first), parameter values that must be equal
        (a list: one of; None: absent), or a function of the call. `kind`: capacity, throttle, 5xx,
        503, reset-before, reset-after, delay (`seconds`), denied, or any error code of the service
        with `message` and `status`. `times`: how often it strikes; None is for ever.
        """
        fault = Fault(service, action, when, kind, times, seconds, message, status)
        with self._lock:
            self._faults.append(fault)
        return fault

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

    def clear(self) -> None:
        """Good weather again."""
        with self._lock:
            self._faults.clear()

    def before(self, call: Call) -> Answer | None:
        """Faults of the front door: an answer instead of the service's, or a cut connection."""
        for fault in self._due(call, lambda kind: kind in _FRONT):
            if fault.kind == "delay":
                self._sleep(fault.seconds)
                continue
            if fault.kind == "reset-before":
                raise Dropped
            return _front(call, fault)
        return None

    def within(self, call: Call) -> Answer | None:
        """The service's own refusals, once the request has been found in order."""
        for fault in self._due(call, lambda kind: kind not in _FRONT and kind != "reset-after"):
            if fault.kind == "capacity":
                return _capacity(call)
            return refusal(call, fault.kind, fault.message or "Scripted fault.", fault.status)
        return None

    def after(self, call: Call) -> None:
        """The work is done; the answer may still get lost."""
        for _ in self._due(call, lambda kind: kind == "reset-after"):
            raise Dropped

    def _due(self, call: Call, wanted: Callable[[str], bool]) -> Iterator[Fault]:
        with self._lock:
            faults = [fault for fault in self._faults if wanted(fault.kind)]
        for fault in faults:
            with self._lock:
                if not fault.matches(call):
                    continue
                fault.struck += 1
                fault.left = None if fault.left is None else fault.left - 1
            yield fault


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
