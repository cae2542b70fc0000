"""Paths of Microsoft.Compute."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.arm.tracked import lister, read, removed
from local.clouds.azure.compute import console, creating, responses
from local.clouds.azure.compute.models import DISK, MACHINE

VERSIONS = frozenset({"2024-07-01", "2024-11-01", "2025-04-01", "2026-03-01", "2026-04-01"})
DISK_VERSIONS = frozenset({"2024-03-02", "2025-01-02", "2026-03-02"})
_ALL = f"/providers/{MACHINE}"
_ONE = f"{GROUP}{_ALL}/{{name}}"
_DISK = f"{GROUP}/providers/{DISK}/{{name}}"

routes = [
    Route("PUT", _ONE, f"{MACHINE}/write", creating.put, VERSIONS, late=True),
    Route("GET", _ONE, f"{MACHINE}/read", responses.get, VERSIONS),
    Route("GET", _ONE + "/instanceView", f"{MACHINE}/instanceView/read", responses.instance_view, VERSIONS),
    Route("PATCH", _ONE, f"{MACHINE}/write", responses.patch, VERSIONS),
    Route("DELETE", _ONE, f"{MACHINE}/delete", responses.delete, VERSIONS),
    Route("POST", _ONE + "/deallocate", f"{MACHINE}/deallocate/action", responses.deallocate, VERSIONS),
    Route(
        "POST", _ONE + "/simulateEviction", f"{MACHINE}/simulateEviction/action", responses.evict, VERSIONS
    ),
    Route(
        "POST",
        _ONE + "/retrieveBootDiagnosticsData",
        f"{MACHINE}/retrieveBootDiagnosticsData/action",
        console.links,
        VERSIONS,
    ),
    Route("GET", GROUP + _ALL, f"{MACHINE}/read", responses.listing, VERSIONS),
    Route("GET", SUBSCRIPTION + _ALL, f"{MACHINE}/read", responses.listing, VERSIONS),
    Route("GET", _DISK, f"{DISK}/read", read, DISK_VERSIONS),
    Route("DELETE", _DISK, f"{DISK}/delete", removed, DISK_VERSIONS),
    Route("GET", f"{GROUP}/providers/{DISK}", f"{DISK}/read", lister(DISK), DISK_VERSIONS),
    Route("GET", "/bootdiagnostics/{machine}/serialconsole.log", "compute/console", console.log, audience=""),
]
