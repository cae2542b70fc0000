"""/headnode: parked messages, permissions, and the open paths."""

import sys

import pytest

from shared.model.message import Message, Note, Parked, to_text
from tests.unit.api.front import Front


def park(api: Front, id: str, body: str, at: float = 1.0) -> None:
    note = Note(at=at, reason="it broke")
    parked = Parked(id=id, step="launch", subject="r", body=body, reason="it broke", at=at, history=(note,))
    api.world.store.put_many([parked])


def test_parked_messages_are_listed_shown_and_sent_again(api: Front) -> None:
    park(api, "p1", to_text(Message(step="launch", subject="run-1", tries=7)), 1.0)
    park(api, "p2", "no message", 2.0)
    listed = api.get("/headnode/parked")["parked"]
    assert [each["id"] for each in listed] == ["p2", "p1"]
    assert "body" not in listed[0]
    shown = api.get("/headnode/parked/p1")
    assert shown["history"] == [{"at": 1.0, "reason": "it broke"}]
    assert api.post("/headnode/parked/p1/replay")["subject"] == "run-1"
    [delivery] = api.world.queue.receive(("launch",))
    assert '"subject":"run-1"' in delivery.text
    assert '"tries":7' not in delivery.text
    assert api.call("GET", "/headnode/parked/p1").status_code == 404
    assert api.call("POST", "/headnode/parked/p1/replay").status_code == 404
    answer = api.call("POST", "/headnode/parked/p2/replay")
    assert answer.status_code == 400
    assert "cannot be replayed" in answer.json()["message"]
    api.delete("/headnode/parked/p2")
    api.delete("/headnode/parked/p2")
    assert api.get("/headnode/parked")["parked"] == []


@pytest.mark.parametrize("step", [None, "create", "launch", "logs", "reap", "dispose"])
def test_the_permissions_of_a_step_are_a_policy(api: Front, step: str | None) -> None:
    found = api.get(f"/headnode/permissions/aws-cloud{f'?step={step}' if step else ''}")
    assert found["Version"] == "2012-10-17"
    assert all(each["Effect"] == "Allow" for each in found["Statement"])


def test_the_permissions_of_an_azure_step_are_a_custom_role(api: Front) -> None:
    whole = api.get("/headnode/permissions/azure-cloud")["properties"]
    launch = api.get("/headnode/permissions/azure-cloud?step=launch")["properties"]
    action = "Microsoft.Compute/virtualMachines/write"
    assert action in whole["permissions"][0]["actions"]
    assert action in launch["permissions"][0]["actions"]
    assert len(launch["permissions"][0]["actions"]) < len(whole["permissions"][0]["actions"])


def test_permissions_of_a_platform_that_was_not_deployed_here_are_not_found(api: Front, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "shared.providers.azure.wired", None)
    answer = api.call("GET", "/headnode/permissions/azure-cloud")
    assert answer.status_code == 404
    assert "azure-cloud" in answer.json()["message"]


def test_permissions_of_what_there_is_not_are_not_found(api: Front) -> None:
    assert api.call("GET", "/headnode/permissions/moon").status_code == 404
    assert api.call("GET", "/headnode/permissions/local-platform").status_code == 404
    assert api.call("GET", "/headnode/permissions/aws-cloud?step=fly").status_code == 400


def test_service_info_is_open_and_of_the_version_that_clients_compare(api: Front) -> None:
    found = api.call("GET", "/service-info", token="").json()["serviceInfo"]
    assert found["apiVersion"] == "1.187.0"
    assert found["version"]


def test_the_one_organization_and_workspace_are_found_by_their_ids(api: Front) -> None:
    user = api.get("/user-info")["user"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    organization, workspace = rows
    assert organization["workspaceId"] is organization["workspaceName"] is None
    found = api.get(f"/orgs/{workspace['orgId']}/workspaces/{workspace['workspaceId']}")["workspace"]
    assert found["name"] == workspace["workspaceName"]
    assert api.get("/orgs")["organizations"][0]["name"] == workspace["orgName"]
    assert api.get(f"/orgs/{workspace['orgId']}")["organization"]["orgId"] == workspace["orgId"]
    for path in ("/user/2/workspaces", "/orgs/2", "/orgs/2/workspaces", "/orgs/1/workspaces/2"):
        assert api.call("GET", path).status_code == 404
    assert api.call("GET", "/user/x/workspaces").status_code == 400
