"""The query API by the real SDK: what may be asked, what comes back, and how it says no."""

import datetime
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryStatus

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, Clients, token
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import NAME, Way, make_way

WORKSPACES = "Microsoft.OperationalInsights/workspaces"


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    """Three lines of two runs."""
    made = make_way(azure, clients)
    made.send(
        {"workflowId": "r1", "attempt": 1, "seq": 1, "message": "Hello, World"},
        {"workflowId": "r1", "attempt": 2, "seq": 10, "message": 'say "no"'},
        {"workflowId": "r2", "attempt": 1, "seq": 2, "message": "C:\\temp\n'x'"},
    )
    return made


CONDITIONS = [
    ('workflowId == "r1"', [1, 10]),
    ("workflowId == 'r1'", [1, 10]),
    ('workflowId == "R1"', []),
    ('workflowId =~ "R1"', [1, 10]),
    ('workflowId != "r1"', [2]),
    ('workflowId !~ "R1"', [2]),
    ("seq > 1", [2, 10]),
    ("seq >= 2", [2, 10]),
    ("seq < 2", [1]),
    ("seq <= 2", [1, 2]),
    ("seq == 2.0", [2]),
    ("seq > -1", [1, 2, 10]),
    ("1 < seq", [2, 10]),
    ("seq in (1, 2)", [1, 2]),
    ("seq !in (1, 2)", [10]),
    ('workflowId in ("r2", "r3")', [2]),
    ('workflowId == "r1" and attempt == 1 and seq > 0', [1]),
    ('workflowId == "r2" or seq == 10', [2, 10]),
    ('workflowId == "r2" or workflowId == "r1" and seq == 1', [1, 2]),
    ('(workflowId == "r2" or workflowId == "r1") and seq == 1', [1]),
    ('not(workflowId == "r1")', [2]),
    ('message has "world"', [1]),
    ('message has "wor"', []),
    ('message !has "world"', [2, 10]),
    ('message contains "WOR"', [1]),
    ('message !contains "o"', [2]),
    ('message startswith "hello"', [1]),
    ('message endswith "\\"no\\""', [10]),
    ("message == 'say \"no\"'", [10]),
    ("message == 'say \\u0022no\\x22'", [10]),
    ("message == 'C:\\\\temp\\n\\'x\\''", [2]),
    ("message startswith @'C:\\temp'", [2]),
    ('message endswith @"say ""no"""', [10]),
    ("isempty(message)", []),
    ("true", [1, 2, 10]),
    ("TimeGenerated > ago(1h)", [1, 2, 10]),
    ("TimeGenerated > ago(1h) and TimeGenerated > now()", []),
    ("TimeGenerated < datetime(2020-01-01T00:00:00Z)", []),
    ('TimeGenerated > datetime("2020-01-01")', [1, 2, 10]),
    ('Type == "Nextflow_log_CL"', [1, 2, 10]),
]


def test_conditions(way: Way):
    for condition, found in CONDITIONS:
        rows = way.ask(f"{NAME} | where {condition} | order by seq asc | project seq")
        assert rows == [[each] for each in found], condition


PIPES = [
    ("sort by workflowId asc, seq desc | project workflowId, seq", [["r1", 10], ["r1", 1], ["r2", 2]]),
    ("order by seq | project seq", [[10], [2], [1]]),
    ("order by seq asc | take 2 | project seq", [[1], [2]]),
    ("order by seq asc | limit 0", []),
    ("top 1 by seq asc | project seq", [[1]]),
    ("count", [[3]]),
    ('where workflowId == "r1" | count', [[2]]),
    ('where workflowId == "nobody" | count', [[0]]),
    ("order by seq asc | project number = seq, text = tostring(seq)", [[1, "1"], [2, "2"], [10, "10"]]),
    ("order by seq asc | extend late = seq > 5 | project late", [[False], [False], [True]]),
    ("distinct workflowId | order by workflowId asc", [["r1"], ["r2"]]),
    ("summarize count() by workflowId | order by workflowId asc", [["r1", 2], ["r2", 1]]),
    ("summarize last = max(seq), min(seq), sum(seq)", [[10, 1, 13]]),
    ("where seq > 99 | summarize count(), max(seq)", [[0, None]]),
    ("where seq > 99 | summarize count() by workflowId", []),
    ("where seq == 1 // the first\n| project seq;", [[1]]),
    ("project seq", [[2], [10], [1]]),
]


def test_pipes(way: Way):
    for pipe, rows in PIPES:
        assert way.ask(f"{NAME} | {pipe}") == rows, pipe


def test_columns_have_types_that_the_sdk_reads(way: Way):
    found = way.clients.logs().query_workspace(
        way.workspace.properties.customer_id, f"{NAME} | take 1 | extend yes = true", timespan=None
    )
    [table] = found.tables

    assert found.status == LogsQueryStatus.SUCCESS
    assert table.name == "PrimaryResult"
    types = dict(zip(table.columns, table.columns_types, strict=True))
    assert types == {
        "TenantId": "string",
        "TimeGenerated": "datetime",
        "workflowId": "string",
        "attempt": "int",
        "seq": "long",
        "message": "string",
        "Type": "string",
        "_ResourceId": "string",
        "yes": "bool",
    }
    assert table.rows[0]["TimeGenerated"].timestamp() == way.azure.state.now


def test_a_span_of_time_limits_what_is_seen(azure_clock: FakeClock, way: Way):
    start = datetime.datetime.fromtimestamp(azure_clock.now(), datetime.UTC)
    hour = datetime.timedelta(hours=1)
    azure_clock.advance(1800)
    for span, count in (
        (None, 3),
        (hour, 3),
        (hour / 4, 0),
        ((start - hour, start + hour), 3),
        ((start + hour, hour), 0),
        ((start - hour, hour), 3),
    ):
        assert way.ask(f"{NAME} | count", span) == [[count]], span


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
