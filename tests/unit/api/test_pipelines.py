"""/pipelines: launches with a name, their versions and schemas."""

import json
from typing import Any

import pytest

from tests.unit.api.front import Front

HELLO = "https://github.com/nextflow-io/hello"


def add(api: Front, name: str = "hello", workspace: str = "", **more: Any) -> dict[str, Any]:
    launch = {"pipeline": HELLO, **more.pop("launch", {})}
    found: dict[str, Any] = api.post(f"/pipelines{workspace}", {"name": name, "launch": launch, **more})[
        "pipeline"
    ]
    return found


def test_a_pipeline_is_added_described_found_and_deleted(api: Front) -> None:
    environment = api.environment()
    label = api.post("/labels", {"name": "rna"})["id"]
    launch = {"computeEnvId": environment, "workDir": "s3://bucket/p", "revision": "main", "newer": {"a": 1}}
    made = add(api, description="says hello", launch=launch, labelIds=[label], version={"name": "v1"})
    assert (made["name"], made["repository"], made["deleted"]) == ("hello", HELLO, False)
    assert isinstance(made["pipelineId"], int)
    assert made["computeEnv"] == {
        "id": environment,
        "name": "ready",
        "platform": "aws-cloud",
        "region": "eu-west-1",
    }
    assert (made["version"]["name"], made["version"]["isDefault"]) == ("v1", True)
    assert [each["name"] for each in made["labels"]] == ["rna"]
    id = made["pipelineId"]
    assert api.get(f"/pipelines/{id}?attributes=labels&attributes=computeEnv")["pipeline"] == made
    listed = api.get("/pipelines?max=50&offset=0&search=hel&visibility=all")
    assert (listed["totalSize"], listed["pipelines"][0]["pipelineId"]) == (1, id)
    shown = api.get(f"/pipelines/{id}/launch")["launch"]
    assert {key: shown[key] for key in ("pipeline", "workDir", "revision")} == {
        "pipeline": HELLO,
        "workDir": "s3://bucket/p",
        "revision": "main",
    }
    assert shown["computeEnv"]["config"]["discriminator"] == "aws-cloud"
    assert api.get(f"/launch/{shown['id']}")["launch"] == shown
    api.delete(f"/pipelines/{id}")
    assert api.get("/pipelines") == {"pipelines": [], "totalSize": 0}
    assert api.call("GET", f"/pipelines/{id}").status_code == 404
    assert api.call("GET", f"/launch/{shown['id']}").status_code == 404
    add(api)  # the name is free again


def test_a_name_is_taken_once_in_a_workspace(api: Front) -> None:
    add(api)
    again = api.call("POST", "/pipelines", json={"name": "Hello", "launch": {"pipeline": "a/b"}})
    assert (again.status_code, again.json()["message"]) == (409, "pipeline Hello already exists")
    assert api.call("GET", "/pipelines/validate?name=HELLO").status_code == 409
    assert api.call("GET", "/pipelines/validate?name=other").status_code == 204
    assert api.call("GET", "/pipelines/validate?name=a%20b").status_code == 400
    add(api, workspace="?workspaceId=1")
    other = add(api, "other")["pipelineId"]
    renamed = api.call("PUT", f"/pipelines/{other}", json={"name": "hello"})
    assert (renamed.status_code, "already exists" in renamed.json()["message"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "a" * 100}, "name"),
        ({"launch": {"revision": "x"}}, "launch.pipeline"),
        ({"launch": {"pipeline": "-c evil"}}, "launch.pipeline"),
        ({"launch": {"pipeline": "a/b", "computeEnvId": "nothing"}}, "launch.computeEnvId"),
        ({"launch": {"pipeline": "a/b", "pipelineSchemaId": 7}}, "launch.pipelineSchemaId"),
        ({"labelIds": [7]}, "labelIds"),
        ({"launch": None}, "launch"),
    ],
)
def test_what_is_wrong_is_named(api: Front, body: dict[str, Any], field: str) -> None:
    whole = {"name": "hello", "launch": {"pipeline": HELLO}, **body}
    answer = api.call("POST", "/pipelines", json=whole)
    assert answer.status_code == 400
    assert field in [each["field"] for each in answer.json()["errors"]]
    assert api.get("/pipelines")["totalSize"] == 0


def test_listing_searches_sorts_and_pages(api: Front) -> None:
    label = api.post("/labels", {"name": "rna"})["id"]
    for name, more in (
        ("beta", {"labelIds": [label]}),
        ("alpha", {"description": "reads RNA"}),
        ("gamma", {}),
    ):
        add(api, name, **more)
        api.clock.advance(1)

    def names(query: str) -> list[str]:
        return [each["name"] for each in api.get(f"/pipelines?{query}")["pipelines"]]

    assert names("") == ["alpha", "beta", "gamma"]
    assert names("search=rna") == ["alpha"]
    assert names("search=label:rna") == ["beta"]
    assert names("search=label:dna") == []
    assert names("sortBy=CREATED&sortDir=DESCENDING") == ["gamma", "alpha", "beta"]
    assert names("max=1&offset=1") == ["beta"]
    assert api.call("GET", "/pipelines?sortBy=COLOUR").status_code == 400
    assert api.get("/pipelines/repositories") == {"pipelines": [HELLO]}


def test_a_launch_may_name_a_pipelines_launch_and_nothing_more(api: Front) -> None:
    environment = api.environment()
    id = add(api, launch={"computeEnvId": environment, "paramsText": '{"x": 1}'})["pipelineId"]
    launch = api.get(f"/pipelines/{id}/launch")["launch"]
    run = api.post("/workflow/launch", {"launch": {"id": launch["id"], "runName": "by_id"}})["workflowId"]
    api.work()
    flow = api.get(f"/workflow/{run}")["workflow"]
    assert (flow["runName"], flow["params"], flow["repository"]) == ("by_id", {"x": 1}, HELLO)
    assert api.get(f"/workflow/{run}?attributes=pipelineInfo")["pipelineInfo"] == {"id": id}
    assert api.get("/workflow?attributes=pipelineInfo")["workflows"][0]["pipelineInfo"] == {"id": id}
    missing = api.call("POST", "/workflow/launch", json={"launch": {"id": "pipeline00000000000007"}})
    assert (missing.status_code, missing.json()["message"]) == (400, "launch.id: pipeline 7 not found")
    elsewhere = {"launch": {"id": launch["id"]}}
    assert api.call("POST", "/workflow/launch?workspaceId=1", json=elsewhere).status_code == 400


def test_a_run_knows_its_pipeline_and_labels_when_nextflow_asks(api: Front) -> None:
    api.environment()
    id = add(api)["pipelineId"]
    labels = [api.post("/labels", body)["id"] for body in ({"name": "rna"}, {"name": "cost", "value": "x"})]
    launch = {"id": f"pipeline{id:014d}", "labelIds": labels}
    run = api.post("/workflow/launch", {"launch": launch})["workflowId"]
    api.work()
    body = {"sessionId": api.run(run).session_id, "runName": "r", "workflowId": run}
    found = api.post("/trace/create", body, token=api.run_token(run))["metadata"]
    assert (found["pipelineId"], found["pipelineName"]) == (id, "hello")
    assert found["labels"] == ["cost=x", "rna"]
    api.delete(f"/pipelines/{id}")
    again = api.post("/trace/create", body, token=api.run_token(run))["metadata"]
    assert again.get("pipelineName") is None


def test_a_pipeline_outlives_its_environment(api: Front) -> None:
    environment = api.environment()
    id = add(api, launch={"computeEnvId": environment})["pipelineId"]
    api.delete(f"/compute-envs/{environment}")
    api.work(120)
    assert "computeEnv" not in api.get("/pipelines")["pipelines"][0]
    assert "computeEnv" not in api.get(f"/pipelines/{id}/launch")["launch"]
    answer = api.call("POST", "/workflow/launch", json={"launch": {"id": f"pipeline{id:014d}"}})
    assert (answer.status_code, "no primary" in answer.json()["message"]) == (400, True)


def test_a_changed_launch_is_a_new_version_and_the_old_one_stays(api: Front) -> None:
    label = api.post("/labels", {"name": "rna"})["id"]
    made = add(api, version={"name": "v1"}, labelIds=[label])
    id, first = made["pipelineId"], made["version"]["id"]
    body = {"description": "new words", "launch": {"pipeline": HELLO}, "labelIds": [label]}
    same = api.put(f"/pipelines/{id}", body)["pipeline"]
    assert (same["version"]["id"], same["description"]) == (first, "new words")
    api.clock.advance(1)
    changed = api.put(f"/pipelines/{id}", {"launch": {"pipeline": HELLO, "revision": "v2"}})["pipeline"]
    assert changed["version"]["id"] != first
    assert (changed["version"]["name"], changed["version"]["isDefault"]) == ("v1", True)
    assert changed["labels"] == []  # those that are not sent are taken off
    assert api.get(f"/pipelines/{id}/launch")["launch"]["revision"] == "v2"
    assert "revision" not in api.get(f"/pipelines/{id}/launch?versionId={first}")["launch"]
    listed = api.get(f"/pipelines/{id}/versions?max=10&offset=0")
    assert (listed["totalSize"], [each["version"].get("name") for each in listed["versions"]]) == (
        2,
        ["v1", None],
    )
    assert api.get(f"/pipelines/{id}/versions?isPublished=true")["totalSize"] == 1
    path = f"/pipelines/{id}/versions/{first}/manage"
    taken = api.call("PUT", path, json={"name": "V1"})
    assert (taken.status_code, "already exists" in taken.json()["message"]) == (409, True)
    assert api.call("GET", f"/pipelines/{id}/versions/validate?name=V1").status_code == 409
    api.put(path, {"name": "v0", "isDefault": True}, status=204)
    assert api.get(f"/pipelines/{id}")["pipeline"]["version"]["name"] == "v0"
    assert api.call("PUT", path, json={"isDefault": False}).status_code == 409
    body = {"launch": {"pipeline": HELLO, "revision": "v3"}}
    api.post(f"/pipelines/{id}/versions/{changed['version']['id']}", body)
    assert api.get(f"/pipelines/{id}")["pipeline"]["version"]["id"] == first
    assert api.call("GET", f"/pipelines/{id}/launch?versionId=nothing").status_code == 404


def test_drafts_do_not_pile_up(api: Front) -> None:
    id = add(api, version={"name": "v1"})["pipelineId"]
    for number in range(55):
        api.clock.advance(1)
        api.put(f"/pipelines/{id}", {"launch": {"pipeline": HELLO, "revision": f"r{number}"}})
    assert api.get(f"/pipelines/{id}/versions")["totalSize"] == 51
    assert api.get(f"/pipelines/{id}")["pipeline"]["version"]["name"] == "v1"


def test_a_schema_is_kept_and_shown_with_the_parameters(api: Front) -> None:
    content = json.dumps({"type": "object", "properties": {"x": {"type": "integer"}}})
    kept = api.post("/pipeline-schemas", {"content": content})["pipelineSchema"]
    assert kept["content"] == content
    launch = {"pipelineSchemaId": kept["id"], "paramsText": '{"x": 1}'}
    id = add(api, launch=launch)["pipelineId"]
    assert api.get(f"/pipelines/{id}/schema") == {"schema": content, "params": '{"x": 1}'}
    assert api.call("GET", f"/pipelines/{add(api, 'bare')['pipelineId']}/schema").status_code == 204
    assert api.call("POST", "/pipeline-schemas", json={"content": "[1]"}).status_code == 400
    wrong = {"name": "x", "launch": {"pipeline": HELLO, **launch}}
    assert api.call("POST", "/pipelines?workspaceId=1", json=wrong).status_code == 400


@pytest.mark.parametrize(
    ("address", "project", "provider", "clone"),
    [
        (HELLO, "nextflow-io/hello", "github", f"{HELLO}.git"),
        (f"{HELLO}.git", "nextflow-io/hello", "github", f"{HELLO}.git"),
        ("nf-core/rnaseq", "nf-core/rnaseq", "github", "https://github.com/nf-core/rnaseq.git"),
        ("git@gitlab.com:a/b.git", "a/b", "gitlab", "https://gitlab.com/a/b.git"),
        ("https://git.example/x/y", "x/y", "git", "https://git.example/x/y.git"),
    ],
)
def test_an_address_is_taken_apart(api: Front, address: str, project: str, provider: str, clone: str) -> None:
    info = api.get(f"/pipelines/info?name={address}&revision=main")["pipelineInfo"]
    assert (info["projectName"], info["provider"], info["cloneUrl"]) == (project, provider, clone)
    assert info["revisions"] == ["main"]


def test_no_address_is_refused(api: Front) -> None:
    assert api.call("GET", "/pipelines/info?name=").status_code == 400
