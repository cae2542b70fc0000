"""The one answer of the query API."""

import datetime
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused, unmodelled
from local.clouds.azure.operationalinsights.models import TABLE, WORKSPACE, by_customer
from local.clouds.azure.query import errors, grammar, models, running, spans
from local.clouds.azure.query.nodes import Query

if TYPE_CHECKING:
    from local.clouds.azure.state import State

QUERY = f"{WORKSPACE}/query/read"
CUSTOM = f"{WORKSPACE}/query/Tables.Custom/read"
"""Whoever has both may ask for every custom table of a workspace."""
DATA = f"{WORKSPACE}/tables/data/read"
"""The data action that is enough in place of `CUSTOM`."""


def run(state: "State", call: Call) -> Answer:
    """The rows that a query asks for; when a part of them got lost, 200 with what is left and an error."""
    workspace = by_customer(state, call.names["workspace"])
    if workspace is None:
        raise errors.no_workspace(call.names["workspace"])
    _judge(state, call, workspace.id, QUERY, data=False)
    text, span = _asked(call)
    query, now = grammar.parse(text), datetime.datetime.fromtimestamp(state.now, datetime.UTC)
    table = _table(state, workspace, query)
    if not state.judge.may(call.principal, CUSTOM, table.id):
        _judge(state, call, table.id, DATA, data=True)
    found = running.run(query, models.seen(table, workspace, now, spans.read(span, now)), now)
    if call.fate is None:
        return Answer.json({"tables": [models.shown(found)]})
    return Answer.json({"tables": [models.shown(models.half(found))], "error": _partial(call.fate)})


def _judge(state: "State", call: Call, scope: str, action: str, *, data: bool) -> None:
    if not state.judge.may(call.principal, action, scope, data=data):
        state.judge.note(call.principal, action, scope)
        raise errors.no_access()


def _asked(call: Call) -> tuple[str, str | None]:
    asked = call.document()
    text, span = asked.get("query"), asked.get("timespan")
    if not isinstance(text, str) or not text.strip():
        raise errors.bad_parameter("A query must be provided.")
    if asked.get("workspaces"):
        raise unmodelled("queries over several workspaces")
    return text, None if span is None else str(span)


def _table(state: "State", workspace: Resource, query: Query) -> Resource:
    found = state.store.get(f"{workspace.id}/tables/{query.table}")
    # Ids do not mind their case, names in queries do.
    if found is None or found.type.lower() != TABLE.lower() or found.name != query.table:
        operator = query.steps[0].operator if query.steps else "query"
        raise errors.unknown_name(operator, query.table, "table or column expression")
    return found


def _partial(fate: Refused) -> dict[str, object]:
    said = "Something went wrong processing your query on the server."
    return {**fate.body(), "details": [{"code": "EngineError", "message": said}]}
