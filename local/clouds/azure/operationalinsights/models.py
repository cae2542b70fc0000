"""Workspaces, which can come back for two weeks, and tables, which keep rows for so many days."""

import re
import uuid
from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.operationalinsights import errors

if TYPE_CHECKING:
    from local.clouds.azure.state import State

WORKSPACE = "Microsoft.OperationalInsights/workspaces"
TABLE = WORKSPACE + "/tables"
RECOVERABLE = 14 * 86400.0
"""Seconds for which a deleted workspace can come back."""
_TYPES = ("string", "int", "long", "real", "boolean", "dateTime", "guid", "dynamic")
TYPES = {each.lower(): each for each in _TYPES}
"""Types of columns as they are shown; requests may write them in any case."""
RESERVED = frozenset(["_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"])
RETENTION, TOTAL_RETENTION = (4, 730), (4, 4383)
"""Days of the plan Analytics, least and most."""
FIXED_RETENTION = 30
"""Days of the plans that let nobody choose."""
_HIDDEN = {"isHidden": True, "isDefaultDisplay": False}
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")


def workspace_properties(asked: dict[str, Any], old: Resource | None) -> dict[str, Any]:
    """What a workspace is like; its customerId is for ever."""
    before = old.properties if old else {}
    return {
        "customerId": before.get("customerId") or str(uuid.uuid4()),
        "sku": {"name": "PerGB2018", **(asked.get("sku") or {})},
        "retentionInDays": asked.get("retentionInDays") or 30,
        "features": {"enableLogAccessUsingOnlyResourcePermissions": True, **(asked.get("features") or {})},
        "workspaceCapping": asked.get("workspaceCapping") or {"dailyQuotaGb": -1.0},
        "publicNetworkAccessForIngestion": asked.get("publicNetworkAccessForIngestion") or "Enabled",
        "publicNetworkAccessForQuery": asked.get("publicNetworkAccessForQuery") or "Enabled",
    }


def put_aside(state: "State", workspace: Resource, tables: list[Resource]) -> None:
    """A workspace is deleted but can come back, with its tables, for a while; unless that was not
    wanted (`forced`)."""
    if workspace.kept.pop("forced", False):
        return
    workspace.kept["tables"] = tables
    workspace.kept["deleted_at"] = state.now
    state.soft_deleted[workspace.id.lower()] = workspace


def recoverable(state: "State", id: str) -> Resource | None:
    """The deleted workspace of that id, while it can come back."""
    found = state.soft_deleted.get(id.lower())
    if found and state.now >= found.kept["deleted_at"] + RECOVERABLE:
        del state.soft_deleted[id.lower()]
        return None
    return found


def recover(state: "State", workspace: Resource) -> None:
    """Brings a deleted workspace back, with its tables and rows."""
    del state.soft_deleted[workspace.id.lower()]
    for each in [workspace, *workspace.kept.pop("tables")]:
        each.state = "Succeeded"
        state.store.put(each)


def by_customer(state: "State", customer_id: str) -> Resource | None:
    """The workspace that queries know by that GUID."""
    for each in state.store.of(WORKSPACE):
        if each.properties["customerId"] == customer_id.lower():
            return each
    return None


def table_properties(name: str, asked: dict[str, Any], default_days: int) -> dict[str, Any]:
    """What a table is like. Raises Refused."""
    schema = asked.get("schema") or {}
    if not name.endswith("_CL"):
        raise errors.bad_table_name(name)
    if schema.get("name") != name:
        raise errors.bad_schema(f"its name '{schema.get('name')}' is not '{name}'.")
    shown = {
        "name": name,
        "tableType": "CustomLog",
        "tableSubType": "DataCollectionRuleBased",
        "columns": _columns(schema.get("columns") or []),
        "standardColumns": [{**_HIDDEN, "name": "TenantId", "type": "guid"}],
        "solutions": ["LogManagement"],
    }
    return {"schema": shown, **_retention(asked, default_days)}


def columns(table: Resource) -> dict[str, str]:
    """Names and types of a table's own columns, the types in lower case."""
    return {each["name"]: each["type"].lower() for each in table.properties["schema"]["columns"]}


def _columns(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown: dict[str, dict[str, Any]] = {}
    for each in asked:
        name, type = str(each.get("name") or ""), TYPES.get(str(each.get("type")).lower())
        if not _COLUMN.fullmatch(name) or name in RESERVED:
            raise errors.bad_schema(f"'{name}' can not be the name of a column.")
        if type is None:
            raise errors.bad_schema(f"'{each.get('type')}' is no type of a column.")
        if name in shown:
            raise errors.bad_schema(f"there are two columns '{name}'.")
        shown[name] = {"isHidden": False, "isDefaultDisplay": False, **each, "type": type}
    if shown.get("TimeGenerated", {}).get("type") != "dateTime":
        raise errors.bad_schema("it needs a column 'TimeGenerated' of type dateTime.")
    return list(shown.values())


def _retention(asked: dict[str, Any], default_days: int) -> dict[str, Any]:
    plan = asked.get("plan") or "Analytics"
    days, total = asked.get("retentionInDays", -1), asked.get("totalRetentionInDays", -1)
    if plan not in ("Analytics", "Basic", "Auxiliary"):
        raise errors.bad_schema(f"there is no plan '{plan}'.")
    if plan != "Analytics" and days != -1:
        raise errors.fixed_retention(plan)
    kept = days if days != -1 else default_days if plan == "Analytics" else FIXED_RETENTION
    kept_in_all = total if total != -1 else kept
    if plan == "Analytics":
        _check_days("retentionInDays", kept, *RETENTION)
    _check_days("totalRetentionInDays", kept_in_all, max(TOTAL_RETENTION[0], kept), TOTAL_RETENTION[1])
    return {
        "plan": plan,
        "retentionInDays": kept,
        "totalRetentionInDays": kept_in_all,
        "archiveRetentionInDays": kept_in_all - kept,
        "retentionInDaysAsDefault": days == -1,
        "totalRetentionInDaysAsDefault": total == -1,
    }


def _check_days(what: str, days: object, least: int, most: int) -> None:
    if not isinstance(days, int) or not least <= days <= most:
        raise errors.bad_retention(what, days, least, most)
