"""A cloud that accepts an order and says later that it cannot make the machine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.model.environment import Environment
from shared.model.machine import FAILED, PENDING, STOPPED, Machine
from shared.ports import World
from tests.scenarios.clouds import alive
from tests.scenarios.rig import Rig, last


class Hesitant:
    """A provider whose machines look as the test wants them to."""

    confirm_after = 10.0

    def __init__(self, real: Any, seen: Callable[[Machine], Machine]) -> None:
        self._real = real
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def look(self, ids: Any) -> dict[str, Machine]:
        return {id: self._seen(machine) for id, machine in self._real.look(ids).items()}

    def find(self, run_id: str, attempt: int) -> Machine | None:
        found = self._real.find(run_id, attempt)
        return None if found is None or self._seen(found).state == FAILED else found

    def machines(self) -> Any:
        for page in self._real.machines():
            yield [self._seen(machine) for machine in page]


@pytest.fixture
def doomed() -> set[str]:
    """Ids of machines that are shown as failed."""
    return set()


@pytest.fixture
def hesitant(rig: Rig, doomed: set[str]) -> Rig:
    def seen(machine: Machine) -> Machine:
        if machine.id in doomed and machine.state == "running":
            return machine.but(state=FAILED, reason="AllocationFailed")
        return machine

    def wrap(world: World) -> World:
        provider = world.provider

        def hesitating(environment: Environment) -> Any:
            return Hesitant(provider(environment), seen)

        return replace(world, provider=hesitating)

    rig.wrap = wrap
    rig.world = rig.fresh()
    return rig


def available(rig: Rig, **config: Any) -> Environment:
    environment = rig.environment(instanceTypes=list(rig.cloud.types), **config)
    rig.drain(30)
    return rig.get_environment(environment)


@pytest.mark.offers
def test_a_machine_that_could_not_be_made_counts_as_an_offer_refused(hesitant, doomed, cloud):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    first, offer = last(hesitant.get_run(run)).machine_id, last(hesitant.get_run(run)).offer
    doomed.add(first)
    hesitant.drain(30)

    attempt = last(hesitant.get_run(run))
    assert attempt.number == 1
    assert attempt.offer != offer
    assert [refusal.code for refusal in attempt.refusals] == ["AllocationFailed"]
    assert [each.id for each in alive(cloud, run)] == [attempt.machine_id] != [first]


def test_what_is_still_being_made_is_waited_for(hesitant, cloud):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    assert last(hesitant.get_run(run)).confirm_at
    hesitant.drain(30)

    attempt = last(hesitant.get_run(run))
    assert (attempt.state, attempt.confirm_at) == ("placed", 0.0)
    assert len(alive(cloud, run)) == 1


@pytest.mark.offers
def test_a_lost_look_is_made_up_for_by_the_timer(hesitant, doomed, cloud):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    doomed.add(last(hesitant.get_run(run)).machine_id)
    for delivery in hesitant.world.queue.receive(("launch",)):
        hesitant.world.queue.done(delivery)
    hesitant.clock.advance(600)
    for delivery in hesitant.world.queue.receive(("launch",)):
        hesitant.world.queue.done(delivery)
    hesitant.tick()
    hesitant.drain(60)

    assert last(hesitant.get_run(run)).machine_id not in doomed
    assert [each.id for each in alive(cloud, run)] == [last(hesitant.get_run(run)).machine_id]


@pytest.mark.offers
def test_when_no_offer_can_be_made_the_run_waits_and_says_why(hesitant, doomed, cloud):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    while last(hesitant.get_run(run)).state == "placed":
        doomed.add(last(hesitant.get_run(run)).machine_id)
        hesitant.clock.advance(10)
        hesitant.deliver()

    found = hesitant.get_run(run)
    assert found.wait is not None
    assert found.wait.reason.count("AllocationFailed") == len(doomed) > 1
    assert alive(cloud, run) == []


def test_remains_that_nobody_removed_are_swept(hesitant, doomed, cloud):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    first = last(hesitant.get_run(run)).machine_id
    hesitant.drain(30)
    attempt = last(hesitant.get_run(run))
    hesitant.world.store.save(
        hesitant.get_run(run).with_attempt(attempt.but(state="intended", machine_id="", placed_at=0.0))
    )
    doomed.add(first)
    hesitant.tick()

    assert [each.id for each in alive(cloud, run)] == []


@pytest.fixture
def stopped(rig: Rig, monkeypatch) -> Rig:
    """Every machine's guest ends by itself, and the cloud goes on billing."""

    def seen(machine: Machine) -> Machine:
        running = machine.state == "running"
        return machine.but(state=STOPPED, reason="PowerState/stopped") if running else machine

    provider = rig.world.provider
    rig.wrap = lambda world: replace(world, provider=lambda each: Hesitant(provider(each), seen))
    rig.world = rig.fresh()
    return rig


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_guest_that_ends_without_a_word_is_no_lack_of_capacity(stopped, cloud, monkeypatch, confirmed):
    if not confirmed:
        monkeypatch.setattr(Hesitant, "confirm_after", 0.0)
    run = stopped.submit(available(stopped))
    stopped.drain(0)
    stopped.clock.advance(30)
    stopped.tick()
    stopped.drain(30)

    found = stopped.get_run(run)
    assert (found.status, len(found.attempts), len(cloud.started(run))) == ("FAILED", 1, 1)
    assert "stopped without reporting its end: PowerState/stopped" in found.error_message
    assert alive(cloud) == []


def test_a_machine_that_stops_after_its_end_was_heard_is_only_finished(stopped, cloud):
    run = stopped.submit(available(stopped))
    stopped.deliver()
    stopped.work(run)
    stopped.drain(60)
    assert stopped.get_run(run).status == "SUCCEEDED"
    assert alive(cloud) == []


def test_pending_comes_back_with_the_reason(hesitant, monkeypatch):
    run = hesitant.submit(available(hesitant))
    hesitant.deliver()
    real = Hesitant.look
    monkeypatch.setattr(
        Hesitant,
        "look",
        lambda self, ids: {id: each.but(state=PENDING) for id, each in real(self, ids).items()},
    )
    hesitant.clock.advance(10)
    hesitant.deliver()

    found = hesitant.get_run(run)
    assert found.wait is not None
    assert found.wait.reason == "waiting for the cloud to make the machine"
    assert last(found).state == "placed"
