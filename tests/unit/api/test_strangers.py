"""Nobody reads or changes another workspace's anything, and a token for one thing opens nothing else."""

import re
from typing import Any

import pytest

from tests.unit.api.front import Front, env_body

HELLO = {"pipeline": "https://github.com/nextflow-io/hello"}
THERE, HERE = "?workspaceId=1", "?workspaceId=0"


def everything(api: Front) -> dict[str, str]:
    """One of each in the workspace; their paths."""
    keys = {"accessKey": "A", "secretKey": "S"}
    credentials = {"credentials": {"name": "aws", "provider": "aws", "keys": keys}}
    environment = api.post(f"/compute-envs{THERE}", env_body("ce"))["computeEnvId"]
    api.work()
    run = api.post(f"/workflow/launch{THERE}", {"launch": HELLO})["workflowId"]
    api.work()
    pipeline = api.post(f"/pipelines{THERE}", {"name": "p", "launch": HELLO})["pipeline"]
    action = {"name": "a", "source": "tower", "launch": HELLO}
    action_id = api.post(f"/actions{THERE}", action)["actionId"]
    label = api.post(f"/labels{THERE}", {"name": "l"})["id"]
    return {
        "credentials": f"/credentials/{api.post(f'/credentials{THERE}', credentials)['credentialsId']}",
        "computeEnvs": f"/compute-envs/{environment}",
        "workflows": f"/workflow/{run}",
        "pipelines": f"/pipelines/{pipeline['pipelineId']}",
        "actions": f"/actions/{action_id}",
        "labels": f"/labels/{label}",
        "launches": f"/launch/{run}Launch",
        "pipeline launches": f"/launch/pipeline{pipeline['pipelineId']:014d}",
        "action launches": f"/launch/{action_id}Action",
        "version": f"/pipelines/{pipeline['pipelineId']}/versions/{pipeline['version']['id']}",
    }


def test_another_workspaces_things_are_neither_listed_nor_found(api: Front) -> None:
    paths = everything(api)
    for name in ("credentials", "compute-envs", "workflow", "pipelines", "actions", "labels"):
        found = api.get(f"/{name}{HERE}")
        assert [rows for rows in found.values() if isinstance(rows, list)] == [[]], name
    for name, path in paths.items():
        for method in ("GET", "DELETE"):
            answer = api.call(method, path + HERE)
            assert answer.status_code in (404, 405), (name, method)
    for path in (
        "/launch", "/schema", "/versions", "/versions/validate",
    ):  # fmt: skip
        assert api.call("GET", paths["pipelines"] + path + HERE + "&name=x").status_code == 404
    for method, path, body in writes(paths):
        answer = api.call(method, path + HERE, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    # None of it came to anything.
    assert api.get(f"/pipelines{THERE}")["pipelines"][0]["name"] == "p"
    assert api.get(f"/actions{THERE}")["actions"][0]["status"] == "ACTIVE"
    assert api.get(f"/workflow{THERE}")["totalSize"] == 1


def writes(paths: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """What would change the workspace's things."""
    pipeline, action = paths["pipelines"], paths["actions"]
    ids = {"workflow": ("workflowIds", "workflows", str), "pipelines": ("pipelineIds", "pipelines", int),
           "actions": ("actionIds", "actions", str)}  # fmt: skip
    labelled = [
        ("POST", f"/{kind}/labels/{mode}", {field: [of(paths[key].rpartition("/")[2])], "labelIds": []})
        for kind, (field, key, of) in ids.items()
        for mode in ("add", "apply", "remove")
    ]
    return [
        ("PUT", pipeline, {"name": "mine"}),
        ("POST", paths["version"], {"name": "mine"}),
        ("PUT", f"{paths['version']}/manage", {"name": "mine"}),
        ("PUT", action, {"name": "mine"}),
        ("POST", f"{action}/pause", {}),
        ("POST", f"{action}/launch", {}),
        ("POST", f"/headnode{action}/token", {}),
        ("POST", f"/headnode{action}/secret", {}),
        ("PUT", paths["labels"], {"name": "mine"}),
        ("POST", f"{paths['workflows']}/cancel", {}),
        ("POST", f"{paths['computeEnvs']}/primary", {}),
        *labelled,
    ]


@pytest.mark.parametrize("use", ["run", "boot", "action"])
def test_a_token_for_one_thing_opens_no_other_operation(api: Front, use: str) -> None:
    paths = everything(api)
    run = paths["workflows"].rpartition("/")[2]
    token = {
        "run": lambda: api.run_token(run),
        "boot": lambda: api.boot_token(run),
        "action": lambda: api.post(f"/headnode{paths['actions']}/token{THERE}")["token"],
    }[use]()
    opened = (
        "/service-info",
        "/healthz",
        "/headnode/runner.pyz",
        "/openapi.json",
        "/docs",
        "/headnode/hooks/",
        "/oauth/",
    )
    walked = 0
    for form, operations in api.get("/openapi.json")["paths"].items():
        if form.startswith(opened):
            continue
        path = re.sub(r"\{[^}]*\}", "1", form)
        for method in operations:
            answer = api.call(method.upper(), path, token=token, json={})
            assert answer.status_code in (400, 403, 404), f"{method} {form}: {answer.status_code}"
            if answer.status_code == 400:
                # Only where any run may speak, and then not without saying which it is.
                assert form == "/trace/create", form
            walked += 1
    assert walked > 100
