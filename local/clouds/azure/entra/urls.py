"""The token endpoint's paths."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.entra import responses

routes = [
    Route("POST", "/{tenant}/oauth2/v2.0/token", "token/issue", responses.token, audience=""),
    Route("POST", "/{tenant}/oauth2/token", "token/issue", responses.old_token, audience=""),
    Route("GET", "/common/discovery/instance", "token/read", responses.instances, audience=""),
    Route(
        "GET",
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "token/read",
        responses.discovery,
        audience="",
    ),
    Route("GET", "/msi/token", "token/identity", responses.own_identity, audience=""),
]
