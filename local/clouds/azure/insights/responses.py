"""Answers about data collection endpoints and rules: all is done at once."""

import uuid
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import copied, group_of, make
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused
from local.clouds.azure.insights import errors, models

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put_endpoint(state: "State", call: Call) -> Answer:
    """Makes or changes one; its answer is the only one that says where records go, for who may not read."""
    group_of(state, call, writes=True)
    asked = call.document().get("properties") or {}
    access = (asked.get("networkAcls") or {}).get("publicNetworkAccess", "Enabled")
    if access not in ("Enabled", "Disabled", "SecuredByPerimeter"):
        raise errors.bad_endpoint(f"publicNetworkAccess can not be '{access}'.")
    old = state.store.get(call.path)
    base, name = f"{state.url}/ingest", call.names["name"]
    shown = {
        "immutableId": old.properties["immutableId"] if old else f"dce-{uuid.uuid4().hex}",
        "configurationAccess": {"endpoint": f"{base}/{name}/control"},
        "logsIngestion": {"endpoint": f"{base}/{name}"},
        "metricsIngestion": {"endpoint": f"{base}/{name}/metrics"},
        "networkAcls": {"publicNetworkAccess": access},
    }
    if asked.get("description"):
        shown["description"] = asked["description"]
    return _shown(*make(state, call, shown))


def put_rule(state: "State", call: Call) -> Answer:
    """Makes or changes one; its immutableId stays the same until it is deleted."""
    group_of(state, call, writes=True)
    asked = call.document()
    if not asked.get("location"):
        raise Refused(400, "LocationRequired", "The location property is required for this definition.")
    properties: dict[str, Any] = copied(asked.get("properties") or {})
    models.check(state, str(asked["location"]), properties)
    for each in properties["destinations"]["logAnalytics"]:
        each["workspaceId"] = models.customer(state, each["workspaceResourceId"])
    old = state.store.get(call.path)
    id = old.properties["immutableId"] if old else f"dcr-{uuid.uuid4().hex}"
    shown = {**properties, "immutableId": id}
    shown.setdefault("dataSources", {})
    if asked.get("kind") == "Direct":
        shown["endpoints"] = {"logsIngestion": f"{state.url}/ingest/{call.names['name']}"}
    return _shown(*make(state, call, shown))


def _shown(resource: Resource, new: bool) -> Answer:
    resource.body["etag"] = f"{resource.generation:08x}-0000-0000-0000-000000000000"
    return Answer.json(resource.shown(), 201 if new else 200)
