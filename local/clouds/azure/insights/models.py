"""What a data collection rule refers to, checked as Azure checks it before it takes the rule."""

from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import region
from local.clouds.azure.errors import unmodelled
from local.clouds.azure.insights.errors import bad_rule
from local.clouds.azure.operationalinsights.models import TABLE, WORKSPACE, columns

if TYPE_CHECKING:
    from local.clouds.azure.state import State

ENDPOINT = "Microsoft.Insights/dataCollectionEndpoints"
RULE = "Microsoft.Insights/dataCollectionRules"
CUSTOM = "Custom-"
"""Before the name of a stream of one's own, and of a custom table as an output."""
TYPES = frozenset(["string", "int", "long", "real", "boolean", "datetime", "dynamic"])
"""Types of a stream's columns."""
_LIKE = {"guid": "string"}
"""Types of a table that a stream can not declare -> what fits into them."""


def check(state: "State", location: str, properties: dict[str, Any]) -> None:
    """Raises Refused for a rule that could not work."""
    _check_endpoint(state, location, properties.get("dataCollectionEndpointId"))
    streams = _streams(properties.get("streamDeclarations") or {})
    workspaces = _workspaces(
        state, location, (properties.get("destinations") or {}).get("logAnalytics") or []
    )
    flows = properties.get("dataFlows") or []
    if not flows:
        raise bad_rule("InvalidDataFlow", "'Data Flows' must not be empty.", "properties.dataFlows")
    for number, flow in enumerate(flows):
        _check_flow(state, flow, streams, workspaces, f"properties.dataFlows[{number}]")


def table(state: "State", rule: Resource, stream: str) -> Resource | None:
    """The table that a rule sends a stream to, while there is one."""
    for flow in rule.properties["dataFlows"]:
        if stream in flow["streams"]:
            destination = next(
                each
                for each in rule.properties["destinations"]["logAnalytics"]
                if each["name"] in flow["destinations"]
            )
            return _table(state, destination["workspaceResourceId"], _output(flow, stream))
    return None


def customer(state: "State", workspace: str) -> str:
    """The customerId of a workspace; empty when there is none."""
    found = state.store.get(workspace)
    return str(found.properties["customerId"]) if found else ""


def stream_columns(rule: Resource, stream: str) -> dict[str, str]:
    """Names and types of the columns that a rule declares for a stream."""
    declared = rule.properties["streamDeclarations"][stream]["columns"]
    return {each["name"]: each["type"] for each in declared}


def _check_endpoint(state: "State", location: str, id: str | None) -> None:
    target = "properties.dataCollectionEndpointId"
    found = state.store.get(id or "")
    if id and (found is None or found.type.lower() != ENDPOINT.lower()):
        raise bad_rule(
            "InvalidDataCollectionEndpoint", f"Data collection endpoint '{id}' was not found.", target
        )
    if found and region(found.body) != region({"location": location}):
        said = f"Data collection endpoint '{id}' must be in the rule's location '{location}'."
        raise bad_rule("InvalidDataCollectionEndpoint", said, target)


def _streams(declared: dict[str, Any]) -> dict[str, dict[str, str]]:
    found = {}
    for name, stream in declared.items():
        target = f"properties.streamDeclarations['{name}']"
        if not name.startswith(CUSTOM):
            raise bad_rule(
                "InvalidStream", f"The name of stream '{name}' must begin with '{CUSTOM}'.", target
            )
        found[name] = {str(each.get("name")): str(each.get("type")) for each in stream.get("columns") or []}
        if not found[name]:
            raise bad_rule("InvalidStreamDeclaration", "A stream needs columns.", target)
        for column, type in found[name].items():
            if type not in TYPES:
                said = f"The type '{type}' of column '{column}' is not supported."
                raise bad_rule("InvalidStreamDeclaration", said, target)
    return found


def _workspaces(state: "State", location: str, asked: list[dict[str, Any]]) -> dict[str, Resource]:
    found = {}
    for number, each in enumerate(asked):
        target, id = f"properties.destinations.logAnalytics[{number}]", str(each.get("workspaceResourceId"))
        workspace = state.store.get(id)
        if workspace is None or workspace.type.lower() != WORKSPACE.lower():
            raise bad_rule("InvalidWorkspace", f"The workspace '{id}' was not found.", target)
        if workspace.state != "Succeeded":
            said = f"The workspace '{id}' is not ready, it is {workspace.state}."
            raise bad_rule("InvalidWorkspace", said, target)
        if region(workspace.body) != region({"location": location}):
            said = f"The workspace '{id}' must be in the rule's location '{location}'."
            raise bad_rule("InvalidWorkspace", said, target)
        found[str(each.get("name"))] = workspace
    return found


def _check_flow(
    state: "State",
    flow: dict[str, Any],
    streams: dict[str, dict[str, str]],
    workspaces: dict[str, Resource],
    target: str,
) -> None:
    if flow.get("transformKql", "source") != "source":
        raise unmodelled(f"the transformation {flow['transformKql']!r}")
    for destination in flow.get("destinations") or [""]:
        if destination not in workspaces:
            raise bad_rule("InvalidDestination", f"Destination '{destination}' is not declared.", target)
    for stream in flow.get("streams") or [""]:
        if stream not in streams:
            raise bad_rule("InvalidStream", f"Stream '{stream}' is not declared.", target)
        output = _output(flow, stream)
        for destination in flow["destinations"]:
            found = _table(state, workspaces[destination].id, output)
            if found is None or found.state != "Succeeded":
                said = f"Table for output stream '{output}' is not available for destination '{destination}'."
                raise bad_rule("InvalidOutputTable", said, target)
            _check_types(streams[stream], columns(found), target)


def _check_types(produced: dict[str, str], wanted: dict[str, str], target: str) -> None:
    if "TimeGenerated" not in produced:
        said = "The stream must produce a column 'TimeGenerated'."
        raise bad_rule("InvalidTransformOutput", said, target)
    wrong = [
        f"{name} [produced:'{type}', output:'{wanted[name]}']"
        for name, type in produced.items()
        if name in wanted and _LIKE.get(wanted[name], wanted[name]) != type
    ]
    if wrong:
        said = "Types of transform output columns do not match the ones defined by the output stream: "
        raise bad_rule("InvalidTransformOutput", said + ", ".join(wrong), target)


def _output(flow: dict[str, Any], stream: str) -> str:
    return str(flow.get("outputStream") or stream)


def _table(state: "State", workspace: str, output: str) -> Resource | None:
    found = state.store.get(f"{workspace}/tables/{output.removeprefix(CUSTOM)}")
    return found if output.startswith(CUSTOM) and found and found.type.lower() == TABLE.lower() else None
