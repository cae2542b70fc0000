"""Calls to Azure's services with tokens of the machine's identity, repeated while that may help."""

from __future__ import annotations

import time
import urllib.parse
from typing import Callable

from shared.runner.azure_imds import Instance
from shared.runner.errors import Denied, Failed
from shared.runner.http import Answer, exchange
from shared.runner.retry import repeated

STORAGE, MONITOR, ARM = (
    "https://storage.azure.com/",
    "https://monitor.azure.com/",
    "https://management.azure.com/",
)
"""What tokens are made out to."""
FRESH = 1800.0
"""Seconds for which a 403 may come from a grant that has not arrived everywhere yet (Azure: up to 30 minutes
for a new role of an identity); then it is a refusal."""
GRANT_AFTER = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Azure:
    """Adds the token and sends. Thread-safe."""

    def __init__(
        self, instance: Instance, clock: Callable[[], float] = time.monotonic, sas: str = ""
    ) -> None:
        """`sas` is the query that opens the run's container, where the machine has no identity."""
        self._instance = instance
        self._sas = sas
        self._clock = clock
        self._began = clock()

    def send(
        self,
        resource: str,
        method: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        patience: float = 60.0,
        accept: tuple[int, ...] = (),
        within: float = 60.0,
    ) -> Answer:
        """One call, which waits `within` seconds for its answer, repeated for up to `patience` seconds.
        Statuses in `accept` are answers too; raises Denied for any other refusal, and Failed when nothing
        usable came back."""
        data = body if body or method in ("PUT", "POST") else None
        # Said, or urllib says that it is a form.
        said = {} if data is None else {"Content-Type": "application/octet-stream"}
        given = {**said, **(headers or {})}

        def once() -> Answer:
            if self._sas and resource == STORAGE:
                return self._signed(method, url, given, data, within, accept)
            token = self._token(resource)
            answer = self._exchanged(method, url, given, data, token, within)
            if answer.status < 300 or answer.status in accept:
                return answer
            raise self._refusal(answer, resource, token, str(urllib.parse.urlsplit(url).hostname))

        return repeated(once, patience)

    def _signed(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        data: bytes | None,
        within: float,
        accept: tuple[int, ...],
    ) -> Answer:
        """One call with the signature in place of a token. A refusal stays one: it does not get better."""
        where = urllib.parse.urlsplit(url)
        self._check_place(where)
        whole = f"{url}{'&' if where.query else '?'}{self._sas}"
        answer = exchange(method, whole, headers, data, timeout=within, follow=False)
        if answer.status < 300 or answer.status in accept:
            return answer
        host = str(where.hostname)
        code = answer.headers.get("x-ms-error-code", "")
        text = f"{host.partition('.')[2] or host}: {code or answer.status}"
        if answer.again or answer.status == 408:
            raise Failed(text, answer.after)
        raise Denied(text, code, answer.status)

    @staticmethod
    def _check_place(where: urllib.parse.SplitResult) -> None:
        if where.scheme != "https" and where.hostname not in LOOPBACK:
            raise Denied(f"no token goes to {where.hostname} without TLS")

    def _token(self, resource: str) -> str:
        """A token; an identity that the machine does not have may not have arrived on it yet."""
        try:
            return self._instance.token(resource)
        except Denied as error:
            if self._clock() - self._began < FRESH:
                raise Failed(str(error), GRANT_AFTER) from None
            raise Denied(str(error), error.code, 403) from None

    def _exchanged(
        self, method: str, url: str, headers: dict[str, str], data: bytes | None, token: str, within: float
    ) -> Answer:
        self._check_place(urllib.parse.urlsplit(url))
        sent = {**headers, "Authorization": f"Bearer {token}"}
        return exchange(method, url, sent, data, timeout=within, follow=False)

    def _refusal(self, answer: Answer, resource: str, token: str, host: str) -> Failed:
        code = answer.headers.get("x-ms-error-code", "")
        text = f"{host.partition('.')[2] or host}: {code or answer.status}"
        if answer.again or answer.status == 408:
            return Failed(text, answer.after)
        if answer.status == 401:
            self._instance.forget(resource, token)
            return Failed(text)
        if answer.status == 403 and self._clock() - self._began < FRESH:
            return Failed(text, max(answer.after, GRANT_AFTER))
        return Denied(text, code, answer.status)
