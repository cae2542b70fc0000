"""Whoever we are in somebody's Azure, and requests of ARM in that name.

Tokens come from azure-identity; requests are made by hand over urllib3 (`Wire`). The
management SDKs would do the same calls at a price: importing the five that this platform needs, with a
credential, took 450-520 ms on the machine where this was measured, azure-core with azure-identity 270 ms,
and a Function pays that at each cold start. About thirty kinds of request are made, each with a fixed
api-version (`versions`); the real SDKs read the same emulator in the tests, so both agree on every field.

Nothing is repeated below us: a refused or lost request is one request, and `Retry` decides about the next.
Only a token that was refused as too old is replaced, once.
"""

import functools
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.azure_endpoints import ARM_SCOPE, Endpoints, endpoints
from shared.errors import HeadnodeError, Refused, Unreachable
from shared.logs.wire import Reply, Wire
from shared.providers.azure.errors import Answer, is_gone, refusal

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

PATIENCE: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 20}
"""For a token: asked for once, and given up after so many seconds."""
OWN_WORD = re.compile(r"AADSTS\d+")
"""How Entra numbers its refusals."""
PASSING = re.compile(r"AADSTS(90033|50196|90006|90012|90025)\b")
"""Those that pass: it is busy, cannot be reached, or timed out."""

OWN_SECRET = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH")
"""With one of these variables the host is an app with a secret, else it has a managed identity."""


class Clients:
    """What wiring keeps for (credentials, their generation, region). Thread-safe.

    `credentials` are `clientId`, `clientSecret`, `tenantId`, `subscriptionId`, `storageName`; None or
    empty is the host's own identity. Nothing is imported, read or called before the first request.
    """

    def __init__(self, credentials: Mapping[str, Any] | None) -> None:
        self._keys = {name: str(value) for name, value in (credentials or {}).items() if value}
        self._lock = threading.RLock()
        self._credential_now: TokenCredential | None = None

    @functools.cached_property
    def endpoints(self) -> Endpoints:
        """Where this process finds Azure."""
        return endpoints()

    @property
    def subscription(self) -> str:
        """The subscription that the credentials, or the host's variables, name; empty without one."""
        return self._keys.get("subscriptionId") or os.environ.get("AZURE_SUBSCRIPTION_ID", "")

    @property
    def own_subscription(self) -> str:
        """The subscription that the credentials themselves name; empty without one."""
        return self._keys.get("subscriptionId", "")

    @property
    def storage_name(self) -> str:
        """The storage account that the credentials name; empty where they name none."""
        return self._keys.get("storageName", "")

    @functools.cached_property
    def wire(self) -> Wire:
        """Requests of any service of Azure; one for all, since it keeps the connections."""
        return RenewingWire(self.token, self.renew, self.endpoints)

    def arm(
        self,
        method: str,
        path: str,
        version: str,
        *,
        action: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        accept: tuple[str | int, ...] = (),
    ) -> Answer:
        """One request of ARM. `path` begins with /subscriptions, or is a next page's whole address. `action`
        is the permission it needs, for texts.

        Raises what `errors` makes of a refusal, but for the statuses and codes in `accept`. 404 there
        means that the resource is gone (`errors.is_gone`), not that the subscription cannot be seen."""
        asked = {"api-version": version, **(query or {})}
        more = "&".join(f"{name}={value}" for name, value in asked.items())
        url = path if "://" in path else f"{self.endpoints.arm}{path}?{more}"
        given = {"Accept": "application/json", **(headers or {})}
        content = b""
        if body is not None:
            given["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        answer = read(self.wire.send(method, url, scope=ARM_SCOPE, headers=given, body=content), action)
        check_said(method, answer, action)
        expected = answer.status in accept and (answer.status != 404 or is_gone(answer))
        if answer.status < 400 or expected or answer.code in accept:
            return answer
        raise refusal(answer, action)

    def token(self, scope: str) -> str:
        """A bearer token for a service, from azure-identity's cache while it is good. Raises Refused when
        Entra does not accept the credentials, Unreachable when it did not answer."""
        from azure.core.exceptions import AzureError

        try:
            return self._credential().get_token(scope).token
        except AzureError as error:
            raise no_token(error) from error

    def renew(self) -> None:
        """Forgets every token: somebody was told that the one at hand is not good."""
        with self._lock:
            self._credential_now = None

    def _credential(self) -> "TokenCredential":
        with self._lock:
            self._credential_now = self._credential_now or self._made_credential()
            return self._credential_now

    def _made_credential(self) -> "TokenCredential":
        """Who we are, chosen by what is given and never by trying: credentials with a secret, the host's
        own app, or its managed identity."""
        from azure.identity import ClientSecretCredential, EnvironmentCredential, ManagedIdentityCredential

        if self._keys.get("clientId") or self._keys.get("clientSecret"):
            missing = [n for n in ("tenantId", "clientId", "clientSecret") if not self._keys.get(n)]
            if missing:
                raise Refused(f"the Azure credentials lack {', '.join(missing)}")
            who = (self._keys["tenantId"], self._keys["clientId"], self._keys["clientSecret"])
            return ClientSecretCredential(*who, **self._identity_options())
        if any(os.environ.get(name) for name in OWN_SECRET):
            return EnvironmentCredential(**self._identity_options())
        client_id = os.environ.get("AZURE_CLIENT_ID") or None
        return ManagedIdentityCredential(client_id=client_id, **PATIENCE)

    def _identity_options(self) -> dict[str, Any]:
        """How a credential reaches Entra. An emulator is not asked whether it is known to Microsoft."""
        options: dict[str, Any] = {**PATIENCE, "authority": self.endpoints.authority}
        if self.endpoints.base:
            options["disable_instance_discovery"] = True
        if self.endpoints.plain:
            options["authority"] = self.endpoints.authority.replace("http://", "https://", 1)
            options["transport"] = plain_transport()
        return options


class RenewingWire(Wire):
    """Asks once more, with a new token, when a service says that the token is not good: it may have
    ended early (revoked), whatever its own date says."""

    def __init__(self, token: Callable[[str], str], renew: Callable[[], None], known: Endpoints) -> None:
        super().__init__(token, known)
        self._renew = renew

    def send(self, method: str, url: str, **given: Any) -> Reply:
        """As `Wire.send`."""
        reply = super().send(method, url, **given)
        if reply.status != 401:
            return reply
        self._renew()
        return super().send(method, url, **given)


def no_token(error: Any) -> HeadnodeError:
    """Our error for one of azure-identity's. Only Entra's own word makes it permanent: an endpoint of a
    managed identity that does not answer may answer later."""
    from azure.core.exceptions import ClientAuthenticationError

    said = str(getattr(error, "message", "") or type(error).__name__).split("Trace ID:")[0].strip()[:300]
    refused = isinstance(error, ClientAuthenticationError) and OWN_WORD.search(said)
    if refused and not PASSING.search(said):
        return Refused(f"Azure does not accept these credentials: {said}")
    return Unreachable(f"there is no token to be had: {said}", after=15.0)


def plain_transport() -> "HttpTransport[Any, Any]":
    """azure-identity insists on https; this takes its requests to an emulator that has none. Made only for
    one on this machine (`Endpoints.plain`)."""
    from azure.core.pipeline.transport import RequestsTransport

    class Plain(RequestsTransport):  # type: ignore[misc]
        def send(self, request: Any, **options: Any) -> Any:
            request.url = request.url.replace("https://", "http://", 1)
            request.headers["X-Forwarded-Proto"] = "https"
            return super().send(request, **options)

    return Plain(**PATIENCE)


def check_said(method: str, answer: Answer, action: str) -> None:
    """Raises Unreachable for a success that says nothing: a redirection, which ARM never answers with, or
    a resource without a word about it. Taken for an answer, it would make what is there look absent."""
    if 300 <= answer.status < 400:
        raise Unreachable(f"{action}: the answer leads elsewhere ({answer.status})")
    if method in ("GET", "PUT") and answer.status in (200, 201, 204) and not answer.body:
        raise Unreachable(f"{action}: the answer is empty ({answer.status})")


def read(reply: Reply, action: str) -> Answer:
    """An answer of ARM with its document. Raises Unreachable for one that is cut off or no JSON."""
    document: Any = {}
    if reply.body:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            if reply.status < 400:
                raise Unreachable(f"{action}: the answer cannot be read") from error
    return Answer(reply.status, reply.headers, document if isinstance(document, dict) else {})
