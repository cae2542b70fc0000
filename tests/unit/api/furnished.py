"""A workspace with everything in it: an environment of each platform, credentials of each kind, runs with
tasks, logs and files, pipelines, actions, labels, tokens. What is in it can be asked for by name."""

import hashlib
import hmac
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from shared.api.auth import issue_token
from shared.api.keys import PUBLIC
from shared.model.access import Credentials
from shared.model.machine import Task
from shared.model.message import Message, Note, Parked, to_text
from tests.unit.api.front import Front

THERE = "?workspaceId=1"
HELLO = "https://github.com/nextflow-io/hello"
GUID = "01234567-89ab-cdef-0123-456789abcdef"
UNIT = "s3://bucket/work/ab/" + "c0ffee" * 5

CONFIGS: dict[str, dict[str, Any]] = {
    "aws-cloud": {
        "region": "eu-west-1", "workDir": "s3://bucket/work", "instanceType": "m5.large", "ebsBootSize": 50,
        "subnetIds": ["subnet-1"], "securityGroups": ["sg-1"], "waveEnabled": False, "fusion2Enabled": False,
        "environment": [{"name": "A", "value": "b", "head": True, "compute": False}],
    },
    "aws-batch": {
        "region": "eu-west-1", "workDir": "s3://bucket/work", "headJobCpus": 2, "volumes": ["/data"],
        "forge": {"type": "SPOT", "minCpus": 0, "maxCpus": 64, "allocStrategy": "SPOT_CAPACITY_OPTIMIZED",
                  "subnets": ["subnet-1"], "disposeOnDeletion": True, "instanceTypes": ["m5"]},
    },
    "azure-cloud": {
        "region": "westeurope", "workDir": "az://container/work", "instanceType": "Standard_D4s_v3",
        "subscriptionId": GUID, "resourceGroup": "group", "subnets": ["default"],
    },
    "azure-batch": {
        "region": "westeurope", "workDir": "az://container/work", "deleteJobsOnCompletionEnabled": True,
        "forge": {"vmType": "Standard_D4s_v3", "vmCount": 4, "autoScale": True, "disposeOnDeletion": True},
    },
    "local-platform": {"workDir": "/data/work", "nextflowConfig": "process.cpus = 1"},
}  # fmt: skip
KEYS: dict[str, dict[str, Any]] = {
    "aws": {"accessKey": "AKIA0", "secretKey": "canary"},
    "azure": {"batchName": "batch", "batchKey": "canary", "storageName": "storage", "storageKey": "canary"},
    "azure_entra": {"batchName": "batch", "storageName": "storage", "tenantId": GUID, "clientId": GUID,
                    "clientSecret": "canary"},
    "azure-cloud": {"tenantId": GUID, "clientId": GUID, "subscriptionId": GUID, "clientSecret": "canary",
                    "storageName": "storage"},
    "github": {"username": "me", "password": "canary"},
    "container-reg": {"userName": "me", "password": "canary", "registry": "registry.example"},
}  # fmt: skip
TASKS = [
    {
        "taskId": number, "status": status, "hash": "ab/c0ffee", "name": f"A ({number})", "process": "A",
        "tag": str(number), "exit": 0 if status in ("COMPLETED", "CACHED") else 2**31 - 1, "attempt": 1,
        "submit": "2026-09-21T10:00:00Z", "start": "2026-09-21T10:00:01Z", "container": "ubuntu",
        "complete": "2026-09-21T10:00:02.5+02:00", "duration": 1500, "realtime": 900, "pcpu": 99.5,
        "pmem": 1, "rss": 1024, "vmem": 2048, "peakRss": 4096, "cpus": 2, "memory": 2**31, "time": 3600000,
        "script": "echo", "env": "A=b", "workdir": UNIT, "executor": "local", "priceModel": "spot",
        "nativeId": 4711, "module": ["m"], "cloudZone": "z", "machineType": "m5.large", "cost": 0.25,
    }
    for number, status in enumerate(("COMPLETED", "CACHED", "FAILED", "RUNNING", "SUBMITTED", "ABORTED"), 1)
]  # fmt: skip
WORKFLOW = {
    "projectName": "nextflow-io/hello", "repository": HELLO, "commitId": "1d71f85", "revision": "master",
    "scriptName": "main.nf", "commandLine": "nextflow run hello", "profile": "standard", "resume": False,
    "container": "ubuntu", "containerEngine": "docker", "configFiles": ["/x/nextflow.config"],
    "params": {"greeting": "hello"}, "start": "2026-09-21T10:00:00Z", "manifest": {"name": "hello"},
    "nextflow": {"version": "25.04.0", "build": 5944, "timestamp": "2025-05-08T00:00:00Z"},
    "stats": {"computeTimeFmt": "(a few seconds)", "succeedCount": 1, "succeedPct": 100.0},
    "wave": {"enabled": False}, "fusion": {"enabled": False, "version": "2.4"},
}  # fmt: skip
COUNTS = {"pending": 0, "submitted": 1, "running": 1, "succeeded": 2, "failed": 1, "cached": 1}


class Account:
    """An account with little to choose from."""

    def regions(self, platform: str) -> list[str]:
        return ["eu-west-1"]

    def look_ups(self, platform: str, region: str, credentials_id: str) -> dict[str, Any]:
        return {"warnings": [], "keyPairs": ["mine"], "buckets": [{"path": "s3://bucket"}]}

    def sizes(self, platform: str, region: str, credentials_id: str, task: Task) -> dict[str, Any]:
        return {
            "region": region, "machineType": task.machine_type, "nextflow": None, "cheaper": None,
            "notes": [], "listed": "2025-04-22", "priced": "2026-06-18",
        }  # fmt: skip

    def prove(self, credentials: Credentials) -> str:
        return ""


def everything(api: Front) -> SimpleNamespace:
    """Fills workspace 1; the ids and tokens of what is there, by name."""
    api.world = replace(api.world, faults=lambda _platform, _config: [], accounts=Account())
    api.__post_init__()
    there = SimpleNamespace(org="1", user="1", workspace="1", platform="aws-cloud", attempt="1", task="1")
    for name, add in ADDED.items():
        setattr(there, name, str(add(api, there)))
    return there


def credentials(api: Front, provider: str, name: str) -> str:
    body = {"credentials": {"name": name, "provider": provider, "keys": KEYS[provider]}}
    return str(api.post(f"/credentials{THERE}", body)["credentialsId"])


def all_credentials(api: Front, there: Any) -> str:
    made = {provider: credentials(api, provider, f"my-{provider}") for provider in KEYS}
    assert set(KEYS) >= set(PUBLIC)
    return made["aws"]


def environment(api: Front, platform: str, name: str, **more: Any) -> str:
    body = {"computeEnv": {"name": name, "platform": platform, "config": CONFIGS[platform], **more}}
    id = api.post(f"/compute-envs{THERE}", body)["computeEnvId"]
    api.work()
    return str(id)


def environments(api: Front, there: Any) -> str:
    made = {platform: environment(api, platform, f"on-{platform}") for platform in CONFIGS}
    return made["aws-cloud"]


def run(api: Front, there: Any) -> str:
    launch = {
        "pipeline": HELLO, "computeEnvId": there.environment, "paramsText": '{"x": 1}',
        "configProfiles": ["test"], "labelIds": [int(there.label), int(there.tag)],
    }  # fmt: skip
    id = api.post(f"/workflow/launch{THERE}", {"launch": launch})["workflowId"]
    api.work()
    return str(id)


def traced(api: Front, there: Any) -> str:
    """A run that a machine of ours began, with tasks of every status."""
    id, there.task = run(api, there), "1"
    token = api.run_token(id)
    session = api.run(id).session_id
    there.run_token = token
    api.post("/trace/create", {"workflowId": id, "sessionId": session, "runName": "r"}, token=token)
    api.put(f"/trace/{id}/begin", {"workflow": WORKFLOW, "processNames": ["A", "B"]}, token=token)
    api.put(f"/trace/{id}/progress", {"tasks": TASKS, "progress": COUNTS, "instant": 1}, token=token)
    api.cloud.lines[1] = ["hello", "world"]
    unit = UNIT.partition("/work/")[2]
    api.cloud.files |= {f"nf-{id}.txt": b"hello", f"{unit}/.command.log": b"hello\n"}
    return id


def over(api: Front, there: Any) -> str:
    """A run that is over, with metrics."""
    id = run(api, there)
    token = there.over_token = api.run_token(id)
    done = {
        **WORKFLOW,
        "success": True,
        "exitStatus": 0,
        "complete": "2026-09-21T10:01:00Z",
        "duration": 60000,
    }
    metrics = [{"process": "A", "cpu": {"mean": 1.0, "min": 0.5, "warnings": []}}]
    api.put(f"/trace/{id}/begin", {"workflow": WORKFLOW}, token=token)
    api.put(f"/trace/{id}/complete", {"workflow": done, "metrics": metrics, "instant": 2}, token=token)
    path = f"/headnode/machine/{id}/1/report"
    api.post(path, {"event": "start"}, token=token)
    api.post(path, {"event": "end", "exit_status": 0}, token=token)
    api.work(120)
    api.post(f"/workflow/{id}/star{THERE}")
    return id


def elsewhere(api: Front, there: Any) -> str:
    body = {"sessionId": GUID, "runName": "far", "projectName": "hello"}
    return str(api.post(f"/trace/create{THERE}", body)["workflowId"])


def booting(api: Front, there: Any) -> str:
    id = run(api, there)
    there.boot_token = api.boot_token(id)
    return id


def pipeline(api: Front, there: Any) -> str:
    schema = api.post(f"/pipeline-schemas{THERE}", {"content": '{"a": 1}'})["pipelineSchema"]["id"]
    launch = {"pipeline": HELLO, "computeEnvId": there.environment, "pipelineSchemaId": schema,
              "paramsText": "{}", "headJobCpus": 2, "pullLatest": True}  # fmt: skip
    body = {"name": "p", "description": "d", "icon": "i", "launch": launch, "version": {"name": "one"},
            "labelIds": [int(there.label)]}  # fmt: skip
    found = api.post(f"/pipelines{THERE}", body)["pipeline"]
    there.version = found["version"]["id"]
    return str(found["pipelineId"])


def action(api: Front, source: str, there: Any) -> str:
    launch = {"pipeline": HELLO, "computeEnvId": there.environment}
    return str(api.post(f"/actions{THERE}", {"name": source, "source": source, "launch": launch})["actionId"])


def hooked(api: Front, there: Any) -> str:
    id = action(api, "tower", there)
    there.hook_token = api.post(f"/headnode/actions/{id}/token")["token"]
    api.post(f"/actions/{id}/launch", {"params": {"a": 1}}, token=there.hook_token)
    return id


def pushed(api: Front, there: Any) -> str:
    id = action(api, "github", there)
    there.secret = api.post(f"/headnode/actions/{id}/secret")["secret"]
    return id


def signed(api: Front, there: Any, delivery: str) -> dict[str, Any]:
    """A push, as GitHub sends it."""
    repository = {"full_name": "nextflow-io/hello", "clone_url": f"{HELLO}.git", "html_url": HELLO,
                  "default_branch": "master", "pushed_at": int(api.clock.now())}  # fmt: skip
    push = {"ref": "refs/heads/master", "after": "1" * 40, "deleted": False, "repository": repository}
    data = json.dumps(push).encode()
    digest = hmac.new(there.secret.encode(), data, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-github-event": "push", "x-github-delivery": delivery,
               "x-hub-signature-256": f"sha256={digest}"}  # fmt: skip
    return {"content": data, "headers": headers, "token": ""}


def parked(api: Front, there: Any) -> str:
    note = Note(at=1.0, reason="it broke")
    body = to_text(Message(step="launch", subject="nobody"))
    record = Parked(
        id="p1", step="launch", subject="x", body=body, reason="it broke", at=1.0, history=(note,)
    )
    api.world.store.put_many([record, record.but(id="p2")])
    return "p1"


def token(api: Front, there: Any) -> str:
    there.expired_token = issue_token(api.world, "old", expires_at=api.clock.now() - 1)
    made = api.post("/tokens", {"name": "mine"})
    return str(made["token"]["id"])


ADDED = {
    "credentials": all_credentials,
    "spare_credentials": lambda api, _: credentials(api, "aws", "spare"),
    "label": lambda api, _: api.post(f"/labels{THERE}", {"name": "plain"})["id"],
    "tag": lambda api, _: api.post(f"/labels{THERE}", {"name": "cost", "value": "a", "resource": True})["id"],
    "spare_label": lambda api, _: api.post(f"/labels{THERE}", {"name": "spare"})["id"],
    "environment": environments,
    "spare_environment": lambda api, _: environment(api, "aws-cloud", "spare"),
    "pipeline": pipeline,
    "run": traced,
    "over": over,
    "gone": over,
    "far": elsewhere,
    "booting": booting,
    "doomed": run,
    "hooked": hooked,
    "pushed": pushed,
    "spare_action": lambda api, there: api.post(
        f"/actions{THERE}", {"name": "spare", "source": "tower", "launch": {"pipeline": HELLO}}
    )["actionId"],
    "parked": parked,
    "token": token,
}
"""In the order in which they need one another."""
