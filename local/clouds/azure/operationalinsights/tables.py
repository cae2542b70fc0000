"""Answers about tables."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, copied, group_of, leaving, make
from local.clouds.azure.call import Call
from local.clouds.azure.errors import not_found
from local.clouds.azure.operationalinsights import errors, models
from local.clouds.azure.operationalinsights.models import WORKSPACE

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put(state: "State", call: Call) -> Answer:
    """202 with nothing but where to look, for a table that is new or changes; 200 with the table when
    it is already like that."""
    workspace = _workspace(state, call)
    if workspace is None:
        raise errors.no_workspace(call.names["parent"])
    if workspace.state != "Succeeded":
        raise errors.busy(workspace.name, workspace.state)
    asked = call.document().get("properties") or {}
    shown = models.table_properties(call.names["name"], asked, workspace.properties["retentionInDays"])
    old = state.store.get(call.path)
    if old and old.state == "InProgress":
        raise errors.busy(old.name, old.state)
    if old and old.state == "Succeeded" and old.properties == shown:
        return Answer.json(old.shown())
    _check_change(old, shown)
    table, new = make(state, call, copied(shown), begins="InProgress")
    table.kept.setdefault("rows", [])
    answer = accepted(state, call, table, new)
    return Answer(202, b"", answer.headers[1:])


def delete(state: "State", call: Call) -> Answer:
    """Takes its rows along."""
    group_of(state, call)
    return leaving(state, call, state.store.get(call.path))


def get(state: "State", call: Call) -> Answer:
    """One."""
    if _workspace(state, call) is None:
        raise not_found(WORKSPACE, call.names["parent"], call.names["group"])
    found = state.store.get(call.path)
    if found is None:
        raise not_found(models.TABLE, call.names["name"], call.names["group"])
    return Answer.json(found.shown())


def _workspace(state: "State", call: Call) -> Resource | None:
    group = group_of(state, call)
    return state.store.get(f"{group.id}/providers/{WORKSPACE}/{call.names['parent']}")


def _check_change(old: Resource | None, shown: dict[str, object]) -> None:
    if old is None:
        return
    before = models.columns(old)
    after = models.columns(Resource("", "", "", properties=shown))
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            raise errors.bad_schema(f"the type of column '{name}' can not change.")
