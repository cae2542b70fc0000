"""Bodies that no client should send, for pipelines, labels, actions, tokens and hooks."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.action import Action
from shared.model.label import Label
from shared.model.pipeline import Pipeline, PipelineVersion
from shared.model.run import Run
from tests.unit.api.front import Front
from tests.unit.api.test_malformed import RAW, anything

POSTS = (
    "/labels",
    "/pipelines",
    "/pipeline-schemas",
    "/actions",
    "/tokens",
    "/workflow/labels/add",
    "/pipelines/labels/apply",
    "/actions/labels/remove",
)
FIELDS = (
    "name", "value", "resource", "isDefault", "launch", "pipeline", "computeEnvId", "labelIds", "version",
    "source", "params", "content", "description", "workflowIds", "pipelineIds", "actionIds", "expiresIn",
    "pipelineSchemaId", "id", "cron",
)  # fmt: skip
shaped = st.recursive(
    anything, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6), max_leaves=20
)
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", POSTS)
def test_what_is_no_json_object_is_refused(api: Front, path: str) -> None:
    for name, raw in RAW.items():
        answer = api.call("POST", path, content=raw, headers=JSON)
        assert answer.status_code == 400, name
        assert answer.json()["message"].startswith("body: "), name
    for kind in (Label, Pipeline, Action, Run):
        assert api.world.store.find(kind, "workspace", "0").items == ()  # type: ignore[arg-type]


@given(path=st.sampled_from(POSTS), value=shaped)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_body_at_all_is_an_internal_error(api: Front, path: str, value: Any) -> None:
    answer = api.call("POST", path, content=json.dumps(value), headers=JSON)
    assert answer.status_code in (200, 204, 400, 404, 409, 501), answer.text


@given(value=shaped, put=st.sampled_from(["pipelines", "actions", "labels", "manage", "version", "launch"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_change_breaks_what_is_there(api: Front, value: Any, put: str) -> None:
    launch = {"pipeline": "a/b"}
    [pipeline, *_] = api.get("/pipelines")["pipelines"] or [
        api.post("/pipelines", {"name": "p", "launch": launch})["pipeline"]
    ]
    [action, *_] = api.get("/actions")["actions"] or [
        {"id": api.post("/actions", {"name": "a", "source": "tower", "launch": launch})["actionId"]}
    ]
    label = api.post("/labels", {"name": "l"})["id"]
    id = pipeline["pipelineId"]
    method, path = {
        "pipelines": ("PUT", f"/pipelines/{id}"),
        "actions": ("PUT", f"/actions/{action['id']}"),
        "labels": ("PUT", f"/labels/{label}"),
        "manage": ("PUT", f"/pipelines/{id}/versions/{pipeline['version']['id']}/manage"),
        "version": ("POST", f"/pipelines/{id}/versions/{pipeline['version']['id']}"),
        "launch": ("POST", f"/actions/{action['id']}/launch"),
    }[put]
    answer = api.call(method, path, content=json.dumps(value), headers=JSON)
    assert answer.status_code in (200, 204, 400, 404, 409), answer.text
    # Whatever it was, what is there can be read.
    api.get(f"/pipelines/{id}")
    api.get(f"/pipelines/{id}/launch")
    api.get(f"/actions/{action['id']}")
    assert api.world.store.find(PipelineVersion, "pipeline", str(id)).items


@given(
    path=st.sampled_from(["/labels", "/pipelines", "/actions/validate", "/pipelines/info", "/tokens"]),
    query=st.dictionaries(
        st.sampled_from(["search", "max", "offset", "type", "sortBy", "sortDir", "name", "workspaceId"]),
        st.text(max_size=12) | st.integers().map(str),
        max_size=4,
    ),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_query_is_an_internal_error(api: Front, path: str, query: dict[str, str]) -> None:
    answer = api.call("GET", path, params=query)
    assert answer.status_code in (200, 204, 400, 404, 409), answer.text
