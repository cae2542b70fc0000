"""A table as queries see it, and a result as it is sent."""

import datetime
import json
from typing import Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.ingestion.models import rows_of
from local.clouds.azure.operationalinsights.models import columns
from local.clouds.azure.query.running import Result

_TYPES = {"boolean": "bool"}
"""Types of columns -> what the language calls them."""


def seen(
    table: Resource, workspace: Resource, now: datetime.datetime, span: tuple[datetime.datetime, ...]
) -> Result:
    """The rows that have arrived, are not too old, and lie in a span of time. Without an order in the
    query nothing is promised: here the newest come first."""
    start, end = span
    start = max(start, now - datetime.timedelta(days=table.properties["retentionInDays"]))
    more = {"TenantId": workspace.properties["customerId"], "Type": table.name, "_ResourceId": ""}
    types = {name: _TYPES.get(type, type) for name, type in columns(table).items()}
    rows = [
        {**more, **dict.fromkeys(types), **row.values}
        for row in rows_of(table)
        if row.visible_at <= now.timestamp() and start <= row.values["TimeGenerated"] <= end
    ]
    return Result({"TenantId": "string", **types, "Type": "string", "_ResourceId": "string"}, rows[::-1])


def shown(result: Result) -> dict[str, Any]:
    """As the API answers it."""
    return {
        "name": "PrimaryResult",
        "columns": [{"name": name, "type": type} for name, type in result.columns.items()],
        "rows": [[_value(row[name], type) for name, type in result.columns.items()] for row in result.rows],
    }


def _value(value: Any, type: str) -> Any:
    if isinstance(value, datetime.datetime):
        return written(value)
    if type == "dynamic" and value is not None and not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    return value


def written(moment: datetime.datetime) -> str:
    """A time without the zeros at its end."""
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".")
    return f"{text}Z"


def half(result: Result) -> Result:
    """What is left of a result when the service lost a part of it."""
    return Result(result.columns, result.rows[: len(result.rows) // 2])
