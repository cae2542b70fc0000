"""Authorised HTTP for Azure's data services, as the log sources need it.

azure-core's own pipeline and connection pool (about 50 ms to import; the management clients have it loaded
already), without azure-storage-blob (250 ms), of which a ranged read would use nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Protocol

from shared.azure_endpoints import Endpoints
from shared.errors import Forbidden, HeadnodeError, Refused, Throttled, Unreachable

CONNECT_WITHIN, READ_WITHIN = 5.0, 35.0
"""Seconds; a query may take 30 to be answered."""
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
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        ours = self._endpoints.plain and url.startswith(f"{self._endpoints.base}/")
        if not (url.startswith("https://") or ours):
            raise Refused(f"no token goes to {url.split('?')[0][:200]}: it is neither https nor the emulator")
        given = {**(headers or {}), "Authorization": f"Bearer {self._token(scope)}"}
        request = HttpRequest(method, url, headers=given, content=body or None)
        try:
            answer = self._client.send_request(request, stream=False)
            said = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status_code, said, answer.read())
        except AzureError as error:
            raise Unreachable(f"{method} {url.split('/')[2]}: {type(error).__name__}") from error

    @cached_property
    def _client(self) -> Any:
        from azure.core import PipelineClient
        from azure.core.pipeline.transport import RequestsTransport

        transport = RequestsTransport(connection_timeout=CONNECT_WITHIN, read_timeout=READ_WITHIN)
        return PipelineClient(self._endpoints.arm, policies=[], transport=transport)


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
    return min(float(wish), LONGEST_WAIT) if wish.isdigit() else 5.0
