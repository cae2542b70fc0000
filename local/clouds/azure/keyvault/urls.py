"""Paths of Key Vault's keys, as far as sealing needs them."""

from local.clouds.azure.arm.routes import Handle, Route
from local.clouds.azure.keyvault import responses
from local.clouds.azure.keyvault.responses import ACTIONS

VERSIONS = frozenset({"7.4", "7.5", "7.6", "2025-07-01"})
_KEY = "/keyvault/{vault}/keys/{key}"
_VERBS: tuple[tuple[str, str, str, Handle], ...] = (
    ("POST", "/wrapkey", "wrap/action", responses.wrap),
    ("POST", "/unwrapkey", "unwrap/action", responses.unwrap),
    ("GET", "", "read", responses.read),
)

routes = [
    Route(method, f"{key}{end}", f"{ACTIONS}/{action}", handle, VERSIONS, audience="", late=True)
    for method, end, action, handle in _VERBS
    for key in (_KEY, _KEY + "/{version}")
]
