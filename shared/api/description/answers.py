"""The shapes of the API's answers. Tests hold every answer of every test against them, so that what is said
here and what is answered are one."""

from collections.abc import Mapping
from typing import Any

from shared.api.answers import progress, runs, tasks
from shared.api.description.shapes import (
    TIME,
    Fields,
    Schema,
    example,
    listed,
    nullable,
    one_of,
    opened,
    record,
)
from shared.api.keys import CHECKS
from shared.api.trace_bodies import TASK_STATUSES
from shared.api.unserved import EMPTY
from shared.model.states import ENVIRONMENT, RUN

ERROR: Schema = record(
    {"message": str}, {"errors": listed(record({"code": str, "field": str, "message": str}))}
)
WORKSPACE: Fields = {"orgId": int, "orgName": str, "workspaceId": int, "workspaceName": str}
KEYED: Schema = opened(record({"discriminator": str}))
"""What is made of different fields, as its discriminator says."""
CONFIG: Schema = {
    **opened(record({"discriminator": str}, {"workDir": str})),
    "description": "As it was sent, with what was made for it.",
}
DATES: Fields = {"dateCreated": TIME, "lastUpdated": TIME, "lastUsed": TIME}
STATES = one_of(tuple(ENVIRONMENT))
COUNTERS: Fields = {
    **dict.fromkeys((*progress.SAME, *progress.LOADS, *progress.SPENT, "loadTasks", "peakTasks"), int),
    "cpuEfficiency": float,
    "memoryEfficiency": float,
}
"""All of them are required: clients fail without one."""

WORKFLOW: Schema = record(
    {
        "id": str, "runName": str, "sessionId": str, "status": one_of(tuple(RUN)), "submit": TIME,
        "dateCreated": TIME, "ownerId": int, "userName": str, "workDir": str,
        "projectName": str, "commandLine": str, "configFiles": list, "params": dict, "resume": bool,
        "deleted": bool, "requiresAttention": bool,
    },
    {
        **{name: kind for name, kind in runs.REPORTED.items() if name not in ("start", "complete")},
        **{name: record({}, kinds) for name, kinds in runs.NESTED.items() if name != "nextflow"},
        "nextflow": record({}, {"version": str, "build": str, "timestamp": str}),
        "start": str, "complete": str, "lastUpdated": TIME, "launchId": str, "configProfiles": listed(str),
        "preRunScript": str, "postRunScript": str,
    },
)  # fmt: skip

COMPONENTS: Mapping[str, Schema] = {
    "Error": ERROR,
    "Label": record(
        {"id": int, "name": str, "resource": bool, "isDefault": bool, "isDynamic": bool,
         "isInterpolated": bool, "dateCreated": TIME},
        {"value": str},
    ),
    "ComputeEnv": record(
        {"id": str, "name": str, "platform": str, "config": CONFIG, "status": STATES, "primary": bool,
         "dateCreated": TIME, "lastUpdated": TIME},
        {"description": str, "message": str, "credentialsId": str, "lastUsed": TIME, "deleted": bool,
         "orgId": int, "workspaceId": int, "labels": listed("Label")},
    ),
    "ComputeEnvEntry": record(
        {"id": str, "name": str, "platform": str, "status": STATES, "primary": bool, "waveEnabled": bool,
         "fusion2Enabled": bool, "schedEnabled": bool, "labels": listed("Label")},
        {"description": str, "message": str, "credentialsId": str, "region": str, "workDir": str,
         "lastUsed": TIME, "workspaceName": str},
    ),
    "Credentials": record(
        {"id": str, "name": str, "provider": one_of(tuple(CHECKS)), "keys": KEYED,
         "dateCreated": TIME, "lastUpdated": TIME, "status": one_of(("AVAILABLE", "INVALID"))},
        {"description": str, "baseUrl": str, "category": str, "lastUsed": TIME, "lastValidated": TIME,
         "message": str, "deleted": bool},
    ),
    "Workflow": WORKFLOW,
    "Progress": record(
        {
            "workflowProgress": record({**COUNTERS, "executors": listed(str)}),
            "processesProgress": listed(record({**COUNTERS, "process": str})),
            "totalProcesses": int,
        }
    ),
    "Launch": record(
        {"id": str, "pipeline": str},
        {**{name: {} for name in runs.LAUNCH_FIELDS}, "sessionId": str, "runName": str,
         "computeEnv": "ComputeEnv",
         "dateCreated": TIME, "lastUpdated": TIME, "workDir": str},
    ),
    "Task": record(
        {"taskId": int, "status": one_of(TASK_STATUSES)},
        {**tasks.FIELDS, "nativeId": str, "exitStatus": int, "priceModel": one_of(("standard", "spot"))},
    ),
    "Log": record(
        {"entries": listed(str), "truncated": bool, "pending": bool,
         "downloads": listed(record({"saveName": str, "fileName": str, "displayText": str}))},
        {"forwardToken": str, "rewindToken": str, "message": str},
    ),
    "Pipeline": record(
        {"pipelineId": int, "name": str, "repository": str, "userId": int, "userName": str,
         "visibility": str, "deleted": bool, "lastUpdated": TIME, "labels": listed("Label"),
         "version": "Version"},
        {**WORKSPACE, "description": str, "icon": str,
         "computeEnv": record({"id": str, "name": str, "platform": str}, {"region": str})},
    ),
    "Version": record(
        {"id": str, "isDefault": bool},
        {"name": str, "hash": str, "creatorUserId": int, "creatorUserName": str, "dateCreated": TIME,
         "lastUpdated": TIME},
    ),
    "Action": record(
        {"id": str, "name": str, "source": one_of(("github", "tower")),
         "status": one_of(("ACTIVE", "PAUSED", "ERROR")), "config": KEYED,
         "dateCreated": TIME, "labels": listed("Label")},
        {"event": opened(record({"discriminator": str, "timestamp": TIME})), "error": str, "lastSeen": TIME,
         "pipeline": str, "endpoint": str, "usageCmd": str, "hookId": str, "hookUrl": str,
         "lastUpdated": TIME, "launch": "Launch"},
    ),
    "Token": record({"id": int, "name": str, "dateCreated": TIME}, {"lastUsed": TIME}),
    "Organization": record({"orgId": int, "name": str, "fullName": str, "memberRole": str}),
    "Workspace": record({"id": int, "name": str, "fullName": str, "visibility": str}),
}  # fmt: skip
"""What several answers hold."""


def counted(name: str, kind: Any) -> Schema:
    """A page of a listing."""
    return record({name: listed(kind), "totalSize": int})


CHECKED: Schema = record({"status": str, "message": nullable(str), "transientError": bool})
ID: Schema = record({"workflowId": str})
STATUS: Schema = record({"status": str, "workflowId": str}, {"watchUrl": str})
LABEL: Schema = record({"id": int, "name": str, "isDefault": bool}, {"value": str, "resource": bool})
HOOK: Fields = {"hookUrl": str}
SIZE: Schema = record(
    {"name": str, "usd": nullable(float), "usdPerTask": nullable(float), "tasks": int, "slots": int,
     "slotsPerTask": int, "vcpus": int, "memoryGiB": float, "diskGiB": int, "nvmeGiB": int,
     "architecture": one_of(("x64", "arm64")), "retires": nullable(str), "quotaFamily": str, "autopool": bool,
     "warnings": listed(str),
     "nodesLeft": nullable(record({"dedicated": nullable(int), "spot": nullable(int)}))}
)  # fmt: skip
MEMBER: Fields = {"memberId": int, "userName": str}

ANSWERS: Mapping[str, Schema | str] = {
    **{f"GET {path}": example(answer) for path, answer in EMPTY.items()},
    "GET /service-info": record(
        {"serviceInfo": opened(record(
            {"version": str, "apiVersion": str, "authTypes": listed(str), "heartbeatInterval": int,
             "launchConfigTextMaxSize": int, "launchParamsTextMaxSize": int}
        ))}
    ),
    "GET /healthz": record({"status": str}),
    "GET /user-info": record(
        {"user": record({"id": int, "userName": str, "deleted": bool, "notification": bool}),
         "needConsent": bool}
    ),
    "GET /user/{user_id}/workspaces": record(
        {"orgsAndWorkspaces": listed(record(
            {"orgId": int, "orgName": str, "workspaceId": nullable(int), "workspaceName": nullable(str)},
            {"workspaceFullName": str, "visibility": str, "roles": listed(str)},
        ))}
    ),
    "GET /orgs": counted("organizations", "Organization"),
    "GET /orgs/{org_id}": record({"organization": "Organization"}),
    "GET /orgs/{org_id}/workspaces": record({"workspaces": listed("Workspace")}),
    "GET /orgs/{org_id}/workspaces/{workspace_id}": record({"workspace": "Workspace"}),
    "GET /orgs/{org_id}/workspaces/{workspace_id}/participants": counted(
        "participants", record({**MEMBER, "participantId": int, "orgRole": str, "wspRole": str, "type": str})
    ),
    "GET /orgs/{org_id}/members": counted("members", record({**MEMBER, "userId": int, "role": str})),
    "GET /orgs/{org_id}/teams": counted("teams", {}),
    "GET /orgs/{org_id}/collaborators": counted("members", {}),
    "GET /tokens": record({"tokens": listed("Token")}),
    "POST /tokens": record({"accessKey": str, "token": "Token"}),
    "GET /credentials": record({"credentials": listed("Credentials")}),
    "POST /credentials": record({"credentialsId": str}),
    "GET /credentials/{id}": record({"credentials": "Credentials"}, {"setupSnippet": str}),
    "GET /compute-envs": record({"computeEnvs": listed("ComputeEnvEntry")}),
    "POST /compute-envs": record({"computeEnvId": str}),
    "GET /compute-envs/{id}": record({"computeEnv": "ComputeEnv"}),
    "POST /compute-envs/{id}/validate": CHECKED,
    "POST /credentials/{id}/validate": CHECKED,
    "GET /platforms": record(
        {"platforms": listed(record({"id": str, "name": str, "credentialsProviders": listed(str)}))}
    ),
    "GET /platforms/{platform_id}": record({"metainfo": KEYED}),
    "GET /platforms/{platform_id}/regions": record({"regions": listed(record({"id": str, "name": str}))}),
    "GET /labels": counted("labels", "Label"),
    "POST /labels": LABEL,
    "PUT /labels/{id}": LABEL,
    "GET /labels/dynamic/allowed": record({"values": listed(str)}),
    "GET /pipelines": counted("pipelines", "Pipeline"),
    "POST /pipelines": record({"pipeline": "Pipeline"}),
    "GET /pipelines/{id}": record({"pipeline": "Pipeline"}),
    "PUT /pipelines/{id}": record({"pipeline": "Pipeline"}),
    "GET /pipelines/{id}/launch": record({"launch": "Launch"}),
    "GET /pipelines/{id}/schema": record({"schema": str}, {"params": str}),
    "GET /pipelines/{id}/versions": counted("versions", "Pipeline"),
    "POST /pipelines/{id}/versions/{version_id}": record({"pipeline": "Pipeline"}),
    "GET /pipelines/info": record(
        {"pipelineInfo": record(
            {"projectName": str, "simpleName": str, "repositoryUrl": str, "cloneUrl": str, "provider": str,
             "configFiles": listed(str), "workDirs": listed(str), "profiles": listed(str),
             "revisions": listed(str), "warnings": listed(str)}
        )}
    ),
    "GET /pipelines/repositories": record({"pipelines": listed(str)}),
    "POST /pipeline-schemas": record({"pipelineSchema": record({"id": int, "content": str})}),
    "GET /actions": record({"actions": listed("Action")}),
    "POST /actions": record({"actionId": str}),
    "GET /actions/types": record(
        {"eventTypes": listed(record({"source": str, "display": str, "description": str, "enabled": bool}))}
    ),
    "GET /actions/{action_id}": record({"action": "Action"}),
    "POST /actions/{action_id}/launch": ID,
    "POST /headnode/actions/{action_id}/token": record({**HOOK, "token": str, "usageCmd": str}),
    "POST /headnode/actions/{action_id}/secret": record({**HOOK, "secret": str}),
    "POST /headnode/hooks/github/{action_id}": record({}, {"workflowId": str, "message": str}),
    "POST /workflow/launch": ID,
    "GET /launch/{id}": record({"launch": "Launch"}),
    "GET /workflow": record(
        {"workflows": listed(record(
            {"workflow": "Workflow", "progress": "Progress", "labels": listed("Label"), "starred": bool,
             "optimized": bool},
            {**WORKSPACE, "pipelineInfo": record({"id": int}, {"workspaceId": int})},
        )), "hasMore": bool},
        {"totalSize": int},
    ),
    "GET /workflow/random-name": record({"name": str}),
    "POST /workflow/delete": record({"failedWorkflowIds": listed(str)}),
    "GET /workflow/{workflow_id}": record(
        {"workflow": "Workflow", "progress": "Progress", "platform": record({}, {"id": str, "name": str}),
         "jobInfo": record(
             {"status": str}, {"id": int, "operationId": str, "exitCode": int, "message": str}
         ),
         "messages": listed(str), "labels": listed("Label"), "optimized": bool, "instancesProvisioned": int},
        {**WORKSPACE, "pipelineInfo": record({"id": int}, {"workspaceId": int})},
    ),
    "GET /workflow/{workflow_id}/star": ID,
    "POST /workflow/{workflow_id}/star": ID,
    "DELETE /workflow/{workflow_id}/star": ID,
    "GET /workflow/{workflow_id}/launch": record({"launch": nullable("Launch")}),
    "GET /workflow/{workflow_id}/progress": record({"progress": "Progress"}),
    "GET /workflow/{workflow_id}/metrics": record({"metrics": listed(opened(record({}, {"process": str})))}),
    "GET /workflow/{workflow_id}/tasks": record({"tasks": listed(record({"task": "Task"})), "total": int}),
    "GET /workflow/{workflow_id}/task/{task_id}": record({"task": "Task"}),
    "GET /workflow/{workflow_id}/log": record({"log": "Log"}),
    "GET /workflow/{workflow_id}/log/{task_id}": record({"log": "Log"}),
    "POST /trace/create": record({"workflowId": str, "watchUrl": str, "metadata": dict}, {"message": str}),
    "PUT /trace/{workflow_id}/begin": STATUS,
    "PUT /trace/{workflow_id}/progress": STATUS,
    "PUT /trace/{workflow_id}/heartbeat": record({"message": str}),
    "PUT /trace/{workflow_id}/complete": STATUS,
    "POST /headnode/machine/{run_id}/{attempt}/spec": opened(
        record({"run": str, "attempt": int, "token": str, "deadline": float})
    ),
    "POST /headnode/machine/{run_id}/{attempt}/report": record(
        {"go_on": bool, "cancel": bool, "deadline": float}
    ),
    "POST /headnode/launch/config": record(
        {"files": listed(record({"name": str, "source": str, "text": str})),
         "settings": listed(record(
             {"name": str, "value": str, "source": str,
              "over": listed(record({"source": str, "value": str}))}
         )),
         "unread": listed(record({"source": str, "text": str})),
         "faults": listed(record({"field": str, "message": str}))}
    ),
    "GET /headnode/platforms/{platform_id}/sizes": record(
        {"region": str, "machineType": str, "nextflow": nullable(SIZE), "cheaper": nullable(SIZE),
         "notes": listed(str), "listed": str, "priced": str}
    ),
    "POST /headnode/plan": "Preview",
    "POST /headnode/environments/plan": "Preview",
    "GET /headnode/environments/{id}": "Environment",
    "PUT /headnode/environments/{id}": "Environment",
    "GET /headnode/runs/{workflow_id}": "Run",
    "GET /headnode/parked": record(
        {"parked": listed(record({"id": str, "step": str, "subject": str, "reason": str, "at": float})),
         "more": bool}
    ),
    "GET /headnode/parked/{id}": "Parked",
    "POST /headnode/parked/{id}/replay": record({"replayed": str, "step": str, "subject": str}),
    "GET /headnode/permissions/{platform}": {"type": "object"},
    "POST /headnode/permissions/{platform}": {"type": "object"},
    "POST /oauth/access_token": record(
        {"access_token": str, "refresh_token": str, "token_type": str, "expires_in": int}
    ),
}  # fmt: skip
"""Operations that answer with JSON, and what it holds. What is not here answers without a body, or with a
file (FILES)."""
REFUSALS: Mapping[str, Schema] = {
    "POST /oauth/access_token 400": record({"message": str}, {"error": str, "error_description": str}),
    "DELETE /credentials/{id} 409": record(
        {"message": str},
        {"credentialsId": str,
         "conflicts": listed(record({"id": str, "name": str, "type": str, "url": str}))},
    ),
}  # fmt: skip
"""Errors that say more than `Error`."""
FILES: Mapping[str, tuple[str, ...]] = {
    "GET /workflow/{workflow_id}/download": ("text/plain", "text/html"),
    "GET /workflow/{workflow_id}/download/{task_id}": ("text/plain",),
    "GET /headnode/runner.pyz": ("application/zip",),
    "GET /docs": ("text/html",),
}
"""Operations that answer with a file."""
