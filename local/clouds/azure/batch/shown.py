"""Pools, nodes, jobs and tasks as the service shows them."""

from typing import Any

from local.clouds.azure.batch import secrets
from local.clouds.azure.batch.models import ENDED, KINDS, Body, Job, Node, Pool, State, Task
from local.clouds.azure.batch.spans import UNLIMITED, stamp

START_FAILED: Body = {
    "category": "usererror",
    "code": "FailureExitCode",
    "message": "The task exited with an exit code representing a failure",
}
_USER = {"autoUser": {"scope": "task", "elevationLevel": "nonadmin"}}


def etag(changed_at: float, version: int) -> str:
    """Another one with every change."""
    return f"0x8D{int(changed_at):X}{version:04X}"


def _state(state: State, name: str = "state", *, previous: bool = False) -> Body:
    shown: Body = {name: state.name, f"{name}TransitionTime": stamp(state.since)}
    if previous and state.before:
        shown["previousState"] = state.before
        shown["previousStateTransitionTime"] = stamp(state.before_since)
    return shown


def pool(found: Pool, url: str) -> Body:
    """One pool. What the request left out has the service's own values."""
    start = found.body.get("startTask")
    shown: Body = {
        "resizeTimeout": "PT15M",
        "taskSlotsPerNode": 1,
        "taskSchedulingPolicy": {"nodeFillType": "spread"},
        "enableInterNodeCommunication": False,
        "enableAutoScale": False,
        **secrets.without(found.body),
        "url": f"{url}/pools/{found.id}",
        "eTag": etag(found.changed_at, found.version),
        "lastModified": stamp(found.changed_at),
        "creationTime": stamp(found.made_at),
        **_state(found.state),
        **_state(found.allocation, "allocationState"),
        **_counts(found),
    }
    if start:
        shown["startTask"] = _start_task(start)
    if found.errors:
        shown["resizeErrors"] = found.errors
    if found.run:
        shown["autoScaleRun"] = found.run
    if found.identity:
        shown["identity"] = _identity(found.identity)
    if found.scales:
        shown.pop("resizeTimeout")
    return shown


def _identity(of: Body) -> Body:
    """The service lists what ARM keeps by id."""
    listed = [{"resourceId": id, **each} for id, each in of["userAssignedIdentities"].items()]
    return {"type": of["type"], "userAssignedIdentities": listed}


def _counts(found: Pool) -> Body:
    current = {f"current{kind[0].upper()}{kind[1:]}Nodes": len(found.of(kind)) for kind in KINDS}
    targets = {f"target{kind[0].upper()}{kind[1:]}Nodes": found.targets[kind] for kind in KINDS}
    return {**current, **targets}


def node(found: Node, pool: Pool, url: str) -> Body:
    """One node."""
    shown: Body = {
        "id": found.id,
        "url": f"{url}/pools/{pool.id}/nodes/{found.id}",
        **_state(found.state),
        "schedulingState": "enabled",
        "lastBootTime": stamp(found.made_at),
        "allocationTime": stamp(found.made_at),
        "ipAddress": "10.0.0.4",
        "affinityId": f"TVM:{found.id}",
        "vmSize": pool.body["vmSize"],
        "isDedicated": found.dedicated,
        "totalTasksRun": found.ran + len(found.tasks),
        "totalTasksSucceeded": found.well,
        "runningTasksCount": len(found.tasks),
        "runningTaskSlotsCount": found.used,
        "nodeAgentInfo": {"version": "1.9.0", "lastUpdateTime": stamp(found.made_at)},
        "virtualMachineInfo": {
            "imageReference": (pool.body.get("virtualMachineConfiguration") or {}).get("imageReference")
        },
    }
    if found.errors:
        shown["errors"] = found.errors
    if pool.body.get("startTask"):
        shown["startTask"] = _start_task(pool.body["startTask"])
        shown["startTaskInfo"] = _start_info(found)
    return shown


def _start_task(body: Body) -> Body:
    return {"userIdentity": _USER, "maxTaskRetryCount": 0, "waitForSuccess": False, **body}


def _start_info(found: Node) -> Body:
    code = found.start_task_exit
    info: Body = {
        "state": "running" if code is None else ENDED,
        "startTime": stamp(found.made_at),
        "retryCount": 0,
    }
    if code is None:
        return info
    ended = {
        "endTime": stamp(found.state.since),
        "exitCode": code,
        "result": "failure" if code else "success",
    }
    if code:
        info["failureInfo"] = START_FAILED
    return {**info, **ended}


def job(found: Job, url: str) -> Body:
    """One job."""
    info: Body = {"startTime": stamp(found.made_at), "poolId": found.pool}
    if found.ended_at:
        info["endTime"] = stamp(found.ended_at)
    if found.reason:
        info["terminateReason"] = found.reason
    limits = {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0, **(found.body.get("constraints") or {})}
    return {
        "priority": 0,
        "maxParallelTasks": -1,
        "allowTaskPreemption": False,
        "usesTaskDependencies": False,
        "onAllTasksComplete": "noaction",
        "onTaskFailure": "noaction",
        **found.body,
        "constraints": limits,
        "url": f"{url}/jobs/{found.id}",
        "eTag": etag(found.changed_at, found.version),
        "lastModified": stamp(found.changed_at),
        "creationTime": stamp(found.made_at),
        **_state(found.state, previous=True),
        "executionInfo": info,
    }


def task(found: Task, url: str) -> Body:
    """One task."""
    job = found.job.body.get("constraints") or {}
    retries = job.get("maxTaskRetryCount", 0)
    limits = {"maxWallClockTime": UNLIMITED, "retentionTime": "P7D", "maxTaskRetryCount": retries}
    shown: Body = {
        "userIdentity": _USER,
        "requiredSlots": 1,
        **found.body,
        "constraints": {**limits, **(found.body.get("constraints") or {})},
        "url": f"{url}/jobs/{found.job.id}/tasks/{found.id}",
        "eTag": etag(found.changed_at, found.run),
        "lastModified": stamp(found.changed_at),
        "creationTime": stamp(found.made_at),
        **_state(found.state, previous=True),
        "executionInfo": _execution(found),
    }
    if found.node:
        node = f"{url}/pools/{found.pool}/nodes/{found.node.id}"
        shown["nodeInfo"] = {
            "affinityId": f"TVM:{found.node.id}",
            "nodeUrl": node,
            "poolId": found.pool,
            "nodeId": found.node.id,
        }
    return shown


def _execution(found: Task) -> dict[str, Any]:
    info: Body = {"retryCount": found.retries, "requeueCount": found.requeues}
    if found.started_at and found.state.name != "active":
        info["startTime"] = stamp(found.started_at)
    if found.requeued_at:
        info["lastRequeueTime"] = stamp(found.requeued_at)
    if found.state.name != ENDED:
        return info
    info |= {"endTime": stamp(found.ended_at), "result": "failure" if found.failure else "success"}
    if found.exit_code is not None:
        info["exitCode"] = found.exit_code
    if found.failure:
        info["failureInfo"] = found.failure
    return info
