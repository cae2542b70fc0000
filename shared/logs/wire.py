"""Authorised HTTP for Azure's data services, as the log sources need it.

urllib3 by itself, which azure-identity has loaded already: of azure-core's pipeline nothing would be used but
the connection pool below it, at twice the time for each request; of azure-storage-blob (250 ms to import)
nothing but a ranged read.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.azure_endpoints import Endpoints
from shared.errors import Forbidden, HeadnodeError, Refused, Throttled, Unreachable

if TYPE_CHECKING:
    from urllib3 import PoolManager

CONNECT_WITHIN, READ_WITHIN = 5.0, 35.0
"""Seconds for an answer to begin."""
CONNECTIONS = 16
"""To one host, kept open."""
LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Reply:
    """A whole answer of any status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The blob service's own word for an error; empty where the answer has none."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def now(self) -> int:
        """The cloud's time (epoch seconds); 0 where it did not say."""
        try:
            return int(parsedate_to_datetime(self.headers["date"]).timestamp())
        except (KeyError, ValueError):
            return 0


class Clients(Protocol):
    """What a log source needs of the provider's clients, which live longer than it."""

    @property
    def endpoints(self) -> Endpoints: ...

    @property
    def storage_name(self) -> str:
        """The storage account that the credentials name; empty where they name none."""

    @property
    def wire(self) -> "Wire":
        """One for all log sources: it keeps the connections."""


class Wire:
    """Sends one request with a bearer token. `token` gives one for a scope, from a cache. Thread-safe."""

    def __init__(self, token: Callable[[str], str], endpoints: Endpoints) -> None:
        self._token = token
        self._endpoints = endpoints
        self._pools: dict[str, PoolManager] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """One request, not repeated, redirects not followed. Raises Unreachable without an answer, and
        Refused rather than to send a token over plain http to anything but this machine's emulator."""
        self._check_place(url)
        given = {**(headers or {}), "Authorization": f"Bearer {self._token(scope)}"}
        return self._exchanged(method, url, given, body)

    def _check_place(self, url: str) -> None:
        """Raises Refused for a place that no token goes to."""
        ours = self._endpoints.plain and url.startswith(f"{self._endpoints.base}/")
        if not (url.startswith("https://") or ours):
            raise Refused(f"no token goes to {url.split('?')[0][:200]}: it is neither https nor the emulator")

    def _exchanged(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request with its authorisation in its headers."""
        from urllib3.exceptions import HTTPError

        try:
            answer = self._pool(url).request(
                method, url, headers=headers, body=body or None, redirect=False, retries=False
            )
        except HTTPError as error:
            raise Unreachable(f"{method} {url.split('/')[2]}: {type(error).__name__}") from error
        said = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, said, answer.data)

    def _pool(self, url: str) -> "PoolManager":
        """The connections to a host: one for all, or those through its proxy."""
        host = url.split("/", 3)[2]
        if host not in self._pools:
            self._pools[host] = pool_for(url)
        return self._pools[host]


def pool_for(url: str) -> "PoolManager":
    """Connections that honour the environment's proxies and certificates, as `requests` does; read once,
    since reading them costs a fifth of a request."""
    import certifi
    import urllib3
    from requests.utils import get_environ_proxies, select_proxy

    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=CONNECT_WITHIN, read=READ_WITHIN),
        "maxsize": CONNECTIONS,
        "ca_certs": os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where(),
    }
    proxy = select_proxy(url, get_environ_proxies(url))
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def refusal(reply: Reply, action: str) -> HeadnodeError:
    """Our error for an answer that is none of the expected ones. `action` is the permission it needs."""
    said = f"{action}: {reply.code or reply.status}"
    if reply.status == 429 or reply.code == "ServerBusy":
        return Throttled(said, after=wished(reply))
    if reply.status >= 500 or reply.status == 408:
        return Unreachable(said)
    if reply.status == 403:
        return Forbidden(f"{action} is not allowed for these credentials ({reply.code or 403})", action)
    if reply.status == 401:
        return Unreachable(f"{said}: the token was not accepted")
    return Refused(said)


def wished(reply: Reply) -> float:
    """Seconds to wait: the cloud's own wish where it has one."""
    wish = reply.headers.get("retry-after", "")
    return min(float(wish), LONGEST_WAIT) if wish.isascii() and wish.isdigit() else 5.0
