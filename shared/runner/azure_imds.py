"""An Azure VM's own metadata service: its id, tokens of its identity, and what is going to happen to it."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from shared.runner.errors import Denied, Failed
from shared.runner.http import Answer, exchange

LINK_LOCAL = "http://169.254.169.254"
TOKEN, INSTANCE, EVENTS = "2018-02-01", "2021-02-01", "2020-07-01"
"""Versions of the parts of the service (its own documentation)."""
AGAIN = (404, 410, 429)
"""Besides 5xx: the service is being updated, or asked too often ("retry guidance" of managed identities)."""
REFRESH_BEFORE = 300.0
"""Seconds before its end at which a token is renewed."""
TAKEN = ("Preempt", "Terminate", "Redeploy", "Reboot")
"""Events that end what runs on the machine. A Freeze is survived."""


@dataclass(frozen=True)
class Event:
    """A scheduled event of this machine."""

    id: str
    kind: str
    not_before: str


@dataclass(frozen=True)
class Token:
    """A bearer token and its end, by the machine's monotonic clock."""

    text: str
    until: float


class Instance:
    """Asks the metadata service. Thread-safe."""

    def __init__(self, client_id: str = "", environ: Mapping[str, str] = os.environ) -> None:
        base = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", LINK_LOCAL)
        self._base = base.rstrip("/") + "/metadata"
        self._client_id = client_id
        self.learned: Callable[[str], None] = lambda _: None
        """Gets every new token, so that it can be masked."""
        self._tokens: dict[str, Token] = {}
        self._compute: dict[str, Any] = {}
        self._lock = threading.Lock()

    def token(self, resource: str) -> str:
        """A token for a service, from here or from the service. Raises Failed, and Denied when the
        machine has no such identity."""
        with self._lock:
            known = self._tokens.get(resource)
            if known is None or known.until - time.monotonic() < REFRESH_BEFORE:
                known = self._renewed(resource, known)
                self._tokens[resource] = known
            return known.text

    def forget(self, resource: str, text: str) -> None:
        """Somebody did not accept this token: it is not used again."""
        with self._lock:
            if resource in self._tokens and self._tokens[resource].text == text:
                del self._tokens[resource]

    def id(self) -> str:
        """The VM's ARM id; "" while or where it cannot be had. Never raises, blocks for seconds at most."""
        return str(self._about().get("resourceId", ""))

    def events(self) -> list[Event]:
        """Events that will end what runs on this machine. Never raises. The first call of a machine's life
        turns the service on and may not be answered."""
        try:
            found = json.loads(self._get("scheduledevents", {"api-version": EVENTS}, 5.0).body)["Events"]
            name = str(self._about().get("name", "")).lower()
            mine = [each for each in found if name in [str(one).lower() for one in each["Resources"]]]
            return [
                Event(str(each["EventId"]), str(each["EventType"]), str(each.get("NotBefore", "")))
                for each in mine
                if each["EventType"] in TAKEN
            ]
        except (Failed, ValueError, KeyError, TypeError):
            return []

    def acknowledge(self, events: list[Event]) -> None:
        """Agrees that events begin now. Raises Failed."""
        body = json.dumps({"StartRequests": [{"EventId": each.id} for each in events]}).encode()
        self._send("POST", "scheduledevents", {"api-version": EVENTS}, 10.0, body)

    def _about(self) -> dict[str, Any]:
        if not self._compute:
            try:
                given = json.loads(self._get("instance/compute", {"api-version": INSTANCE}, 2.0).body)
                self._compute = given if isinstance(given, dict) else {}
            except (Failed, ValueError):
                return {}
        return self._compute

    def _renewed(self, resource: str, old: Token | None) -> Token:
        """A new token; the old one for as long as it lives when there is none to be had."""
        asked = {"api-version": TOKEN, "resource": resource}
        if self._client_id:
            asked["client_id"] = self._client_id
        try:
            given = json.loads(self._get("identity/oauth2/token", asked, 10.0).body)
            fresh = Token(str(given["access_token"]), time.monotonic() + life(given, time.time()))
        except (Failed, ValueError, KeyError, TypeError) as error:
            if old is not None and old.until > time.monotonic():
                return old
            if isinstance(error, Failed):
                raise
            raise Failed("the metadata service's token cannot be read") from None
        self.learned(fresh.text)
        return fresh

    def _get(self, path: str, asked: Mapping[str, str], timeout: float) -> Answer:
        return self._send("GET", path, asked, timeout)

    def _send(
        self, method: str, path: str, asked: Mapping[str, str], timeout: float, body: bytes | None = None
    ) -> Answer:
        headers = {"Metadata": "true", **({"Content-Type": "application/json"} if body else {})}
        url = f"{self._base}/{path}?{urllib.parse.urlencode(asked)}"
        answer = exchange(method, url, headers, body, timeout=timeout, proxies=False)
        if answer.status < 300:
            return answer
        if answer.again or answer.status in AGAIN:
            raise Failed(f"the metadata service answered {answer.status}", answer.after)
        raise Denied(f"the metadata service refuses {path} ({answer.status})", status=answer.status)


def life(given: Mapping[str, Any], now: float) -> float:
    """Seconds that a token is good for. Its end is a date: where the clocks of machine and cloud disagree
    about that, its length counts. Raises ValueError, KeyError or TypeError."""
    length = float(given["expires_in"])
    left = float(given.get("expires_on") or 0) - now
    return left if 0 < left <= length else length
