"""Azure's words for bad days."""

from typing import Any

from local.clouds.answer import Answer
from local.clouds.azure.batch.errors import BatchRefused
from local.clouds.azure.blob.errors import StorageRefused
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused, forbidden
from local.clouds.faults import FRONT, Fault, Script

LATER = {
    "AllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size in"
    " this region.",
    "ZonalAllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size"
    " in this zone.",
    "OverconstrainedAllocationRequest": "Allocation failed. VM(s) with the following constraints cannot be"
    " allocated, because the condition is too restrictive: VM Size.",
    "OverconstrainedZonalAllocationRequest": "Allocation failed. VM(s) with the following constraints cannot"
    " be allocated in this zone, because the condition is too restrictive: VM Size.",
    "OSProvisioningTimedOut": "OS Provisioning for VM did not finish in the allotted time.",
    "PartialError": "There were some errors when processing your query.",
}
"""Failures of requests that are accepted: the VM stays, in the state Failed; the query has an answer, but
not the whole one."""


class Faults(Script):
    """Adds the kinds SkuNotAvailable and `quota` (refused at once), and those of LATER."""

    def no_capacity(
        self,
        size: str | None = None,
        zone: str | None = None,
        spot: bool | None = None,
        kind: str = "SkuNotAvailable",
        times: int | None = None,
    ) -> Fault:
        """No VM of that size, in that zone, on spot or on demand (None: any)."""

        def wanted(call: Call) -> bool:
            asked = call.params.get("properties") or {}
            found = (
                (asked.get("hardwareProfile") or {}).get("vmSize"),
                (call.params.get("zones") or [None])[0],
            )
            is_spot = str(asked.get("priority", "")).lower() == "spot"
            return size in (None, found[0]) and zone in (None, found[1]) and spot in (None, is_spot)

        return self.add("compute", "virtualMachines/write", wanted, kind, times)

    def quota(
        self, family: str = "standardDDSv4Family", limit: int = 10, usage: int = 10, times: int | None = None
    ) -> Fault:
        """VMs are refused for want of cores. `family` as Azure names it, or LowPriorityCores, or Total
        Regional."""
        said = (
            f"Operation could not be completed as it results in exceeding approved {family} Cores quota."
            " Additional details - Deployment Model: Resource Manager, Location: westeurope, Current Limit:"
            f" {limit}, Current Usage: {usage}, Additional Required: 2, (Minimum) New Limit Required:"
            f" {usage + 2}."
        )
        return self.add(
            "compute", "virtualMachines/write", None, "OperationNotAllowed", times, message=said, status=409
        )

    def within(self, call: Any) -> Answer | None:
        """As in every cloud; but what fails later only decides the call's fate."""
        for fault in self._due(call, lambda kind: kind not in FRONT and kind not in ("reset-after", *LATER)):
            return self.refused(call, fault)
        for fault in self._due(call, lambda kind: kind in LATER):
            call.fate = Refused(409, fault.kind, fault.message or LATER[fault.kind])
        return None

    def at_the_front(self, call: Call, fault: Fault) -> Answer:
        """`seconds` of a throttle is its Retry-After; none is sent for 0."""
        if call.service == "storage":
            return _of_storage(fault).answer()
        if call.path.lower().startswith("/batch/"):
            return _of_batch(fault).answer()
        if fault.kind == "throttle":
            headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
            said = fault.message or "The request is being throttled as the limit has been reached."
            return Refused(429, "TooManyRequests", said, headers).answer()
        if fault.kind == "denied":
            return forbidden("the caller", f"{call.service}/{call.action}", call.path).answer()
        if fault.kind == "503":
            return Refused(503, "ServerBusy", fault.message or "The service is busy. Retry later.").answer()
        return Refused(500, "InternalServerError", fault.message or "An internal error occurred.").answer()

    def refused(self, call: Call, fault: Fault) -> Answer:
        """No capacity, or the code that was asked for."""
        if fault.kind == "SkuNotAvailable":
            asked = call.params.get("properties") or {}
            size, place = (asked.get("hardwareProfile") or {}).get("vmSize"), call.params.get("location")
            said = (
                "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions:"
                f" {size}' is currently not available in location '{place}'. Please try another size or"
                " deploy to a different location or different zone."
            )
            return Refused(409, fault.kind, fault.message or said).answer()
        words = StorageRefused if call.service == "storage" else Refused
        if call.path.lower().startswith("/batch/"):
            words = BatchRefused
        return words(fault.status, fault.kind, fault.message or "Scripted fault.").answer()


def _of_storage(fault: Fault) -> StorageRefused:
    """Storage throttles with 503 ServerBusy, not with 429."""
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
    status, code, said = {
        "throttle": (503, "ServerBusy", "The server is busy."),
        "503": (503, "ServerBusy", "The server is currently unable to receive requests. Please retry."),
        "denied": (
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        ),
    }.get(fault.kind, (500, "InternalError", "The server encountered an internal error. Please retry."))
    return StorageRefused(status, code, fault.message or said, headers)


def _of_batch(fault: Fault) -> BatchRefused:
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
    status, code, said = {
        "throttle": (429, "TooManyRequests", "Too many requests have been received."),
        "503": (503, "ServerBusy", "The server is currently unable to receive requests. Please retry."),
        "denied": (403, "InsufficientAccountPermissions", "The permissions are not sufficient."),
    }.get(fault.kind, (500, "InternalError", "The server encountered an internal error. Please retry."))
    return BatchRefused(status, code, fault.message or said, headers)
