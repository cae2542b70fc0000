"""The contract of `ports.Provider`, for every implementation.

A platform's test module subclasses `ProviderContract` and gives a `place` fixture: a `Place` that
knows how to make an environment of that platform and how to end a machine behind our back.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.errors import NotYet
from shared.model import tags
from shared.model.environment import Environment, Made, ResourceRow
from shared.model.machine import GONE, PENDING, RUNNING, STOPPING, Machine, Order, Tended
from shared.model.run import Attempt, Run
from shared.ports import Provider

BOOT = "#cloud-config\nruncmd: [[sleep, '60']]\n"


@dataclass
class Place:
    """A platform under test."""

    provider: Callable[[Environment], Provider]
    """Binds a provider to an environment, with its own installation `this`."""
    other: Callable[[Environment], Provider]
    """The same account seen by another installation."""
    environment: Environment
    end: Callable[[str], None]
    """Ends a machine without us: as if its work were over."""
    settle: Callable[[], None] = lambda: None
    """Blocks until the cloud has done what it was asked."""
    others: dict[str, Environment] = field(default_factory=dict)


def order(provider: Provider, run_id: str = "run1", attempt: int = 1, **changes: Any) -> Order:
    """An order for the first offer; the token follows from run and attempt."""
    offer = provider.offers(Run(id=run_id, name="r", session_id="s"))[0]
    wanted = Order(
        run_id=run_id,
        attempt=attempt,
        token=f"{run_id}-{attempt}",
        offer=offer,
        boot=BOOT,
        deadline=1_800_003_600.0,
        owner="ada",
    )
    return wanted.but(**changes)


def rows_of(provider: Provider) -> list[ResourceRow]:
    """The environment's graph as rows, in an order in which each one's needs come first."""
    rows = [
        ResourceRow(key=each.key, type=each.type, name=each.name, needs=each.needs, shared=each.shared)
        for each in provider.resources()
    ]
    ordered: list[ResourceRow] = []
    while len(ordered) < len(rows):
        there = {row.key for row in ordered}
        ready = [row for row in rows if row.key not in there and set(row.needs) <= there]
        assert ready, "the graph has a cycle or a need that is no resource"
        ordered += ready
    return ordered


def ensured(provider: Provider, row: ResourceRow, made: dict[str, ResourceRow]) -> Made:
    """The resource once the cloud has made it: asked for again while it is not."""
    for _ in range(10):
        with suppress(NotYet):
            return provider.ensure(row, made)
    raise AssertionError(f"{row.name} is not made")


def make(provider: Provider) -> list[ResourceRow]:
    """Makes every resource; the rows as the record would keep them."""
    made: list[ResourceRow] = []
    for row in rows_of(provider):
        row = row.to("making")
        there = ensured(provider, row, {each.key: each for each in made})
        made.append(row.to("present", cloud_id=there.cloud_id, facts=there.facts))
    return made


def unmake(provider: Provider, rows: list[ResourceRow]) -> list[ResourceRow]:
    """Removes every resource, last made first, until the cloud says that it is gone."""
    gone = []
    for row in reversed(rows):
        row = row.to("removing")
        assert any(provider.remove(row) for _ in range(10)), f"{row.name} does not go"
        gone.append(row.to("gone"))
    return gone


def listed(provider: Provider) -> dict[str, Machine]:
    """What `machines` shows, by id."""
    return {machine.id: machine for page in provider.machines() for machine in page}


class ProviderContract:
    """Each test is a promise of the port."""

    @pytest.fixture
    def provider(self, place: Place) -> Provider:
        return place.provider(place.environment)

    @pytest.fixture
    def ready(self, place: Place, provider: Provider) -> Provider:
        """An environment as it is after the create step."""
        assert provider.check() == []
        details = provider.details()
        rows = make(provider)
        return place.provider(place.environment.but(details=details, resources=tuple(rows)))

    def test_where_no_task_waits_there_is_nothing_to_tend(self, ready: Provider) -> None:
        assert ready.tend() == Tended()
        assert ready.tend() == Tended()

    def test_resources_are_the_same_each_time(self, provider: Provider) -> None:
        assert provider.resources() == provider.resources()
        assert len({row.key for row in rows_of(provider)}) == len(provider.resources())

    def test_ensure_twice_is_once(self, provider: Provider) -> None:
        assert [row.cloud_id for row in make(provider)] == [row.cloud_id for row in make(provider)]

    def test_what_was_made_goes_and_nothing_is_left(self, provider: Provider) -> None:
        rows = make(provider)
        assert len(provider.leftovers(rows)) == len(rows)
        gone = unmake(provider, rows)
        assert provider.leftovers(gone) == []

    def test_removing_what_never_was(self, provider: Provider) -> None:
        rows = rows_of(provider)
        assert all(provider.remove(row.to("making").to("removing")) for row in reversed(rows))
        assert provider.leftovers([row.to("gone") for row in rows]) == []

    def test_removing_twice(self, provider: Provider) -> None:
        rows = make(provider)
        unmake(provider, rows)
        unmake(provider, rows)

    def test_offers_are_the_same_each_time_and_different_from_one_another(self, ready: Provider) -> None:
        run = Run(id="r", name="r", session_id="s")
        offers = ready.offers(run)
        assert offers
        assert offers == ready.offers(run)
        assert len(set(offers)) == len(offers)

    def test_the_same_order_twice_is_one_machine(self, place: Place, ready: Provider) -> None:
        first, second = ready.start(order(ready)), ready.start(order(ready))
        assert first == second
        assert list(listed(ready)) == [first]

    def test_two_attempts_are_two_machines(self, ready: Provider) -> None:
        ids = {ready.start(order(ready, attempt=number)) for number in (1, 2)}
        assert set(listed(ready)) == ids
        assert len(ids) == 2

    def test_a_machine_shows_what_it_is_for(self, place: Place, ready: Provider) -> None:
        started = ready.start(order(ready, attempt=3))
        for machine in (ready.look([started])[started], listed(ready)[started], ready.find("run1", 3)):
            assert machine is not None
            assert machine.id == started
            assert machine.state in (PENDING, RUNNING)
            assert (machine.run_id, machine.attempt) == ("run1", 3)
            assert machine.environment_id == place.environment.id
            assert machine.deadline == 1_800_003_600.0
            assert machine.started_at > 0
            assert not machine.interrupted

    def test_find_knows_its_attempt_only(self, ready: Provider) -> None:
        ready.start(order(ready))
        assert ready.find("run1", 2) is None
        assert ready.find("run", 1) is None
        assert ready.find("*", 1) is None

    def test_a_stopped_machine_is_on_its_way_out_and_then_gone(self, place: Place, ready: Provider) -> None:
        started = ready.start(order(ready))
        assert ready.stop([started]) == {}
        shown = ready.look([started]).get(started)
        assert shown is None or shown.state in (STOPPING, GONE)
        place.settle()
        shown = ready.look([started]).get(started)
        assert shown is None or shown.state == GONE
        assert ready.find("run1", 1) is None
        assert listed(ready) == {}

    def test_stopping_twice_and_what_never_was(self, place: Place, ready: Provider) -> None:
        started = ready.start(order(ready))
        assert ready.stop([started]) == {}
        place.settle()
        assert ready.stop([started, "i-0123456789abcdef0", started]) == {}
        assert ready.stop([]) == {}

    def test_a_machine_that_ended_by_itself_was_not_taken_away(self, place: Place, ready: Provider) -> None:
        started = ready.start(order(ready))
        place.end(started)
        place.settle()
        shown = ready.look([started]).get(started)
        assert shown is None or (shown.state == GONE and not shown.interrupted)
        assert listed(ready) == {}

    def test_looking_at_nothing_and_at_what_never_was(self, ready: Provider) -> None:
        assert ready.look([]) == {}
        assert ready.look(["i-0123456789abcdef0", "nonsense"]) == {}

    def test_marks_are_set_read_back_and_taken_away(self, ready: Provider) -> None:
        one, two = (ready.start(order(ready, attempt=number)) for number in (1, 2))
        ready.mark([one, two], tags.ORPHAN, "1800000001.5")
        ready.mark([one], tags.HOLD, "1800000900")
        shown = ready.look([one, two])
        assert shown[one].orphan_since == shown[two].orphan_since == 1800000001.5
        assert (shown[one].hold_until, shown[two].hold_until) == (1800000900.0, 0.0)
        ready.mark([one, two], tags.ORPHAN, None)
        ready.mark([], tags.ORPHAN, None)
        assert ready.look([one])[one].orphan_since == 0.0
        assert ready.look([one])[one].hold_until == 1800000900.0

    def test_another_installation_neither_sees_nor_touches_ours(self, place: Place, ready: Provider) -> None:
        started = ready.start(order(ready))
        stranger = place.other(place.environment)
        assert listed(stranger) == {}
        assert stranger.look([started]) == {}
        assert stranger.find("run1", 1) is None
        stranger.stop([started])
        stranger.mark([started], tags.ORPHAN, "1")
        place.settle()
        shown = ready.look([started])[started]
        assert shown.state in (PENDING, RUNNING)
        assert shown.orphan_since == 0.0

    def test_a_machine_is_listed_with_its_environment_until_it_is_gone(
        self, place: Place, ready: Provider
    ) -> None:
        started = ready.start(order(ready))
        assert listed(ready)[started].environment_id == place.environment.id
        assert ready.stop([started]) == {}
        place.settle()
        assert listed(ready) == {}

    def test_scope_is_the_same_for_the_same_account(self, place: Place, provider: Provider) -> None:
        assert provider.scope()
        assert provider.scope() == place.provider(place.environment.but(id="another")).scope()

    def test_spec_has_the_platforms_part(self, provider: Provider) -> None:
        run = Run(id="run1", name="r", session_id="s", work_dir="s3://bucket/work")
        offer_free = Attempt(number=2, offer=provider.offers(run)[0])
        spec = provider.spec(run, offer_free)
        assert set(spec) >= {"logs", "region", "environment"}
        assert spec["logs"]["kind"] in ("cloudwatch", "azure", "file")
        assert all(isinstance(value, str) for value in spec["environment"].values())
