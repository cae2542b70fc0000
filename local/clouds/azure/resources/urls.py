"""Paths of resource groups."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.resources import responses

VERSIONS = frozenset({"2021-04-01", "2022-09-01", "2024-03-01", "2024-11-01", "2025-04-01"})
_ALL = SUBSCRIPTION + "/resourceGroups"
_ACTION = "Microsoft.Resources/subscriptions/resourceGroups"

routes = [
    Route("PUT", GROUP, f"{_ACTION}/write", responses.put, VERSIONS),
    Route("GET", GROUP, f"{_ACTION}/read", responses.get, VERSIONS),
    Route("HEAD", GROUP, f"{_ACTION}/read", responses.head, VERSIONS),
    Route("DELETE", GROUP, f"{_ACTION}/delete", responses.delete, VERSIONS),
    Route("GET", _ALL, f"{_ACTION}/read", responses.listing, VERSIONS),
    Route("GET", GROUP + "/resources", f"{_ACTION}/resources/read", responses.contents, VERSIONS),
]
