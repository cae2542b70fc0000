"""A hundred and more bodies that no client should send: each is a 4xx that names what is wrong, and
leaves nothing behind."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.access import Credentials
from shared.model.environment import Environment
from shared.model.run import Run
from tests.unit.api.front import Front

POSTS = (
    "/compute-envs",
    "/credentials",
    "/workflow/launch",
    "/workflow/delete",
    "/trace/create",
    "/headnode/plan",
)
RAW = {
    "empty": b"",
    "text": b"hello",
    "half": b'{"computeEnv": {',
    "list": b"[]",
    "number": b"5",
    "null": b"null",
    "not-a-number": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "latin-1": b'{"a": "\xe9"}',
    "lone-surrogate": b'{"a": "\\ud800"}',
    "two-values": b"{}{}",
    "deep": b"[" * 100_000,
    "deep-object": b'{"a":' * 500 + b"1" + b"}" * 500,
}


def nothing_stored(api: Front) -> None:
    for kind, index, partition in (
        (Environment, "live", "all"),
        (Credentials, "workspace", "0"),
        (Run, "workspace", "0"),
    ):
        assert api.world.store.find(kind, index, partition).items == ()
    assert api.world.queue.receive(("create", "launch", "dispose", "reap", "logs")) == []


def test_what_is_no_json_object_is_refused_everywhere(api: Front) -> None:
    headers = {"content-type": "application/json"}
    for path in POSTS:
        for name, raw in RAW.items():
            answer = api.call("POST", path, content=raw, headers=headers)
            assert answer.status_code == 400, f"{path} {name}"
            assert answer.json()["message"].startswith("body: "), f"{path} {name}"
    nothing_stored(api)


def test_other_kinds_of_bodies_are_unsupported(api: Front) -> None:
    for path in POSTS:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = api.call("POST", path, content=b"{}", headers={"content-type": kind})
            assert answer.status_code == 415, f"{path} {kind}"
        answer = api.call(
            "POST", path, content=b"{}", headers={"content-type": "application/json; charset=utf-8"}
        )
        assert answer.status_code == 400, path
    nothing_stored(api)


def wrong_environments() -> dict[str, Any]:
    good = {"name": "n", "platform": "aws-cloud", "config": {"workDir": "s3://b/w"}}
    changes: dict[str, Any] = {
        "name": [
            None,
            "",
            " ",
            "a b",
            "a/b",
            "../x",
            "x" * 101,
            5,
            [],
            {},
            "é",
            "a\n",
            "'; drop table x; --",
            "${x}",
        ],
        "platform": [None, "", 5, "x" * 31, [], "moon", "a\nb"],
        "config": [None, [], "x", 5, {"discriminator": "other"}],
        "credentialsId": [5, [], "x" * 23, "missing", "../../x"],
        "description": [5, "x" * 2001, []],
    }
    found = {
        f"{key}={value!r:.20}": (key, {**good, key: value})
        for key, values in changes.items()
        for value in values
    }
    # Credentials that are not named at all are the host's own.
    return {name: case for name, case in found.items() if name != "credentialsId=None"}


@pytest.mark.parametrize("case", wrong_environments().values(), ids=list(wrong_environments()))
def test_a_wrong_environment_is_refused_by_field(api: Front, case: tuple[str, Any]) -> None:
    key, environment = case
    answer = api.call("POST", "/compute-envs", json={"computeEnv": environment})
    assert answer.status_code == 400
    assert key in answer.json()["message"]
    nothing_stored(api)


WRONG_CONFIGS: list[tuple[str, Any]] = [
    ("workDir", 5),
    ("workDir", "a\nb"),
    ("workDir", "x" * 2000),
    ("preRunScript", []),
    ("preRunScript", "a\0b"),
    ("postRunScript", "x" * 70_000),
    ("nextflowConfig", {}),
    ("nextflowConfig", "x" * 100_001),
    ("environment", "x"),
    ("environment", [5]),
    ("environment", [{}]),
    ("environment", [{"name": "a b"}]),
    ("environment", [{"name": "LD PRELOAD"}]),
    ("environment", [{"name": "A", "value": {}}]),
    ("environment", [{"name": "A", "head": "yes"}]),
    ("environment", {"A": "1"}),
]


@pytest.mark.parametrize(("key", "value"), WRONG_CONFIGS)
def test_a_wrong_config_is_refused_by_field(api: Front, key: str, value: Any) -> None:
    body = {"computeEnv": {"name": "n", "platform": "aws-cloud", "config": {key: value}}}
    answer = api.call("POST", "/compute-envs", json=body)
    assert answer.status_code == 400
    assert f"computeEnv.config.{key}" in answer.json()["message"]
    nothing_stored(api)


def test_a_config_that_no_record_can_hold_is_refused(api: Front) -> None:
    config = {"anything": ["x" * 1000] * 400}
    body = {"computeEnv": {"name": "n", "platform": "aws-cloud", "config": config}}
    answer = api.call("POST", "/compute-envs", json=body)
    assert answer.status_code == 400
    assert "computeEnv.config" in answer.json()["message"]
    nothing_stored(api)


def test_a_launch_that_no_record_can_hold_is_refused(api: Front) -> None:
    body = {"launch": {"pipeline": "a/b", **{f"more{n}": "x" * 10_000 for n in range(30)}}}
    answer = api.call("POST", "/workflow/launch", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("launch: is larger")
    nothing_stored(api)


@pytest.mark.parametrize("value", [None, "", 5, [], {}, "a b", "x" * 101, "../x"])
def test_wrong_credentials_are_refused_by_field(api: Front, value: Any) -> None:
    keys = {"accessKey": "A", "secretKey": "S"}
    for key in ("name", "provider", "keys"):
        if (key, value) == ("keys", {}):
            continue
        body = {"credentials": {"name": "n", "provider": "aws", "keys": keys, key: value}}
        answer = api.call("POST", "/credentials", json=body)
        assert answer.status_code == 400, (key, value)
        assert f"credentials.{key}" in answer.json()["message"]
    nothing_stored(api)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "computeEnv",
    "credentials",
    "launch",
    "name",
    "platform",
    "config",
    "keys",
    "provider",
    "pipeline",
    "workflowIds",
    "sessionId",
    "runName",
    "environment",
    "labelIds",
)
shaped = st.recursive(
    anything,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)


@given(path=st.sampled_from(POSTS), value=shaped)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_body_at_all_is_an_internal_error(api: Front, path: str, value: Any) -> None:
    answer = api.call("POST", path, content=json.dumps(value), headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["message"]
