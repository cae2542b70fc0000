"""Tokens for apps with a secret, and for the host's own identity."""

import base64
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from local.clouds.answer import Answer
from local.clouds.azure.call import Call
from local.clouds.azure.entra import errors
from local.clouds.azure.entra.models import LIVES, TENANT, Principal

if TYPE_CHECKING:
    from local.clouds.azure.state import State

IDENTITY_HEADER = "emulated-identity-header"
"""What a Function must show to get a token of its own identity."""
MANAGED_LIVES = 24 * 3600


def token(state: "State", call: Call) -> Answer:
    """Client credentials."""
    asked = _form(call)
    app = _app(state, call, asked)
    if isinstance(app, Answer):
        return app
    scope = asked.get("scope", "").strip()
    wanted = [each for each in scope.split() if each not in _ALWAYS]
    if len(wanted) != 1 or not wanted[0].endswith("/.default"):
        return errors.refused(
            400, "invalid_scope", 1002012, f"The scope {scope} is not valid for client credentials."
        )
    text = state.directory.issue(app, wanted[0].removesuffix("/.default"), state.now)
    return Answer.json(
        {"token_type": "Bearer", "expires_in": LIVES, "ext_expires_in": LIVES, "access_token": text}
    )


def old_token(state: "State", call: Call) -> Answer:
    """Client credentials by the first version, which names a resource and sends numbers as texts."""
    asked = _form(call)
    app = _app(state, call, asked)
    if isinstance(app, Answer):
        return app
    resource = asked.get("resource", "")
    if not resource:
        said = "The request body must contain the following parameter: 'resource or scope'."
        return errors.refused(400, "invalid_request", 900144, said)
    text, over = state.directory.issue(app, resource, state.now), int(state.now + LIVES)
    told = {"token_type": "Bearer", "expires_in": str(LIVES), "ext_expires_in": str(LIVES)}
    told |= {"expires_on": str(over), "not_before": str(int(state.now)), "resource": resource}
    return Answer.json({**told, "access_token": text})


_ALWAYS = ("openid", "profile", "offline_access")
"""Scopes that clients add by themselves, and that mean nothing for an app."""


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace")))


def _app(state: "State", call: Call, asked: dict[str, str]) -> Principal | Answer:
    """Who asks, or the refusal."""
    if call.names["tenant"].lower() != TENANT:
        return errors.no_tenant(call.names["tenant"])
    if asked.get("grant_type") != "client_credentials":
        return errors.refused(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
    id, secret = _shown(call, asked)
    app = state.directory.find(id)
    if app is None or not app.secret:
        return errors.no_app(id)
    if not hmac.compare_digest(app.secret, secret):
        return errors.wrong_secret(app.client_id)
    return app


def _shown(call: Call, asked: dict[str, str]) -> tuple[str, str]:
    """The app's id and secret: in the form, or as RFC 6749 2.3.1 has it in a header."""
    kind, _, text = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return asked.get("client_id", ""), asked.get("client_secret", "")
    try:
        id, _, secret = base64.b64decode(text).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(id), unquote_plus(secret)


def instances(*_: object) -> Answer:
    """The names of the one cloud that there is."""
    names = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    about = {"preferred_network": names[0], "preferred_cache": names[1], "aliases": names}
    where = f"https://{names[0]}/{TENANT}/v2.0/.well-known/openid-configuration"
    return Answer.json({"tenant_discovery_endpoint": where, "api-version": "1.1", "metadata": [about]})


def own_identity(state: "State", call: Call) -> Answer:
    """The identity of the host, as App Service and Functions offer it (version 2019-08-01)."""
    if call.headers.get("x-identity-header") != IDENTITY_HEADER:
        return Answer.json({"statusCode": 401, "message": "The identity header is missing or wrong."}, 401)
    return managed(state, state.directory.function, call)


def managed(state: "State", principal: Principal, call: Call) -> Answer:
    """A token of a managed identity, for both forms of asking."""
    resource = call.query.get("resource", "")
    if not resource:
        return Answer.json({"error": "invalid_request", "error_description": "resource is missing"}, 400)
    text = state.directory.issue(principal, resource, state.now, MANAGED_LIVES)
    over = int(state.now + MANAGED_LIVES)
    return Answer.json(
        {
            "access_token": text,
            "client_id": principal.client_id,
            "expires_in": str(MANAGED_LIVES),
            "expires_on": str(over),
            "not_before": str(int(state.now)),
            "resource": resource,
            "token_type": "Bearer",
        }
    )


def discovery(state: "State", call: Call) -> Answer:
    """Where the token endpoint is, for clients that ask first."""
    tenant = call.names["tenant"]
    if tenant.lower() != TENANT:
        return errors.no_tenant(tenant)
    # Entra's own clients refuse an address that is not https; one that has ended its TLS says so.
    secured = call.headers.get("x-forwarded-proto") == "https"
    base = state.url.replace("http://", "https://", 1) if secured else state.url
    return Answer.json(
        {
            "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
            "issuer": f"{base}/{tenant}/v2.0",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }
    )
