"""One HTTP exchange by urllib: every way to fail becomes `Failed` or an answer with its status."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message

from shared.runner.errors import Failed


@dataclass
class Answer:
    """Status, headers and the whole body."""

    status: int
    body: bytes
    headers: Message = field(default_factory=Message)

    @property
    def again(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 429 or self.status >= 500

    @property
    def after(self) -> float:
        """Seconds that the other side asked us to wait; 0.0 when it did not say."""
        try:
            return max(0.0, float(self.headers.get("Retry-After", "0")))
        except ValueError:
            return 0.0


def exchange(
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    *,
    timeout: float = 30.0,
    proxies: bool = True,
    follow: bool = True,
) -> Answer:
    """Sends one request and reads the whole answer, whatever its status; raises Failed without one.
    Metadata services must not be asked through a proxy: `proxies=False`. A redirect takes the headers
    along, so that a token is sent with `follow=False`."""
    if not url.startswith(("http://", "https://")):
        raise Failed(f"not an HTTP address: {url[:100]}")
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [] if proxies else [urllib.request.ProxyHandler({})]
    if not follow:
        handlers.append(Stay())
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _rest(error), error.headers)
    except (OSError, http.client.HTTPException) as error:
        host = url.split("/")[2]
        raise Failed(
            f"{method} {host}: {getattr(error, 'reason', None) or error or type(error).__name__}"
        ) from None


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it is an answer like another."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except (OSError, http.client.HTTPException):
        return b""
