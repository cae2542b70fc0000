"""The CLI's way to a control plane: its HTTP API, and every failure as one clear line."""

import os
import re
from typing import Any, NoReturn

import httpx

from shared.errors import Conflict, Forbidden, HeadnodeError, Refused, Throttled, Unreachable

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT = 60.0


class Missing(Refused):
    """What was asked for does not exist."""


class Api:
    """JSON in, JSON out. Every method raises HeadnodeError with a text for the user: Unreachable when
    no usable answer came, Missing for 404, Conflict for 409, Forbidden for 401 and 403, else Refused."""

    def __init__(self, url: str, token: str, workspace: str = "") -> None:
        self.url = url.rstrip("/")
        self.workspace = workspace
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT, transport=httpx.HTTPTransport(retries=1)
        )

    def get(self, path: str, **query: Any) -> Any:
        """The body of a GET."""
        return self._ask("GET", path, query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The body of a POST's answer; None when it has none."""
        return self._ask("POST", path, query, body if body is not None else {})

    def put(self, path: str, body: Any, **query: Any) -> Any:
        """The body of a PUT's answer; None when it has none."""
        return self._ask("PUT", path, query, body)

    def delete(self, path: str, **query: Any) -> Any:
        """The body of a DELETE's answer; None when it has none."""
        return self._ask("DELETE", path, query)

    def text(self, path: str, **query: Any) -> str:
        """A GET's body as it is."""
        return self._send("GET", path, query, None).text

    def _ask(self, verb: str, path: str, query: dict[str, Any], body: Any = None) -> Any:
        answer = self._send(verb, path, query, body)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise Unreachable(f"{self.url} does not answer like a headnode (no JSON)") from None

    def _send(self, verb: str, path: str, query: dict[str, Any], body: Any) -> httpx.Response:
        asked = {key: value for key, value in query.items() if value is not None}
        if self.workspace:
            asked["workspaceId"] = self.workspace
        try:
            answer = self._http.request(verb, path, params=asked, json=body)
        except httpx.InvalidURL:
            raise Refused(f"HEADNODE_URL is no URL: {self.url!r}") from None
        except httpx.TransportError as error:
            hint = "start one with `headnode serve`, or set HEADNODE_URL"
            raise Unreachable(f"cannot reach {self.url} ({reason(error)}): {hint}") from None
        if answer.status_code >= 300:
            self._refuse(answer)
        return answer

    def _refuse(self, answer: httpx.Response) -> NoReturn:
        status, said = answer.status_code, message(answer)
        match status:
            case 401:
                raise Forbidden(f"{self.url} refused the token: set HEADNODE_TOKEN")
            case 403:
                raise Forbidden(said or "not allowed")
            case 404:
                raise Missing(said or "not found")
            case 409:
                raise Conflict(said or "conflict")
            case 429:
                raise Throttled(said or "too many requests")
            case status if status >= 500:
                raise Unreachable(f"{self.url} failed ({status}): {said}")
        raise Refused(said or f"{self.url} answered {status}")


def reason(error: Exception) -> str:
    """Why there was no answer, in few words."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return text.lower() or type(error).__name__


def message(answer: httpx.Response) -> str:
    """The text that an error answer carries."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("message", "")) if isinstance(body, dict) else ""


def connect() -> Api:
    """The control plane that the environment variables name. Makes no call yet."""
    names = os.environ
    url = names.get("HEADNODE_URL") or names.get("TOWER_API_ENDPOINT") or DEFAULT_URL
    token = names.get("HEADNODE_TOKEN") or names.get("TOWER_ACCESS_TOKEN") or ""
    if not url.startswith(("http://", "https://")):
        raise HeadnodeError(f"HEADNODE_URL is no http or https URL: {url!r}")
    workspace = names.get("HEADNODE_WORKSPACE") or names.get("TOWER_WORKSPACE_ID") or ""
    return Api(url, token, workspace)
