"""seqerakit, which makes a whole workspace from a file: it runs the platform's command line, and reads its
messages. Here are the sequences that come of that."""

from typing import Any

from tests.unit.api.front import Front, env_body

HELLO = "https://github.com/nextflow-io/hello"
AT = "?workspaceId=1"


def refused(api: Front, path: str, body: dict[str, Any]) -> str:
    answer = api.call("POST", f"{path}{AT}", json=body)
    assert answer.status_code >= 400
    return str(answer.json()["message"])


def test_a_workspace_is_made_twice_and_the_second_time_says_what_is_there(api: Front) -> None:
    """`on_exists: ignore` and `fail` are decided by the words `already exists`."""
    keys = {"accessKey": "A", "secretKey": "S"}
    bodies: dict[str, dict[str, Any]] = {
        "/credentials": {"credentials": {"name": "aws", "provider": "aws", "keys": keys}},
        "/compute-envs": env_body("ce"),
        "/pipelines": {"name": "hello", "launch": {"pipeline": HELLO}},
        "/actions": {"name": "nightly", "source": "tower", "launch": {"pipeline": HELLO}},
    }
    for path, body in bodies.items():
        api.post(f"{path}{AT}", body)
        assert "already exists" in refused(api, path, body), path
    # Labels are there or made: no error either way.
    first = api.post(f"/labels{AT}", {"name": "rna", "isDefault": False})["id"]
    assert api.post(f"/labels{AT}", {"name": "rna", "isDefault": False})["id"] == first
    # Organizations and workspaces: the one that there is, exists.
    assert api.call("GET", "/orgs/validate?name=headnode").json()["message"].endswith("already exists")
    assert "not served" in refused(api, "/orgs", {"organization": {"name": "x", "fullName": "x"}})


def test_overwriting_deletes_by_name_and_makes_again(api: Front) -> None:
    """`on_exists: overwrite`: delete, wait until the list has it no more, add."""
    api.post(f"/compute-envs{AT}", env_body("ce"))
    api.work()
    [listed] = api.get(f"/compute-envs{AT}")["computeEnvs"]
    api.delete(f"/compute-envs/{listed['id']}{AT}")
    for _ in range(50):
        if not api.get(f"/compute-envs{AT}")["computeEnvs"]:
            break
        api.work(5)
    second = api.post(f"/compute-envs{AT}", env_body("ce"))["computeEnvId"]
    assert second != listed["id"]

    api.post(f"/pipelines{AT}", {"name": "hello", "launch": {"pipeline": HELLO}})
    found = api.get(f"/pipelines{AT}&max=50&offset=0&search=hello&visibility=all")
    [one] = [each for each in found["pipelines"] if each["name"] == "hello"]
    api.delete(f"/pipelines/{one['pipelineId']}{AT}")
    api.post(f"/pipelines{AT}", {"name": "hello", "launch": {"pipeline": HELLO}})

    action = {"name": "nightly", "source": "tower", "launch": {"pipeline": HELLO}}
    api.post(f"/actions{AT}", action)
    [known] = api.get(f"/actions{AT}")["actions"]
    api.delete(f"/actions/{known['id']}{AT}")
    api.post(f"/actions{AT}", action)


def test_what_is_not_there_is_said_so(api: Front) -> None:
    """`--delete` goes on where it reads `not found`."""
    for path in ("/compute-envs/x", "/pipelines/7", "/actions/x", "/labels/7", "/tokens/7", "/credentials/x"):
        answer = api.call("DELETE", f"{path}{AT}")
        assert (answer.status_code, "not found" in answer.json()["message"]) == (404, True), path


def test_launch_of_a_pipeline_by_name_with_a_params_file(api: Front) -> None:
    id = api.post(f"/compute-envs{AT}", env_body("ce"))["computeEnvId"]
    api.work()
    body = {"name": "hello", "launch": {"pipeline": HELLO, "computeEnvId": id, "workDir": "s3://bucket/w"}}
    api.post(f"/pipelines{AT}", body)
    [one] = api.get(f"/pipelines{AT}&max=50&offset=0&search=hello&visibility=all")["pipelines"]
    launch = api.get(f"/pipelines/{one['pipelineId']}/launch{AT}")["launch"]
    asked = {name: value for name, value in launch.items() if name not in ("computeEnv", "lastUpdated")}
    asked |= {"computeEnvId": launch["computeEnv"]["id"], "paramsText": "input: s3://bucket/sheet.csv\n"}
    run = api.post(f"/workflow/launch{AT}&sourceWorkspaceId=1", {"launch": asked})["workflowId"]
    flow = api.get(f"/workflow/{run}{AT}")["workflow"]
    assert (flow["status"], flow["workDir"]) == ("SUBMITTED", "s3://bucket/w")
