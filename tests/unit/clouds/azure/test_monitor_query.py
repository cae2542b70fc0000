"""The query API by the real SDK: what may be asked, and what comes back."""

import datetime

import pytest
from azure.monitor.query import LogsQueryStatus

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import NAME, Way, some_lines


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    return some_lines(azure, clients)


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
