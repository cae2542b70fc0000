"""The one answer of Logs Ingestion: taken, or not."""

import datetime
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.call import Call
from local.clouds.azure.ingestion import errors, models
from local.clouds.azure.insights.models import RULE, stream_columns, table
from local.clouds.azure.operationalinsights.models import columns

if TYPE_CHECKING:
    from local.clouds.azure.state import State

ACTION = "Microsoft.Insights/Telemetry/Write"


def upload(state: "State", call: Call) -> Answer:
    """204: the records were taken; queries find them after a while. Records for a table that is no
    longer there are lost without a word."""
    rule, stream = _rule(state, call), call.names["stream"]
    if stream not in rule.properties["streamDeclarations"]:
        raise errors.no_stream(stream)
    kind = call.headers.get("content-type", "")
    if kind.partition(";")[0].strip() != "application/json":
        raise errors.bad_type(kind)
    encoding = call.headers.get("content-encoding", "").lower()
    found = models.records(models.unpacked(call.body, encoding))
    target = table(state, rule, stream)
    if target:
        declared, wanted = stream_columns(rule, stream), columns(target)
        now = datetime.datetime.fromtimestamp(state.now, datetime.UTC)
        visible = state.now + state.timings.ingestion
        models.rows_of(target).extend(
            models.Row(visible, models.values(each, declared, wanted, now)) for each in found
        )
    return Answer(204)


def _rule(state: "State", call: Call) -> Resource:
    id = call.names["rule"]
    rule = next((each for each in state.store.of(RULE) if each.properties["immutableId"] == id), None)
    if rule is None:
        raise errors.no_rule(id)
    if call.names["endpoint"].lower() not in _endpoints(rule):
        raise errors.no_access(id, call.principal, rule.id, bound=False)
    if not state.judge.may(call.principal, ACTION, rule.id, data=True):
        state.judge.note(call.principal, ACTION, rule.id)
        raise errors.no_access(id, call.principal, rule.id)
    return rule


def _endpoints(rule: Resource) -> set[str]:
    """The names under which records for a rule may come in; one of kind Direct has its own."""
    names = [str(rule.properties.get("dataCollectionEndpointId") or "").rpartition("/")[2]]
    if rule.body.get("kind") == "Direct":
        names.append(rule.name)
    return {each.lower() for each in names if each}
