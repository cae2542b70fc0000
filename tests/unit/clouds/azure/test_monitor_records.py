"""Log records that have come in: when they are seen, for how long, and what of them is kept."""

import datetime

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import NAME, STREAM, Way, make_way


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    return make_way(azure, clients)


def test_records_become_rows(way: Way):
    way.send({"workflowId": "r1", "attempt": 1, "seq": 7, "message": "hällo\t☃"})

    assert way.ask(f"{NAME} | project workflowId, attempt, seq, message") == [["r1", 1, 7, "hällo\t☃"]]
    [entry] = way.azure.journal.entries("ingestion", "upload")
    assert (entry.status, entry.writes, entry.params["stream"]) == (204, True, STREAM)


def test_rows_are_seen_after_a_while_of_the_clock(azure_clock: FakeClock, way: Way):
    way.azure.timings.ingestion = 180
    way.send({"seq": 1})
    azure_clock.advance(100)
    way.send({"seq": 2})

    query = f"{NAME} | order by seq asc | project seq"
    assert way.ask(query) == []
    azure_clock.advance(80)
    assert way.ask(query) == [[1]]
    azure_clock.advance(100)
    assert way.ask(query) == [[1], [2]]


def test_rows_are_kept_for_the_days_of_their_table(azure_clock: FakeClock, way: Way):
    way.send({"seq": 1})
    azure_clock.advance(6 * 86400)
    way.clients = Clients(way.azure)
    way.send({"seq": 2})

    assert way.ask(f"{NAME} | order by seq asc | project seq") == [[1], [2]]
    azure_clock.advance(86401)
    way.clients = Clients(way.azure)
    assert way.ask(f"{NAME} | project seq") == [[2]]


def test_what_is_not_declared_is_dropped(way: Way):
    way.send({"seq": 1, "host": "x", "Type": "y"})

    query = way.clients.logs().query_workspace(way.workspace.properties.customer_id, NAME, timespan=None)
    [table] = query.tables
    assert table.columns == [
        "TenantId",
        "TimeGenerated",
        "workflowId",
        "attempt",
        "seq",
        "message",
        "Type",
        "_ResourceId",
    ]
    assert table.rows[0]["Type"] == NAME


FITTED = [
    ("seq", "12", 12),
    ("seq", 12.0, 12),
    ("seq", 12.5, None),
    ("seq", True, None),
    ("seq", "x", None),
    ("seq", 2**63, None),
    ("seq", [], None),
    ("attempt", 2**31, None),
    ("attempt", -1, -1),
    ("message", 5, "5"),
    ("message", {"a": [1]}, '{"a":[1]}'),
    ("message", None, ""),
    ("message", "é" * 40_000, "é" * 32_768),
]


def test_values_are_made_to_fit_or_are_null(way: Way):
    way.send(*({"workflowId": str(number), each[0]: each[1]} for number, each in enumerate(FITTED)))

    for number, (column, sent, kept) in enumerate(FITTED):
        found = way.ask(f'{NAME} | where workflowId == "{number}" | project {column}')
        assert found == [[kept]], (column, sent)


TIMES = [(-47, -47), (-49, 0), (23, 23), (25, 0), (None, 0)]
"""Hours from now: sent, kept."""


def test_a_time_that_is_far_away_is_now(way: Way):
    now = datetime.datetime.fromtimestamp(way.azure.state.now, datetime.UTC)
    for number, (sent, kept) in enumerate(TIMES):
        at = "some day" if sent is None else (now + datetime.timedelta(hours=sent)).isoformat()
        way.send({"TimeGenerated": at, "seq": number})
        [[found]] = way.ask(f"{NAME} | where seq == {number} | project TimeGenerated")
        assert found - now == datetime.timedelta(hours=kept), sent


def test_records_for_a_table_that_is_gone_are_lost_without_a_word(way: Way):
    way.clients.workspaces.tables.begin_delete("rg", "ws", NAME).result()

    way.send({"seq": 1})
