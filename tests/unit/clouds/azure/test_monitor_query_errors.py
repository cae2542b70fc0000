"""The query API by the real SDK: how it says no, or not quite."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryStatus

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, Clients, token
from tests.unit.clouds.azure.monitoring import NAME, Way, some_lines

WORKSPACES = "Microsoft.OperationalInsights/workspaces"


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    return some_lines(azure, clients)


def inner(act: Any, *arguments: Any, **named: Any) -> list[str]:
    """The chain of a refusal's codes."""
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    assert caught.value.status_code == 400
    found, codes = caught.value.response.json()["error"], []
    while found:
        codes.append(found["code"])
        found = found.get("innererror")
    return codes


NO_QUERIES = [
    f"{NAME} |",
    f"{NAME} | where",
    f"{NAME} | where seq >",
    f"{NAME} | where seq = 1",
    f"{NAME} | where (seq == 1",
    f"{NAME} | where workflowId == 'r1",
    f"{NAME} | where workflowId == 'a\nb'",
    f"{NAME} | where workflowId == '\\q'",
    f'{NAME} | where workflowId == "r1" or "x',
    f"{NAME} | take x",
    f"{NAME} | top 3",
    f"{NAME} | order seq",
    f"{NAME} | project",
    f"{NAME} | take 1 2",
    f"{NAME} | take 1; {NAME}",
    f"{NAME} | where TimeGenerated > datetime(soon)",
    f"{NAME} | where seq !== 1",
    f"{NAME} | where seq == 1x",
    f"{NAME} | where !seq",
    f"{NAME} | join Other on seq",
    "| count",
    "'x'",
    "§",
]


def test_what_is_no_query_is_a_syntax_error(way: Way):
    for query in NO_QUERIES:
        assert inner(way.ask, query) == ["BadArgumentError", "SyntaxError", "SYN0002"], query


SENSELESS = [
    ("Nobody_CL", "SEM0100"),
    ("Nobody_CL | where x == 1", "SEM0100"),
    (NAME.lower(), "SEM0100"),
    (f"{NAME} | where runId == 'r1'", "SEM0100"),
    (f"{NAME} | where SEQ == 1", "SEM0100"),
    (f"{NAME} | project seq | where message == 'x'", "SEM0100"),
    (f"{NAME} | order by nothing", "SEM0100"),
    (f"{NAME} | where seq == '1'", "SEM0064"),
    (f"{NAME} | where seq in (1, '1')", "SEM0064"),
    (f"{NAME} | where TimeGenerated > 5", "SEM0064"),
    (f"{NAME} | where seq has 'x'", "SEM0025"),
    (f"{NAME} | where seq", "SEM0024"),
    (f"{NAME} | where seq == 1 and message", "SEM0024"),
    (f"{NAME} | where strlen(message) == 1", "SEM0260"),
    (f"{NAME} | summarize dcount(seq)", "SEM0260"),
]


def test_what_there_is_not_is_a_semantic_error(way: Way):
    for query, code in SENSELESS:
        assert inner(way.ask, query) == ["BadArgumentError", "SemanticError", code], query


def test_a_syntax_error_says_where(way: Way):
    with pytest.raises(HttpResponseError) as caught:
        way.ask(f"{NAME}\n| where workflowId === 'r1'")

    said = caught.value.response.json()["error"]["innererror"]["innererror"]
    assert (said["line"], said["pos"], said["token"]) == (2, 21, "=")


def test_a_value_that_is_not_escaped_ends_the_literal(way: Way):
    """The API has no parameters: whoever builds queries from text must look after it."""
    sly = 'x" or workflowId != "'

    assert len(way.ask(f'{NAME} | where workflowId == "{sly}"')) == 3


def partial(way: Way, query: str) -> Any:
    return way.clients.logs().query_workspace(way.workspace.properties.customer_id, query, timespan=None)


def test_a_part_of_an_answer_may_be_missing(way: Way):
    way.azure.faults.add("query", "run", kind="PartialError")

    found = partial(way, f"{NAME} | order by seq asc | project seq")

    assert found.status == LogsQueryStatus.PARTIAL
    assert (found.partial_error.code, found.partial_error.details[0]["code"]) == (
        "PartialError",
        "EngineError",
    )
    assert [list(row) for row in found.partial_data[0].rows] == [[1]]
    assert partial(way, NAME).status == LogsQueryStatus.SUCCESS


@pytest.mark.parametrize(("kind", "status"), [("throttle", 429), ("503", 503), ("GatewayTimeout", 504)])
def test_the_service_may_be_busy(way: Way, kind: str, status: int):
    way.azure.faults.add("query", "run", kind=kind, seconds=5, status=status)

    with pytest.raises(HttpResponseError) as caught:
        way.ask(NAME)
    assert caught.value.status_code == status
    assert caught.value.response.headers.get("Retry-After") == ("5" if kind == "throttle" else None)


@pytest.mark.parametrize(
    ("block", "may"),
    [
        ({"actions": [f"{WORKSPACES}/query/read", f"{WORKSPACES}/query/Tables.Custom/read"]}, True),
        ({"actions": [f"{WORKSPACES}/query/read"], "dataActions": [f"{WORKSPACES}/tables/data/read"]}, True),
        ({"actions": ["*/read"]}, True),
        ({"actions": [f"{WORKSPACES}/query/read"]}, False),
        ({"actions": [f"{WORKSPACES}/query/Tables.Custom/read"]}, False),
        ({"dataActions": ["*"]}, False),
        ({}, False),
    ],
)
def test_who_may_ask(way: Way, block: dict[str, list[str]], may: bool):
    way.azure.enforce("operator", block)

    if may:
        assert way.ask(f"{NAME} | count") == [[3]]
        return
    with pytest.raises(HttpResponseError) as caught:
        way.ask(NAME)
    assert (caught.value.status_code, caught.value.error.code) == (403, "InsufficientAccessError")
    assert way.azure.judge.refusals


def post(way: Way, workspace: str, bearer: str, body: Any) -> tuple[int, str]:
    answer = httpx.post(
        f"{way.azure.url}/v1/workspaces/{workspace}/query",
        json=body,
        headers={"Authorization": f"Bearer {bearer}"},
    )
    return answer.status_code, answer.json()["error"]["code"]


def test_requests_that_make_no_sense(way: Way):
    good, id = token(way.azure, "https://api.loganalytics.io"), way.workspace.properties.customer_id
    asked = {"query": NAME}

    assert post(way, id, token(way.azure, ARM), asked) == (401, "InvalidAuthenticationTokenAudience")
    assert post(way, id.replace(id[0], "x"), good, asked) == (404, "WorkspaceNotFoundError")
    assert post(way, "ws", good, asked) == (404, "WorkspaceNotFoundError")
    assert post(way, id, good, {}) == (400, "BadArgumentError")
    assert post(way, id, good, asked | {"timespan": "yesterday"}) == (400, "BadArgumentError")
    assert post(way, id, good, asked | {"workspaces": ["other"]}) == (501, "NotImplemented")


def test_a_deleted_workspace_is_not_found(way: Way):
    way.clients.workspaces.workspaces.begin_delete("rg", "ws").result()

    with pytest.raises(HttpResponseError) as caught:
        way.ask(NAME)
    assert caught.value.error.code == "WorkspaceNotFoundError"
