"""Paths of user-assigned identities."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.arm.tracked import lister, read
from local.clouds.azure.msi import models, responses

VERSIONS = frozenset({"2018-11-30", "2023-01-31", "2024-11-30"})
_ONE = GROUP + f"/providers/{models.TYPE}/{{name}}"

routes = [
    Route("PUT", _ONE, f"{models.TYPE}/write", responses.put, VERSIONS),
    Route("GET", _ONE, f"{models.TYPE}/read", read, VERSIONS),
    Route("DELETE", _ONE, f"{models.TYPE}/delete", responses.delete, VERSIONS),
    Route("GET", GROUP + f"/providers/{models.TYPE}", f"{models.TYPE}/read", lister(models.TYPE), VERSIONS),
    Route(
        "GET",
        SUBSCRIPTION + f"/providers/{models.TYPE}",
        f"{models.TYPE}/read",
        lister(models.TYPE),
        VERSIONS,
    ),
]
