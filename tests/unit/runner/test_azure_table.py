"""Lines to Log Analytics, beside the run: in batches, bounded, counted, and never in its way."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.runner import aztable
from shared.runner.aztable import BODY, CUT, FIELD, ROOM, Table, cut, packed
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import STREAM, Way, make_way
from tests.unit.runner.azure_vm import AzureVm
from tests.unit.runner.world import RUN, until

TELEMETRY = {"dataActions": ["Microsoft.Insights/Telemetry/Write"]}

Opened = Callable[..., Table]


@pytest.fixture
def vm(azure: EmulatedAzure) -> AzureVm:
    made = AzureVm(azure)
    made.start()
    return made


@pytest.fixture
def way(vm: AzureVm) -> Way:
    return make_way(vm.cloud, vm.clients)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def opened(vm: AzureVm, way: Way, said: list[str]) -> Iterator[Opened]:
    """Makes tables; all are closed at the end."""
    tables: list[Table] = []

    def table(**options: Any) -> Table:
        url = f"{way.ingest}/dataCollectionRules/{way.rule.immutable_id}/streams/{STREAM}"
        tables.append(Table(vm.azure(), url, RUN, 2, said.append, **{"every": 0.01, **options}))
        return tables[-1]

    yield table
    vm.cloud.faults.clear()
    for each in tables:
        each.close(5)


def rows(way: Way) -> list[dict[str, Any]]:
    """What came to the table, whether or not queries see it yet."""
    [table] = [each for each in way.azure.resources() if each.name == "Nextflow_log_CL"]
    return [dict(row.values) for row in table.kept.get("rows", [])]


def numbers(way: Way) -> list[int]:
    return [row["seq"] for row in rows(way)]


def test_lines_get_to_the_table_with_their_numbers(vm: AzureVm, way: Way, opened: Opened) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    table = opened()
    table.offer([(1, "one"), (2, "")])
    table.offer([(3, 'drei — "ünïcode"\t')])
    table.close(10)
    found = rows(way)
    assert [(row["seq"], row["message"]) for row in found] == [
        (1, "one"),
        (2, ""),
        (3, 'drei — "ünïcode"\t'),
    ]
    assert {(row["workflowId"], row["attempt"]) for row in found} == {(RUN, 2)}
    assert table.shortfall() == ""


def test_what_is_sent_is_packed_and_small_enough(vm: AzureVm, way: Way, opened: Opened) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    table = opened()
    lines = [(number, f"{number} " + "ä" * 20_000) for number in range(1, 101)]
    table.offer(lines)
    until(lambda: len(numbers(way)) == 100)
    assert numbers(way) == [number for number, _ in lines]
    calls = [each for each in vm.cloud.journal.entries() if each.service == "ingestion"]
    assert len(calls) > 3
    assert {each.status for each in calls} == {204}


def test_bodies_fit_whatever_the_lines_are() -> None:
    entries = [(n, "2027-01-01T00:00:00.000Z", "é\x01" * (n * 997 % 200_000)) for n in range(1, 60)]
    of: dict[str, object] = {"workflowId": RUN, "attempt": 1}
    left, found = entries, []
    while left:
        taken, body = packed(left, of, BODY)
        assert len(taken) >= 1
        assert len(body) <= BODY
        found += [record["seq"] for record in json.loads(body)]
        left = left[len(taken) :]
    assert found == [number for number, _, _ in entries]


@pytest.mark.parametrize("text", ["x" * FIELD, "x" * (FIELD + 1), "é" * 200_000, "\U0001f40b" * 50_000])
def test_a_line_that_is_too_long_is_cut_with_a_mark(text: str) -> None:
    found = cut(text)
    assert len(found.encode()) <= FIELD
    assert (found == text) is (len(text.encode()) <= FIELD)
    assert found == text or (found.endswith(CUT) and text.startswith(found.removesuffix(CUT)))


@pytest.mark.parametrize("kind", ["throttle", "503", "reset-before", "reset-after"])
def test_a_batch_is_repeated_until_it_is_taken(vm: AzureVm, way: Way, opened: Opened, kind: str) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    vm.cloud.faults.add("ingestion", "upload", kind=kind, times=2)
    table = opened()
    table.offer([(1, "x")])
    until(lambda: 1 in numbers(way))
    table.offer([(2, "y")])
    until(lambda: 2 in numbers(way))
    assert set(numbers(way)) == {1, 2}


def test_a_fresh_grant_is_waited_for(
    vm: AzureVm, way: Way, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runner.azure.GRANT_AFTER", 0.05)
    table = opened()
    table.offer([(1, "x")])
    until(lambda: vm.cloud.judge.refusals)
    assert table.alive
    vm.cloud.enforce(vm.principal, TELEMETRY)
    until(lambda: numbers(way) == [1])


def test_a_right_that_never_comes_ends_the_trying(
    vm: AzureVm, way: Way, opened: Opened, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runner.azure.FRESH", 0.0)
    table = opened()
    table.offer([(1, "x"), (2, "y")])
    until(lambda: not table.alive)
    table.offer([(3, "z")])
    assert table.shortfall() == "3 lines were left out of the log table"
    assert "the log goes on without it" in said[0]
    assert numbers(way) == []


def test_memory_is_bounded_and_what_is_left_out_is_counted(vm: AzureVm, way: Way, opened: Opened) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    vm.cloud.faults.add("ingestion", "upload", kind="503", times=None)
    table = opened(room=10_000)
    began = time.monotonic()
    for number in range(1, 2001):
        table.offer([(number, "x" * 100)])
    assert time.monotonic() - began < 2
    assert table.shortfall() == "1900 lines were left out of the log table"
    vm.cloud.faults.clear()
    until(lambda: len(numbers(way)) == 100)
    assert numbers(way) == list(range(1, 101))
    assert ROOM <= 16 * 1024 * 1024


def test_a_service_that_hangs_delays_nothing(vm: AzureVm, way: Way, opened: Opened) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    vm.cloud.faults.add("ingestion", "upload", kind="delay", seconds=3)
    table = opened()
    table.offer([(1, "x")])
    until(lambda: vm.said_to_imds("token") > 0)
    began = time.monotonic()
    table.offer([(2, "y")] * 100)
    table.close(0.2)
    assert time.monotonic() - began < 2


def test_a_batch_that_is_refused_as_too_large_is_made_smaller(
    vm: AzureVm, way: Way, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aztable, "BODY", 2_000_000)
    vm.cloud.enforce(vm.principal, TELEMETRY)
    table = opened()
    table.offer([(number, "x" * 60_000) for number in range(1, 31)])
    until(lambda: len(numbers(way)) == 30)
    refused = [each for each in vm.cloud.journal.entries() if each.status == 413]
    assert len(refused) == 1
    assert table.shortfall() == ""


def test_lines_that_the_table_does_not_take_are_left_out(vm: AzureVm, way: Way, opened: Opened) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    vm.cloud.faults.add("ingestion", "upload", kind="InvalidRequest", status=400)
    table = opened(every=0.05)
    table.offer([(1, "x")])
    until(lambda: table.shortfall() != "")
    table.offer([(2, "y")])
    until(lambda: numbers(way) == [2])


def test_without_an_address_there_is_no_table(vm: AzureVm) -> None:
    table = Table(vm.azure(), "", RUN, 1)
    table.offer([(1, "x")])
    table.close(1)
    assert not table.alive
    assert table.shortfall() == ""


def test_it_is_said_when_a_line_was_printed_not_when_it_was_sent(
    vm: AzureVm, way: Way, opened: Opened, azure_clock: FakeClock
) -> None:
    vm.cloud.enforce(vm.principal, TELEMETRY)
    azure_clock.advance(time.time() - azure_clock.now())
    table = opened()
    table.offer([(1, "x")])
    table.close(5)
    [row] = rows(way)
    assert str(row["TimeGenerated"])[:4] == time.strftime("%Y", time.gmtime())
