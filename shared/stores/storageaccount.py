"""An Azure storage account, for the store and the queue: how to reach it, and its errors in our words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Throttled, Unreachable

LONGEST_WAIT = 60.0
"""Seconds; a longer Retry-After is not believed."""
OPTIONS: Mapping[str, Any] = {"connection_timeout": 3, "read_timeout": 10, "retry_total": 3}
"""Of every client: seconds, and how often what did not get through is said again."""


@dataclass(frozen=True)
class StorageAccount:
    """Where it is, and who asks. `credential` gives an SDK's token credential, which it makes once; a
    `connection` string takes its place and is for emulators, which know no identities."""

    name: str
    credential: Callable[[], Any]
    connection: str = ""

    def url(self, service: str) -> str:
        """The endpoint of `queue` or `table`."""
        return f"https://{self.name}.{service}.core.windows.net"


def translated(error: Exception, what: str) -> Exception:
    """An SDK error in our words; a defect (a wrong request, a missing permission) stays as it is."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return Unreachable(f"the {what} does not answer: {type(error).__name__}", after=2.0)
    if not isinstance(error, HttpResponseError):
        return error
    status = error.status_code or 0
    if status in (429, 503):
        return Throttled(f"the {what} throttles", after=after(error))
    return Unreachable(f"the {what} fails: {status}", after=2.0) if status >= 500 else error


def code_of(error: Any) -> str:
    """The service's own word for an SDK error; empty for any other exception."""
    code = getattr(error, "error_code", None) or getattr(getattr(error, "error", None), "code", "")
    return str(getattr(code, "value", code) or "")


def after(error: Any) -> float:
    """Seconds that the service asks for, at most LONGEST_WAIT; one where it names none."""
    headers = getattr(error.response, "headers", None) or {}
    try:
        wish = float(headers.get("Retry-After", 1.0))
    except ValueError:  # a date
        return 1.0
    return min(max(wish, 0.1), LONGEST_WAIT) if not math.isnan(wish) else 1.0
