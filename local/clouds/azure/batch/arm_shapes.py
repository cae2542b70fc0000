"""A pool in ARM's words and in the service's: the same thing, said differently."""

from collections.abc import Mapping
from typing import Any

from local.clouds.azure.batch.models import KINDS, Body, Pool
from local.clouds.azure.batch.spans import stamp

_SAME = (
    *("displayName", "vmSize", "taskSlotsPerNode", "metadata", "startTask", "mountConfiguration"),
    *("userAccounts", "applicationPackages", "upgradePolicy"),
)
"""Properties that both have under one name."""
_FILL = {"pack": "Pack", "spread": "Spread"}
_ALLOCATION = {"steady": "Steady", "resizing": "Resizing", "stopping": "Stopping"}


def to_service(name: str, properties: Mapping[str, Any]) -> Body:
    """What ARM's properties of a pool would be in a request to the service."""
    body: Body = {"id": name, **{key: properties[key] for key in _SAME if properties.get(key) is not None}}
    machine = (properties.get("deploymentConfiguration") or {}).get("virtualMachineConfiguration")
    if machine:
        rest = {key: value for key, value in machine.items() if key != "nodeAgentSkuId"}
        body["virtualMachineConfiguration"] = {**rest, "nodeAgentSKUId": machine.get("nodeAgentSkuId")}
    if properties.get("networkConfiguration"):
        body["networkConfiguration"] = properties["networkConfiguration"]
    if properties.get("taskSchedulingPolicy"):
        fill = str(properties["taskSchedulingPolicy"].get("nodeFillType") or "Spread")
        body["taskSchedulingPolicy"] = {"nodeFillType": fill.lower()}
    if properties.get("interNodeCommunication"):
        body["enableInterNodeCommunication"] = properties["interNodeCommunication"] == "Enabled"
    return {**body, **scale(properties.get("scaleSettings") or {})}


def scale(settings: Mapping[str, Any]) -> Body:
    """The service's words for scaleSettings."""
    automatic, fixed = settings.get("autoScale"), settings.get("fixedScale") or {}
    if automatic:
        body: Body = {"enableAutoScale": True, "autoScaleFormula": automatic.get("formula")}
        if automatic.get("evaluationInterval"):
            body["autoScaleEvaluationInterval"] = automatic["evaluationInterval"]
        return body
    names = ("resizeTimeout", "targetDedicatedNodes", "targetLowPriorityNodes")
    return {"enableAutoScale": False, **{name: fixed[name] for name in names if fixed.get(name) is not None}}


def to_arm(pool: Pool) -> Body:
    """A pool's properties as ARM shows them."""
    body = pool.body
    shown: Body = {
        "provisioningState": "Deleting" if pool.state.name == "deleting" else "Succeeded",
        "provisioningStateTransitionTime": stamp(pool.state.since),
        "allocationState": _ALLOCATION[pool.allocation.name],
        "allocationStateTransitionTime": stamp(pool.allocation.since),
        "creationTime": stamp(pool.made_at),
        "lastModified": stamp(pool.changed_at),
        "interNodeCommunication": "Enabled" if body.get("enableInterNodeCommunication") else "Disabled",
        "taskSlotsPerNode": 1,
        **{key: body[key] for key in _SAME if body.get(key) is not None},
        **{f"current{kind[0].upper()}{kind[1:]}Nodes": len(pool.of(kind)) for kind in KINDS},
        "deploymentConfiguration": {"virtualMachineConfiguration": _machine(body)},
        "taskSchedulingPolicy": {"nodeFillType": _FILL[_fill(body)]},
        "scaleSettings": _scale(pool),
    }
    if body.get("networkConfiguration"):
        shown["networkConfiguration"] = body["networkConfiguration"]
    if pool.errors:
        shown["resizeOperationStatus"] = {
            "errors": pool.errors,
            "startTime": stamp(pool.allocation.before_since),
        }
    if pool.run:
        shown["autoScaleRun"] = {"evaluationTime": pool.run["timestamp"], **_run(pool.run)}
    return shown


def _run(run: Body) -> Body:
    return {name: run[name] for name in ("results", "error") if name in run}


def _fill(body: Body) -> str:
    return str((body.get("taskSchedulingPolicy") or {}).get("nodeFillType") or "spread").lower()


def _machine(body: Body) -> Body:
    machine = dict(body.get("virtualMachineConfiguration") or {})
    agent = machine.pop("nodeAgentSKUId", None)
    return {**machine, "nodeAgentSkuId": agent}


def _scale(pool: Pool) -> Body:
    if pool.scales:
        interval = pool.body.get("autoScaleEvaluationInterval") or "PT15M"
        return {"autoScale": {"formula": pool.body["autoScaleFormula"], "evaluationInterval": interval}}
    targets = {f"target{kind[0].upper()}{kind[1:]}Nodes": pool.targets[kind] for kind in KINDS}
    return {"fixedScale": {"resizeTimeout": pool.body.get("resizeTimeout") or "PT15M", **targets}}
