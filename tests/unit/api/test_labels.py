"""/labels, and what bears them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import Invalid
from shared.model.machine import Order
from shared.steps.labels import after
from tests.unit.api.front import Front, env_body


def made(api: Front, name: str, **more: object) -> int:
    return int(api.post("/labels", {"name": name, **more})["id"])


def shown(labels: list[dict[str, object]]) -> list[str]:
    return [str(each["name"]) + (f"={each['value']}" if each.get("resource") else "") for each in labels]


def test_a_label_is_made_once_found_changed_and_deleted(api: Front) -> None:
    first = api.post("/labels", {"name": "Genomics"})
    assert first == {"id": first["id"], "name": "Genomics", "isDefault": False, "resource": False}
    assert api.post("/labels", {"name": "genomics"})["id"] == first["id"]
    cost = api.post("/labels", {"name": "cost", "value": "lab 1", "resource": True, "isDefault": True})
    assert (cost["value"], cost["resource"], cost["isDefault"]) == ("lab 1", True, True)
    found = api.get("/labels?max=10&offset=0")
    assert (shown(found["labels"]), found["totalSize"]) == (["cost=lab 1", "Genomics"], 2)
    assert found["labels"][1]["dateCreated"] == "2027-01-15T08:00:00Z"
    assert shown(api.get("/labels?search=geno")["labels"]) == ["Genomics"]
    assert shown(api.get("/labels?type=resource")["labels"]) == ["cost=lab 1"]
    assert shown(api.get("/labels?type=simple&isDefault=false")["labels"]) == ["Genomics"]
    assert api.get("/labels?max=1&offset=1")["labels"][0]["name"] == "Genomics"
    changed = api.put(f"/labels/{cost['id']}", {"value": "lab 2", "isDefault": False})
    assert changed == {"id": cost["id"], "name": "cost", "value": "lab 2", "isDefault": False}
    api.delete(f"/labels/{cost['id']}")
    assert shown(api.get("/labels")["labels"]) == ["Genomics"]
    assert api.call("DELETE", f"/labels/{cost['id']}").status_code == 404
    assert api.get("/labels/dynamic/allowed") == {"values": []}


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "a=b"}, {"name": "a,b"}, {"name": " a"}, {"name": "a" * 129}, {"name": 5},
     {"name": "a", "value": "b", "resource": False}, {"name": "a", "value": "x,y"}, {"name": "a\nb"},
     {"name": "a/b", "value": "c"}, {"name": "a", "value": "b?"}, {"name": "a<b", "resource": True}],
)  # fmt: skip
def test_what_is_no_label_is_refused(api: Front, body: dict[str, object]) -> None:
    assert api.call("POST", "/labels", json=body).status_code == 400
    assert api.get("/labels")["totalSize"] == 0


def test_a_changed_label_may_not_become_another_one(api: Front) -> None:
    made(api, "one")
    two = made(api, "two")
    answer = api.call("PUT", f"/labels/{two}", json={"name": "ONE"})
    assert (answer.status_code, "already exists" in answer.json()["message"]) == (400, True)
    assert api.call("PUT", f"/labels/{two}", json={"value": "x"}).status_code == 400


def test_labels_of_a_run_are_added_applied_removed_and_listed(api: Front) -> None:
    a, b, c = (made(api, name) for name in "abc")
    api.environment()
    run, other = api.launch(labelIds=[a]), api.launch()

    def of(id: str) -> list[str]:
        return shown(api.get(f"/workflow/{id}?attributes=labels")["labels"])

    assert (of(run), of(other)) == (["a"], [])
    api.post("/workflow/labels/add", {"workflowIds": [run, other], "labelIds": [c, b]}, status=204)
    assert (of(run), of(other)) == (["a", "b", "c"], ["b", "c"])
    api.post("/workflow/labels/add", {"workflowIds": [run], "labelIds": [b]}, status=204)
    api.post("/workflow/labels/remove", {"workflowIds": [run], "labelIds": [a, b]}, status=204)
    assert of(run) == ["c"]
    api.post("/workflow/labels/apply", {"workflowIds": [run, other], "labelIds": [a]}, status=204)
    listed = api.get("/workflow?attributes=labels")["workflows"]
    assert [shown(each["labels"]) for each in listed] == [["a"], ["a"]]
    api.delete(f"/labels/{a}")
    assert of(run) == []


def test_labels_of_a_run_are_all_put_or_none(api: Front) -> None:
    a = made(api, "a")
    api.environment()
    run = api.launch()
    body = {"workflowIds": [run, "nothing"], "labelIds": [a]}
    assert api.call("POST", "/workflow/labels/add", json=body).status_code == 404
    unknown = api.call("POST", "/workflow/labels/add", json={"workflowIds": [run], "labelIds": [a, 7]})
    assert (unknown.status_code, unknown.json()["message"]) == (404, "label 7 not found")
    assert api.get(f"/workflow/{run}")["labels"] == []


def test_labels_of_another_workspace_are_unknown_here(api: Front) -> None:
    there = int(api.post("/labels?workspaceId=1", {"name": "a"})["id"])
    api.environment()
    launch = {"pipeline": "a/b", "labelIds": [there]}
    answer = api.call("POST", "/workflow/launch", json={"launch": launch})
    assert "launch.labelIds: label" in answer.json()["message"]
    assert api.get("/labels")["labels"] == []
    # The same name there and here are two labels.
    assert made(api, "a") != there
    assert api.call("PUT", f"/labels/{there}?workspaceId=0", json={"name": "b"}).status_code in (400, 404)


def test_labels_of_an_environment(api: Front) -> None:
    a, b = made(api, "a"), made(api, "cost", value="x")
    body = {**env_body("ce"), "labelIds": [b]}
    id = api.post("/compute-envs", body)["computeEnvId"]
    assert shown(api.get(f"/compute-envs/{id}?attributes=labels")["computeEnv"]["labels"]) == ["cost=x"]
    api.post("/headnode/compute-envs/labels/add", {"computeEnvIds": [id], "labelIds": [a]}, status=204)
    assert shown(api.get("/compute-envs")["computeEnvs"][0]["labels"]) == ["a", "cost=x"]
    wrong = api.call("POST", "/compute-envs", json={**env_body("other"), "labelIds": [3]})
    assert (wrong.status_code, "label 3 not found" in wrong.json()["message"]) == (400, True)


def test_resource_labels_are_on_the_machine_and_fixed_when_the_run_is_submitted(api: Front) -> None:
    plain, cost, team = made(api, "rna"), made(api, "cost", value="lab"), made(api, "team", value="x")
    body = {**env_body("ce", labels={"cost": "config", "site": "here"}), "labelIds": [cost, plain]}
    api.post("/compute-envs", body)
    api.work()
    orders: list[Order] = []
    start = api.cloud.start
    api.cloud.start = lambda order: (orders.append(order), start(order))[1]  # type: ignore[method-assign]
    run = api.post("/workflow/launch", {"launch": {"pipeline": "a/b", "labelIds": [team]}})["workflowId"]
    api.put(f"/labels/{team}", {"value": "y"})
    api.work()
    assert orders[0].labels == {"cost": "lab", "site": "here", "team": "x"}
    assert api.run(run).tags == {"cost": "lab", "team": "x"}


def test_labels_that_are_put_at_once_are_all_there(api: Front) -> None:
    ids = [made(api, f"l{number}") for number in range(8)]
    api.environment()
    run = api.launch()

    def put(id: int) -> int:
        while True:
            body = {"workflowIds": [run], "labelIds": [id]}
            answer = api.call("POST", "/workflow/labels/add", json=body)
            if answer.status_code != 503:  # a client that is told to try again does
                return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(put, ids)) == {204}
    assert len(api.get(f"/workflow/{run}")["labels"]) == 8


def test_nothing_bears_more_than_a_hundred_labels() -> None:
    assert after((1, 2), (2, 3), "add") == (1, 2, 3)
    assert after((1, 2), (3, 3), "apply") == (3,)
    assert after((1, 2, 3), (2,), "remove") == (1, 3)
    with pytest.raises(Invalid):
        after(range(100), (100,), "add")
