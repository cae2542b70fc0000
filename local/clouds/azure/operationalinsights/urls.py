"""Paths of Microsoft.OperationalInsights."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.arm.tracked import lister, read
from local.clouds.azure.operationalinsights import tables, workspaces
from local.clouds.azure.operationalinsights.models import TABLE, WORKSPACE

VERSIONS = frozenset(
    {"2021-06-01", "2021-12-01-preview", "2022-10-01", "2023-09-01", "2025-02-01", "2025-07-01"}
)
_DELETED = "Microsoft.OperationalInsights/deletedWorkspaces"
_ONE = f"{GROUP}/providers/{WORKSPACE}/{{name}}"
_TABLES = f"{GROUP}/providers/{WORKSPACE}/{{parent}}/tables"

routes = [
    Route("PUT", _TABLES + "/{name}", f"{TABLE}/write", tables.put, VERSIONS),
    Route("GET", _TABLES + "/{name}", f"{TABLE}/read", tables.get, VERSIONS),
    Route("DELETE", _TABLES + "/{name}", f"{TABLE}/delete", tables.delete, VERSIONS),
    Route("GET", _TABLES, f"{TABLE}/read", lister(TABLE), VERSIONS),
    Route("PUT", _ONE, f"{WORKSPACE}/write", workspaces.put, VERSIONS),
    Route("GET", _ONE, f"{WORKSPACE}/read", read, VERSIONS),
    Route("DELETE", _ONE, f"{WORKSPACE}/delete", workspaces.delete, VERSIONS),
    Route("POST", _ONE + "/sharedKeys", f"{WORKSPACE}/sharedkeys/action", workspaces.shared_keys, VERSIONS),
]
for _scope in (GROUP, SUBSCRIPTION):
    routes += [
        Route("GET", f"{_scope}/providers/{WORKSPACE}", f"{WORKSPACE}/read", lister(WORKSPACE), VERSIONS),
        Route("GET", f"{_scope}/providers/{_DELETED}", f"{_DELETED}/read", workspaces.deleted, VERSIONS),
    ]
