"""The platform's command line for pipelines, labels, actions and tokens, request by request: what it sends,
in its order, and the fields without which it crashes. See also tests/contracts/test_api_tw.py."""

from typing import Any

from tests.unit.api.front import Front

HELLO = "https://github.com/nextflow-io/hello"


def workspace(api: Front) -> int:
    """`-w headnode/main`, and what it prints of that afterwards."""
    user = api.get("/user-info")["user"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    [row] = [each for each in rows if each.get("workspaceName") == "main" and each["orgName"] == "headnode"]
    found = api.get(f"/orgs/{row['orgId']}/workspaces/{row['workspaceId']}")["workspace"]
    assert found["visibility"] == "PRIVATE"
    return int(row["workspaceId"])


def primary(api: Front, at: str) -> dict[str, Any]:
    """The environment that it takes when none is named: the primary of those that are there."""
    [listed] = [
        each for each in api.get(f"/compute-envs?status=AVAILABLE&{at}")["computeEnvs"] if each["primary"]
    ]
    found: dict[str, Any] = api.get(f"/compute-envs/{listed['id']}?{at}")["computeEnv"]
    assert found["config"]["workDir"]
    assert found["config"]["discriminator"] == "aws-cloud"
    return found


def labels(api: Front, at: str, *names: str) -> list[int]:
    """`--labels a,b=c`: each is looked for, and made where it is not there."""
    ids = []
    for text in names:
        name, _, value = text.partition("=")
        found = api.get(f"/labels?{at}&max=100&offset=0&search={name}&type=all")
        assert found["totalSize"] is not None
        same = [each for each in found["labels"] if (each["name"], each.get("value") or "") == (name, value)]
        body = {"name": name, "value": value or None, "resource": bool(value), "isDefault": False}
        one = same[0] if same else api.post(f"/labels?{at}", body)
        assert isinstance(one["id"], int)
        assert one["name"] == name
        ids.append(one["id"])
    return ids


def launch_fields(place: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What it sends as a launch: nothing that was not said, but for the fields that it copies."""
    return {
        "computeEnvId": place["id"],
        "pipeline": HELLO,
        "workDir": place["config"]["workDir"],
        "preRunScript": place["config"].get("preRunScript"),
        "postRunScript": place["config"].get("postRunScript"),
        "revision": None,
        "configProfiles": None,
        "paramsText": None,
        "configText": None,
        "towerConfig": None,
        "pullLatest": None,
        "stubRun": None,
        "mainScript": None,
        "entryName": None,
        "schemaName": None,
        "userSecrets": [],
        "workspaceSecrets": [],
        "optimizationId": None,
        "dateCreated": "2026-11-21T01:00:00Z",
        **more,
    }


def add_pipeline(api: Front, at: str, name: str = "hello", **more: Any) -> dict[str, Any]:
    """`pipelines add`."""
    place = primary(api, at)
    body = {"name": name, "description": None, "launch": launch_fields(place), "labelIds": [], **more}
    made: dict[str, Any] = api.post(f"/pipelines?{at}", body)["pipeline"]
    assert made["pipelineId"]
    assert made["name"] == name
    return made


def by_name(api: Front, at: str, name: str) -> dict[str, Any]:
    """How it finds a pipeline by its name."""
    found = api.get(f"/pipelines?{at}&max=50&offset=0&search={name}&visibility=all")
    assert isinstance(found["totalSize"], int)
    [one] = [each for each in found["pipelines"] if each["name"] == name]
    return dict(one)


def test_pipelines_add_launch_view_update_export_and_delete(api: Front) -> None:
    ws = workspace(api)
    at = f"workspaceId={ws}"
    api.environment(workspace=f"?{at}")
    add_pipeline(api, at, labelIds=labels(api, at, "rna", "cost=lab"))
    found = by_name(api, at, "hello")
    assert [each["name"] for each in found["labels"]] == ["cost", "rna"]
    id = found["pipelineId"]

    # launch hello: the pipeline's own launch, sent back as a request
    launch = api.get(f"/pipelines/{id}/launch?{at}")["launch"]
    assert launch["id"]
    assert launch["computeEnv"]["id"]
    assert launch["workDir"] == "s3://bucket/work"
    asked = {name: value for name, value in launch.items() if name not in ("computeEnv", "lastUpdated")}
    asked |= {"computeEnvId": launch["computeEnv"]["id"], "labelIds": labels(api, at, "rna"), "runName": None}
    run = api.post(f"/workflow/launch?{at}&sourceWorkspaceId={ws}", {"launch": asked})["workflowId"]
    shown = api.get(f"/workflow/{run}?{at}&attributes=labels")
    assert [each["name"] for each in shown["labels"]] == ["rna"]
    assert shown["workflow"]["repository"] == HELLO

    # pipelines view, export
    described = api.get(f"/pipelines/{id}?{at}&attributes=labels")["pipeline"]
    for field in ("pipelineId", "name", "repository", "userName", "visibility", "lastUpdated"):
        assert described[field] is not None, field
    assert described["computeEnv"]["name"] == "ready"

    # pipelines update: the default version of those that it lists, under its id
    versions = api.get(f"/pipelines/{id}/versions?{at}")
    [version] = [each["version"] for each in versions["versions"] if each["version"]["isDefault"]]
    assert api.call("GET", f"/pipelines/validate?{at}&name=renamed").status_code == 204
    body = {"name": "renamed", "launch": launch_fields(primary(api, at), revision="v1"), "labelIds": []}
    updated = api.post(f"/pipelines/{id}/versions/{version['id']}?{at}", body)["pipeline"]
    assert (updated["name"], updated["pipelineId"]) == ("renamed", id)
    assert api.get(f"/pipelines/{id}/launch?{at}")["launch"]["revision"] == "v1"
    newest = updated["version"]["id"]
    api.put(f"/pipelines/{id}/versions/{newest}/manage?{at}", {"name": "v1", "isDefault": True}, status=204)

    api.delete(f"/pipelines/{id}?{at}")
    assert api.get(f"/pipelines?{at}&max=100&offset=0") == {"pipelines": [], "totalSize": 0}


def test_pipelines_import_with_overwrite(api: Front) -> None:
    at = f"workspaceId={workspace(api)}"
    api.environment(workspace=f"?{at}")
    first = add_pipeline(api, at)["pipelineId"]
    again = api.call("POST", f"/pipelines?{at}", json={"name": "hello", "launch": {"pipeline": HELLO}})
    assert "already exists" in again.json()["message"]
    api.delete(f"/pipelines/{by_name(api, at, 'hello')['pipelineId']}?{at}")
    assert add_pipeline(api, at)["pipelineId"] != first


def test_labels_add_list_update_and_delete(api: Front) -> None:
    at = f"workspaceId={workspace(api)}"
    made = api.post(f"/labels?{at}", {"name": "cost", "value": "lab", "resource": True})
    for field in ("id", "name", "value", "resource"):
        assert made[field] is not None, field
    listed = api.get(f"/labels?{at}&max=100&offset=0&type=all")
    [one] = listed["labels"]
    assert (one["id"], one["resource"], one["value"]) == (made["id"], True, "lab")
    changed = api.put(f"/labels/{made['id']}?{at}", {"name": "cost", "value": "other", "isDefault": None})
    assert (changed["id"], changed["name"], changed["value"]) == (made["id"], "cost", "other")
    api.delete(f"/labels/{made['id']}?{at}")


def test_labels_of_a_run_by_runs_labels(api: Front) -> None:
    """`runs labels --operations append|set|delete`."""
    at = f"workspaceId={workspace(api)}"
    api.environment(workspace=f"?{at}")
    run = api.post(f"/workflow/launch?{at}", {"launch": {"pipeline": HELLO}})["workflowId"]
    [a, b] = labels(api, at, "a", "b")
    for mode, ids, left in (("add", [a], "a"), ("apply", [b], "b"), ("remove", [b], "")):
        body = {"workflowIds": [run], "labelIds": ids}
        api.post(f"/workflow/labels/{mode}?{at}", body, status=204)
        shown = api.get(f"/workflow/{run}?{at}&attributes=labels")["labels"]
        assert "".join(each["name"] for each in shown) == left


def test_actions_add_list_view_update_and_delete(api: Front) -> None:
    at = f"workspaceId={workspace(api)}"
    api.environment(workspace=f"?{at}")
    place = primary(api, at)
    body = {"name": "nightly", "source": "tower", "launch": launch_fields(place)}
    made = api.post(f"/actions?{at}", body)["actionId"]
    [listed] = api.get(f"/actions?{at}")["actions"]
    for field in ("id", "name", "endpoint", "status", "source"):
        assert listed[field] is not None, field
    assert listed["id"] == made
    shown = api.get(f"/actions/{made}?{at}")["action"]
    for field in ("id", "name", "status", "source", "hookUrl", "launch", "config"):
        assert shown[field] is not None, field
    assert shown["launch"]["computeEnv"]["name"] == "ready"
    # update: what it read, with what was said in its place
    assert api.call("GET", f"/actions/validate?{at}&name=weekly").status_code == 204
    launch = {
        name: value for name, value in shown["launch"].items() if name not in ("computeEnv", "lastUpdated")
    }
    launch |= {"computeEnvId": place["id"], "paramsText": '{"x": 1}'}
    api.put(f"/actions/{made}?{at}", {"name": "weekly", "launch": launch}, status=204)
    api.post(f"/actions/{made}/pause?{at}", {}, status=204)
    shown = api.get(f"/actions/{made}?{at}")["action"]
    assert (shown["name"], shown["status"], shown["launch"]["paramsText"]) == ("weekly", "PAUSED", '{"x": 1}')
    api.delete(f"/actions/{made}?{at}")
    assert api.get(f"/actions?{at}") == {"actions": []}


def test_participants_members_secrets_studios_and_data_links_list(api: Front) -> None:
    """The listings of things that there are none of."""
    ws = workspace(api)
    at = f"workspaceId={ws}&max=100&offset=0"
    [participant] = api.get(f"/orgs/1/workspaces/{ws}/participants?max=100&offset=0")["participants"]
    for field in ("participantId", "type", "userName", "wspRole", "orgRole"):
        assert participant[field] is not None, field
    [member] = api.get("/orgs/1/members?max=100&offset=0")["members"]
    assert (member["memberId"], member["role"]) == (1, "owner")
    assert api.get(f"/pipeline-secrets?workspaceId={ws}")["pipelineSecrets"] == []
    assert api.get(f"/studios?{at}") == {"studios": [], "totalSize": 0}
    assert api.get("/studios/templates?max=20&offset=0") == {"templates": [], "totalSize": 0}
    status = api.call("GET", f"/data-links?workspaceId={ws}&max=1&offset=0").status_code
    assert status == 200  # 202 would have it ask again
    refused = api.call("POST", f"/pipeline-secrets?workspaceId={ws}", json={"name": "a", "value": "b"})
    assert (refused.status_code, "not served" in refused.json()["message"]) == (501, True)
