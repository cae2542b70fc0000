"""Programs that nobody watches: the GitHub launch action, the Terraform provider, Nextflow's login."""

from typing import Any

from tests.unit.api.front import Front, env_body

HELLO = "https://github.com/nextflow-io/hello"
AT = "?workspaceId=1"


def test_the_github_action_launches_a_repository(api: Front) -> None:
    """It runs `tw -o json launch <url> -w 1 --params-file ... --compute-env <name> --wait`, and publishes
    the run's id and address."""
    id = api.post(f"/compute-envs{AT}", env_body("ce"))["computeEnvId"]
    api.work()
    user = api.get("/user-info")["user"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    [row] = [each for each in rows if each.get("workspaceId") == 1]
    assert row["orgName"]
    assert row["workspaceName"]
    [named] = [each for each in api.get(f"/compute-envs{AT}")["computeEnvs"] if each["name"] == "ce"]
    place = api.get(f"/compute-envs/{named['id']}{AT}")["computeEnv"]
    launch = {
        "computeEnvId": id,
        "pipeline": HELLO,
        "workDir": place["config"]["workDir"],
        "revision": "main",
        "configProfiles": ["test", "docker"],
        "paramsText": '{"greeting": "hi"}',
        "preRunScript": "export NXF_VER=25.04.0",
        "runName": "github-4711",
    }
    run = api.post(f"/workflow/launch{AT}", {"launch": launch})["workflowId"]
    assert run
    api.work()
    status = api.get(f"/workflow/{run}{AT}")["workflow"]["status"]
    assert status in ("SUBMITTED", "RUNNING")


class Terraform:
    """Creates, reads back, and plans again: what was sent has to come back, or each plan shows a change."""

    def __init__(self, api: Front) -> None:
        self.api = api

    def same(self, sent: dict[str, Any], read: dict[str, Any]) -> None:
        for name, value in sent.items():
            assert read.get(name) == value, (name, value, read.get(name))

    def gone(self, path: str) -> None:
        """Missing is 400 or 404; a 403 would be an error of access."""
        assert self.api.call("GET", path).status_code in (400, 404)


def test_terraform_labels_pipelines_and_actions(api: Front) -> None:
    terraform = Terraform(api)
    environment = api.post(f"/compute-envs{AT}", env_body("ce"))["computeEnvId"]
    api.work()
    wanted = {"name": "cost", "value": "lab", "resource": True, "isDefault": False}
    label = api.post(f"/labels{AT}", wanted)
    terraform.same(wanted, label)
    listed = api.get(f"/labels{AT}&search=cost")["labels"]
    terraform.same({**wanted, "id": label["id"]}, listed[0])

    launch = {
        "computeEnvId": environment,
        "pipeline": HELLO,
        "workDir": "s3://bucket/work",
        "revision": "main",
        "configProfiles": ["docker"],
        "paramsText": '{"a": 1}',
        "pullLatest": True,
        "headJobCpus": 2,
    }
    body = {"name": "hello", "description": "d", "launch": launch, "labelIds": [label["id"]]}
    made = api.post(f"/pipelines{AT}", {**body, "version": {"name": "v1"}})["pipeline"]
    path = f"/pipelines/{made['pipelineId']}"
    read = api.get(f"{path}{AT}&attributes=labels")["pipeline"]
    terraform.same({"name": "hello", "description": "d", "workspaceId": 1}, read)
    assert read["version"]["name"] == "v1"
    assert [each["id"] for each in read["labels"]] == [label["id"]]
    back = api.get(f"{path}/launch{AT}")["launch"]
    terraform.same({key: value for key, value in launch.items() if key != "computeEnvId"}, back)
    assert back["computeEnv"]["id"] == environment
    api.put(f"{path}{AT}", {**body, "launch": {**launch, "revision": "dev"}})
    assert api.get(f"{path}/launch{AT}")["launch"]["revision"] == "dev"
    # The version that it named keeps its name.
    assert api.get(f"{path}{AT}")["pipeline"]["version"]["name"] == "v1"

    action = api.post(f"/actions{AT}", {"name": "nightly", "source": "tower", "launch": launch})["actionId"]
    shown = api.get(f"/actions/{action}{AT}")["action"]
    terraform.same({"name": "nightly", "source": "tower"}, shown)
    terraform.same({"revision": "main", "headJobCpus": 2}, shown["launch"])

    for gone in (f"/actions/{action}", path, f"/labels/{label['id']}"):
        api.delete(f"{gone}{AT}")
        if not gone.startswith("/labels"):
            terraform.gone(f"{gone}{AT}")
        again = api.call("DELETE", f"{gone}{AT}")
        assert again.status_code == 404


def test_terraform_tokens_orgs_and_workspaces(api: Front) -> None:
    terraform = Terraform(api)
    made = api.post("/tokens", {"name": "ci"})
    assert made["accessKey"]
    [read] = [each for each in api.get("/tokens")["tokens"] if each["id"] == made["token"]["id"]]
    terraform.same({"name": "ci"}, read)
    api.delete(f"/tokens/{made['token']['id']}")

    [organization] = api.get("/orgs")["organizations"]
    shown = api.get(f"/orgs/{organization['orgId']}")["organization"]
    terraform.same({"name": "headnode", "orgId": 1}, shown)
    [listed] = api.get("/orgs/1/workspaces")["workspaces"]
    read = api.get(f"/orgs/1/workspaces/{listed['id']}")["workspace"]
    terraform.same({"name": "main", "fullName": "main", "visibility": "PRIVATE"}, read)
    terraform.gone("/orgs/1/workspaces/2")
    refused = api.call("POST", "/orgs/1/workspaces", json={"workspace": {"name": "x"}})
    assert (refused.status_code, "not served" in refused.json()["message"]) == (501, True)


def test_nextflow_auth_login_makes_itself_a_token(api: Front) -> None:
    made = api.post("/tokens", {"name": "nextflow-2026-11-21"})
    assert api.get("/user-info", token=made["accessKey"])["user"]["userName"] == "headnode"


def test_nextflow_seqera_file_system_lists_nothing(api: Front) -> None:
    assert api.get(f"/datasets{AT}")["datasets"] == []
    assert api.call("GET", f"/datasets/x/versions{AT}").status_code == 404
    assert api.get(f"/data-links{AT}")["dataLinks"] == []
