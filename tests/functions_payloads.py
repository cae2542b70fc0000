"""What the Functions host hands to the Python worker, in the worker's own intermediate form."""

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from azure.functions.meta import Datum

Payload = tuple[Datum, dict[str, Datum]]
"""A trigger's value, and what else the host tells about it."""


def text(value: str) -> Datum:
    return Datum(value, "string")


def as_json(value: Any) -> Datum:
    return Datum(json.dumps(value), "json")


def http_payload(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Payload:
    """A request as the front end describes it."""
    parts = urlsplit(url)
    value = {
        "method": text(method),
        "url": text(url),
        "headers": {name.lower(): text(each) for name, each in headers.items()},
        "query": {name: text(each) for name, each in parse_qsl(parts.query, keep_blank_values=True)},
        "params": {"path": text(parts.path.lstrip("/"))},
        "body": Datum(body, "bytes"),
    }
    return Datum(value, "http"), {}


def queue_payload(body: str, count: int = 1) -> Payload:
    """A message whose base64 the host took off."""
    stamp = "2026-11-21T00:00:00+00:00"
    facts = {
        "Id": str(uuid.uuid4()),
        "DequeueCount": str(count),
        "PopReceipt": "AgAAAAMAAAAAAAAA",
        "ExpirationTime": "9999-12-31T23:59:59+00:00",
        "InsertionTime": stamp,
        "NextVisibleTime": stamp,
    }
    return text(body), {name: as_json(value) for name, value in facts.items()}


def timer_payload() -> Payload:
    """A timer that is on time."""
    status = {"Last": "2026-11-21T00:00:00", "Next": "2026-11-21T00:01:00", "LastUpdated": ""}
    return as_json({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}), {}


def event_payload(event: Mapping[str, Any]) -> Payload:
    """One event of Event Grid."""
    return as_json(event), {}
