"""The emulated answers against the official examples of Azure's REST specifications: every field that an
example shows is here and of the same type, but for those that are named as left out."""

from typing import Any

import httpx
import pytest

from tests.azure_cloud import Clients, token
from tests.unit.clouds.azure.monitoring import MONITOR, NAME, STREAM
from tests.unit.clouds.azure.official import EXAMPLES, differences, example
from tests.unit.clouds.azure.writes import Case, cases

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not here")
QUERY = "https://api.loganalytics.io"
DELETED = {
    "msi-arm__IdentityDelete": "msi-arm__IdentityCreate",
    "network-arm__NetworkInterfaceDelete": "network-arm__NetworkInterfaceCreate",
    "operationalinsights-arm__WorkspacesDelete": "operationalinsights-arm__WorkspacesCreate",
    "compute-arm__VirtualMachine_Delete_Force": "compute-arm__VirtualMachine_Create_WithUserData",
    "authorization-arm__RoleAssignments_Delete": "authorization-arm__RoleAssignments_CreateForResourceGroup",
    "authorization-arm__DeleteRoleDefinition": "authorization-arm__PutRoleDefinition",
}
"""The example of a deletion -> that of the write whose resource is deleted."""


@pytest.fixture
def made(clients: Clients) -> dict[str, tuple[Case, httpx.Response]]:
    """All cases, written, and what was answered."""
    answers = {}
    for name, case in cases(clients.group()).items():
        answers[name] = (case, clients.arm("PUT", case.path, case.version, case.body))
        assert answers[name][1].status_code < 300, answers[name][1].text
    return answers


def test_writes_answer_with_the_status_of_the_examples(made: dict[str, tuple[Case, httpx.Response]]):
    for name, (case, answer) in made.items():
        if "_Get_" not in name and "_List_" not in name:
            assert str(answer.status_code) in example(name)["responses"], (name, case.path)


def test_every_field_of_an_example_is_here_or_named_as_left_out(
    clients: Clients, made: dict[str, tuple[Case, httpx.Response]]
):
    for name, (case, answer) in made.items():
        shown = clients.arm("GET", case.then, case.version) if case.then else answer
        found = differences(body(name), shown.json())
        assert {each for each in found if not each.startswith(case.without)} == set(), name
        for each in case.without:
            assert any(path.startswith(each) for path in found), f"{name}: {each} is not left out any more"


def body(name: str) -> Any:
    official = example(name)["responses"]
    return next(official[each]["body"] for each in ("201", "200") if "body" in official.get(each, {}))


def test_deletions_answer_as_the_examples_do(clients: Clients, made: dict[str, tuple[Case, httpx.Response]]):
    for name, write in DELETED.items():
        case, official = made[write][0], example(name)["responses"]
        first, again = (clients.arm("DELETE", case.path, case.version) for _ in range(2))

        assert {str(first.status_code), str(again.status_code)} <= set(official), name
        assert (first.status_code == 204, again.status_code) == (False, 204), name
        if first.content:
            assert differences(official["200"]["body"], first.json()) == set(), name
        for header in official.get(str(first.status_code), {}).get("headers", {}):
            assert header in first.headers, name


def test_records_and_queries_are_those_of_the_examples(
    clients: Clients, made: dict[str, tuple[Case, httpx.Response]]
):
    def post(path: str, audience: str, body: Any, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(clients.cloud, audience)}"}
        return httpx.post(f"{clients.cloud.url}/{path}", params=query, json=body, headers=headers)

    rule = made["monitor-arm__DataCollectionRulesCreate"][1].json()["properties"]["immutableId"]
    official = example("monitor-dp__post_IngestUsingDataCollectionRule")
    asked, records = official["parameters"], official["parameters"]["body"]
    path = f"ingest/dce/dataCollectionRules/{rule}/streams/{STREAM}"
    sent = post(path, MONITOR, records, **{"api-version": asked["api-version"]})
    assert str(sent.status_code) in official["responses"]

    customer = made["operationalinsights-arm__WorkspacesCreate"][1].json()["properties"]["customerId"]
    official = example("monitor-dp__la-post-example")
    wanted, asked = official["responses"]["200"]["body"], official["parameters"]["body"]
    query = {**asked, "query": asked["query"].replace("Usage", NAME)}
    found = post(f"v1/workspaces/{customer}/query", QUERY, query).json()
    assert differences(wanted, found) == set()
    assert len(found["tables"][0]["rows"]) == len(records)


def test_the_comparison_sees_what_is_missing_or_different():
    official = {"a": 1, "b": [{"c": "x", "d": True}], "e": ["x"], "f": None}

    assert differences(official, {"a": 2.5, "b": [{"c": "y", "d": False}], "e": [], "f": None}) == set()
    assert differences(official, {"a": "1", "b": [], "e": ["x"], "f": None}) == {"a!", "b[].c", "b[].d"}
    assert differences(official, {}) == {"a", "b[].c", "b[].d", "e", "f"}
