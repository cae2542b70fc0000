"""Paths of Microsoft.Network."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.arm.tracked import lister, read
from local.clouds.azure.network import addresses, interfaces, networks
from local.clouds.azure.network.models import ADDRESS, INTERFACE, NETWORK, SUBNET

VERSIONS = frozenset(
    {"2023-11-01", "2024-05-01", "2024-07-01", "2024-10-01", "2025-01-01", "2025-05-01", "2026-03-01"}
)
_SUBNETS = f"{GROUP}/providers/{NETWORK}/{{parent}}/subnets"

routes = [
    Route("PUT", _SUBNETS + "/{name}", f"{SUBNET}/write", networks.put_subnet, VERSIONS),
    Route("GET", _SUBNETS + "/{name}", f"{SUBNET}/read", read, VERSIONS),
    Route("DELETE", _SUBNETS + "/{name}", f"{SUBNET}/delete", networks.delete_subnet, VERSIONS),
    Route("GET", _SUBNETS, f"{SUBNET}/read", lister(SUBNET), VERSIONS),
]
_HANDLERS = {
    NETWORK: (networks.put, networks.delete, read, lister(NETWORK)),
    INTERFACE: (interfaces.put, interfaces.delete, read, lister(INTERFACE)),
    ADDRESS: (addresses.put, addresses.delete, addresses.get, lister(ADDRESS, addresses.shown)),
}
for _type, (_put, _delete, _get, _list) in _HANDLERS.items():
    _all = f"/providers/{_type}"
    routes += [
        Route("PUT", f"{GROUP}{_all}/{{name}}", f"{_type}/write", _put, VERSIONS),
        Route("GET", f"{GROUP}{_all}/{{name}}", f"{_type}/read", _get, VERSIONS),
        Route("DELETE", f"{GROUP}{_all}/{{name}}", f"{_type}/delete", _delete, VERSIONS),
        Route("GET", GROUP + _all, f"{_type}/read", _list, VERSIONS),
        Route("GET", SUBSCRIPTION + _all, f"{_type}/read", _list, VERSIONS),
    ]
