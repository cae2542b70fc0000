"""Paths of Microsoft.Insights."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.arm.tracked import lister, read, removed
from local.clouds.azure.insights import responses
from local.clouds.azure.insights.models import ENDPOINT, RULE

VERSIONS = frozenset({"2022-06-01", "2023-03-11", "2024-03-11"})
_HANDLERS = {ENDPOINT: responses.put_endpoint, RULE: responses.put_rule}

routes: list[Route] = []
for _type, _put in _HANDLERS.items():
    _all, _action = f"/providers/{_type}", _type.replace("/d", "/D")
    routes += [
        Route("PUT", f"{GROUP}{_all}/{{name}}", f"{_action}/Write", _put, VERSIONS),
        Route("GET", f"{GROUP}{_all}/{{name}}", f"{_action}/Read", read, VERSIONS),
        Route("DELETE", f"{GROUP}{_all}/{{name}}", f"{_action}/Delete", removed, VERSIONS),
        Route("GET", GROUP + _all, f"{_action}/Read", lister(_type), VERSIONS),
        Route("GET", SUBSCRIPTION + _all, f"{_action}/Read", lister(_type), VERSIONS),
    ]
