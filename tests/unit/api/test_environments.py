"""/compute-envs"""

import pytest

from shared.errors import Fault, Refused, Unreachable
from shared.model.environment import Environment
from tests.unit.api.front import Front, env_body


def test_an_environment_is_created_listed_and_described_with_everything_that_was_sent(api: Front) -> None:
    sent = {
        "instanceType": "m5.large",
        "environment": [{"name": "A", "value": "1", "head": True, "compute": False, "note": "kept"}],
        "somethingNewer": {"deep": [1, 2.5, None, True]},
        "preRunScript": "echo hi",
    }
    id = api.environment("prod", **sent)
    assert len(id) == 22
    found = api.get(f"/compute-envs/{id}")["computeEnv"]
    for key, value in sent.items():
        assert found["config"][key] == value
    assert found["config"]["discriminator"] == found["platform"] == "aws-cloud"
    assert found["config"]["forgedResources"] == [{"IamInstanceProfile": "arn:p-1"}, {"IamRole": "arn:r-1"}]
    assert found["primary"] is True
    [entry] = api.get("/compute-envs")["computeEnvs"]
    assert (entry["id"], entry["name"], entry["region"]) == (id, "prod", "eu-west-1")
    assert entry["workDir"] == "s3://bucket/work"


def test_before_it_is_made_it_says_what_it_waits_for(api: Front) -> None:
    id = api.post("/compute-envs", env_body())["computeEnvId"]
    found = api.get(f"/compute-envs/{id}")["computeEnv"]
    assert (found["status"], found["message"]) == ("CREATING", "queued")


def test_a_listing_is_by_workspace_and_by_status(api: Front) -> None:
    api.environment("personal")
    api.environment("shared", workspace="?workspaceId=1")
    assert [each["name"] for each in api.get("/compute-envs")["computeEnvs"]] == ["personal"]
    listed = api.get("/compute-envs?workspaceId=1&status=AVAILABLE")["computeEnvs"]
    assert [(each["name"], each["workspaceName"]) for each in listed] == [("shared", "main")]
    assert api.get("/compute-envs?status=ERRORED")["computeEnvs"] == []
    assert "status" in api.call("GET", "/compute-envs?status=odd").json()["message"]
    assert api.call("GET", "/compute-envs?workspaceId=7").status_code == 404


def test_a_name_is_taken_once_and_the_answer_says_already_exists(api: Front) -> None:
    id = api.environment("twin")
    answer = api.call("POST", "/compute-envs", json=env_body("Twin"))
    assert answer.status_code == 400
    assert "already exists" in answer.json()["message"]
    assert api.call("GET", "/compute-envs/validate?name=twin").status_code == 409
    assert api.call("GET", "/compute-envs/validate?name=other").status_code == 204
    assert api.call("GET", "/compute-envs/validate?name=a%20b").status_code == 400
    assert api.call("GET", "/compute-envs/validate?name=ab%0A").status_code == 400
    api.delete(f"/compute-envs/{id}")
    assert api.call("GET", "/compute-envs/validate?name=twin").status_code == 204
    assert api.environment("twin") != id


def test_a_deleted_one_leaves_the_list_and_can_still_be_described(api: Front) -> None:
    id = api.environment()
    api.delete(f"/compute-envs/{id}")
    assert api.get(f"/compute-envs/{id}")["computeEnv"]["status"] == "DELETING"
    api.work(30)
    found = api.get(f"/compute-envs/{id}")["computeEnv"]
    assert (found["status"], found["deleted"]) == ("DELETED", True)
    assert found["config"]["deletedResources"] == [{"IamInstanceProfile": "arn:p-1"}, {"IamRole": "arn:r-1"}]
    assert api.get("/compute-envs")["computeEnvs"] == []
    api.delete(f"/compute-envs/{id}")


def test_one_with_unfinished_runs_is_not_deleted_and_they_are_named(api: Front) -> None:
    id = api.environment()
    run = api.launch(id, runName="busy_bee")
    answer = api.call("DELETE", f"/compute-envs/{id}")
    assert answer.status_code == 409
    assert "busy_bee" in answer.json()["message"]
    api.finish(run)
    api.delete(f"/compute-envs/{id}")


def test_there_is_one_primary(api: Front) -> None:
    first, second = api.environment("first"), api.environment("second")
    api.post(f"/compute-envs/{second}/primary", {}, status=204)
    api.post(f"/compute-envs/{second}/primary", status=204)
    listed = {each["id"]: each["primary"] for each in api.get("/compute-envs")["computeEnvs"]}
    assert listed == {first: False, second: True}


def test_name_and_description_can_be_changed_and_nothing_else_changes(api: Front) -> None:
    id = api.environment("before")
    api.environment("taken")
    api.put(f"/compute-envs/{id}", {"name": "after", "description": "what for", "config": {}}, status=204)
    found = api.get(f"/compute-envs/{id}")["computeEnv"]
    assert (found["name"], found["description"]) == ("after", "what for")
    assert found["config"]["region"] == "eu-west-1"
    assert api.call("PUT", f"/compute-envs/{id}", json={"name": "taken"}).status_code == 409
    assert api.call("PUT", f"/compute-envs/{id}", json={"credentialsId": "none"}).status_code == 400


def test_a_disabled_one_takes_no_runs(api: Front) -> None:
    id = api.environment()
    api.post(f"/compute-envs/{id}/disable", {}, status=204)
    assert api.get("/compute-envs")["computeEnvs"][0]["status"] == "DISABLED"
    answer = api.call("POST", "/workflow/launch", json={"launch": {"pipeline": "p/q", "computeEnvId": id}})
    assert answer.status_code == 400
    assert "DISABLED" in answer.json()["message"]
    api.post(f"/compute-envs/{id}/enable", {}, status=204)
    assert api.launch(id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/primary"),
        ("POST", "/enable"),
        ("POST", "/disable"),
    ],
)
def test_an_unknown_one_is_not_found(api: Front, method: str, path: str) -> None:
    given = {"json": {"name": "x"}} if method == "PUT" else {}
    answer = api.call(method, f"/compute-envs/doesNotExist{path}", **given)
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]


def test_all_faults_are_told_at_once_and_nothing_is_stored(api: Front) -> None:
    body = env_body("a b", environment=[{"name": "1"}], preRunScript=5, workDir=["x"])
    answer = api.call("POST", "/compute-envs", json=body)
    assert answer.status_code == 400
    fields = {each["field"] for each in answer.json()["errors"]}
    base = "computeEnv.config"
    wanted = {f"{base}.environment.0.name", f"{base}.preRunScript", f"{base}.workDir", "computeEnv.name"}
    assert fields == wanted
    assert api.world.store.find(Environment, "live", "all").items == ()


def test_a_config_of_another_platform_and_an_unknown_platform_are_refused(api: Front) -> None:
    answer = api.call("POST", "/compute-envs", json=env_body(discriminator="azure-cloud"))
    assert "discriminator" in answer.json()["message"]
    answer = api.call("POST", "/compute-envs", json=env_body(platform="moon"))
    assert answer.json()["message"] == "platform: is not supported"


def test_a_dry_run_makes_nothing_and_shows_the_graph_in_the_order_of_making(api: Front) -> None:
    found = api.post("/headnode/plan", env_body("dry"))
    assert found["faults"] == []
    assert [row["key"] for row in found["resources"]] == ["role", "profile"]
    first = {"machine_type": "m5.large", "place": "subnet-1", "spot": False, "tended": False}
    assert found["offers"][0] == first
    assert api.get("/compute-envs")["computeEnvs"] == []
    assert (
        api.post("/headnode/environments/plan", env_body("dry", platform="moon"))["faults"][0]["field"]
        == "platform"
    )


def test_the_full_record_shows_everything_but_secrets(api: Front) -> None:
    id = api.environment()
    found = api.get(f"/headnode/environments/{id}")
    assert found["status"] == "AVAILABLE"
    assert [row["state"] for row in found["resources"]] == ["present", "present"]
    assert found["timeline"][0]["what"] == "CREATING"
    run = api.launch(id)
    shown = api.get(f"/headnode/runs/{run}")
    assert shown["attempts"][0]["machine_id"] == "i-0"
    assert "boot_secret" not in shown["attempts"][0]


def test_a_config_that_cannot_change_is_told_and_the_same_is_no_change(api: Front) -> None:
    id = api.environment()
    path = f"/headnode/environments/{id}"
    before = api.get(path)
    assert api.put(path, {"config": {"region": before["config"]["region"]}}) == before
    answer = api.call("PUT", path, json={"config": {"region": "eu-north-1", "more": {"a": 1}}})
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == ["config.more", "config.region"]
    assert "make another environment" in answer.json()["message"]
    api.delete(f"/compute-envs/{id}")
    assert api.call("PUT", path, json={"config": {}}).status_code == 409
    assert api.call("PUT", path, json={}).status_code == 400


def test_one_is_held_against_its_account_again(api: Front) -> None:
    id = api.environment()
    api.cloud.faults = [Fault("instanceType", "is not sold here any more")]
    found = api.post(f"/compute-envs/{id}/validate", {})
    assert (found["status"], found["transientError"]) == ("INVALID", False)
    assert "instanceType: is not sold" in found["message"]
    assert api.get(f"/compute-envs/{id}")["computeEnv"]["status"] == "INVALID"

    api.cloud.faults = []
    assert api.post(f"/compute-envs/{id}/validate", {})["status"] == "AVAILABLE"
    api.cloud.error = Unreachable("the cloud did not answer")
    found = api.post(f"/compute-envs/{id}/validate", {})
    assert found == {"status": "AVAILABLE", "message": "the cloud did not answer", "transientError": True}


def test_one_is_believed_only_while_it_is_invalid(api: Front) -> None:
    id = api.environment()
    assert api.call("POST", f"/compute-envs/{id}/validate?force=true").status_code == 409
    api.cloud.error = Refused("the keys are gone")
    assert api.post(f"/compute-envs/{id}/validate", {})["message"] == "the keys are gone"
    assert api.post(f"/compute-envs/{id}/validate?force=true", {})["status"] == "AVAILABLE"
    api.delete(f"/compute-envs/{id}")
    assert api.call("POST", f"/compute-envs/{id}/validate").status_code == 409
