"""Throttling, lost answers, no capacity, slow IAM: the cloud's bad days, and what people see of them."""

import pytest

from shared.model.access import Credentials
from shared.model.message import Message, Parked, to_text
from shared.steps import environments
from shared.steps.deliver import handle
from tests.scenarios.clouds import alive
from tests.scenarios.rig import last


def test_a_launch_that_is_throttled_a_hundred_times_gets_its_one_machine(rig, ready, cloud):
    cloud.strike("launch", "throttle", 100)
    run = rig.submit(ready)
    for _ in range(200):
        rig.drain(900, step=300)
        if last(rig.get_run(run)).state == "placed":
            break
    assert last(rig.get_run(run)).state == "placed"
    assert len(cloud.started(run)) == 1


@pytest.mark.parametrize("kind", ["5xx", "503", "reset-before", "reset-after"])
def test_an_answer_that_never_came_is_one_machine_all_the_same(rig, ready, cloud, kind):
    cloud.strike("launch", kind, 2)
    run = rig.submit(ready)
    rig.drain(120)

    assert last(rig.get_run(run)).state == "placed"
    assert len(cloud.started(run)) == 1


@pytest.mark.parametrize("kind", ["throttle", "5xx", "reset-before", "reset-after"])
def test_every_call_of_create_and_dispose_fails_once(rig, cloud, kind):
    cloud.strike("forge", kind)
    environment = rig.environment()
    rig.drain(400)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment)

    cloud.strike("forge", kind)
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(900, step=20)
    assert rig.get_environment(environment).status == "DELETED", rig.get_environment(environment).wait


@pytest.mark.offers
def test_capacity_moves_on_in_order_and_keeps_the_reasons(rig, cloud):
    scarce, other = cloud.types
    environment = rig.environment(instanceTypes=[scarce, other], spot="first")
    rig.drain(30)
    cloud.no_capacity(scarce)
    run = rig.submit(environment)
    rig.drain(0)

    attempt = last(rig.get_run(run))
    assert attempt.state == "placed"
    assert attempt.offer.machine_type == other
    refused = [(each.offer.machine_type, each.code) for each in attempt.refusals]
    assert refused
    assert set(refused) == {(scarce, cloud.capacity)}
    offers = [each.offer for each in attempt.refusals]
    assert len(set(offers)) == len(offers)
    assert len(cloud.started(run)) == 1


@pytest.mark.offers
def test_no_capacity_anywhere_waits_with_the_reason_then_fails_with_it(rig, ready, cloud):
    cloud.no_capacity()
    run = rig.submit(ready)
    rig.drain(10)
    waiting = rig.get_run(run)
    assert waiting.status == "SUBMITTED"
    assert waiting.wait is not None
    assert cloud.capacity in waiting.wait.reason
    assert waiting.wait.next_at > rig.clock.now()

    rig.drain(rig.settings.capacity_wait + 300, step=300)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert cloud.capacity in ended.error_message
    assert len(ended.attempts) == 1
    assert cloud.started(run) == []


@pytest.mark.offers
def test_capacity_that_comes_back_is_used(rig, ready, cloud):
    offers = len(rig.world.provider(ready).offers(rig.submit(ready)))
    rig.drain(0)
    cloud.no_capacity(times=offers)
    run = rig.submit(ready)
    rig.drain(0)
    assert last(rig.get_run(run)).state == "intended"
    rig.drain(120)
    assert last(rig.get_run(run)).state == "placed"
    assert len(cloud.started(run)) == 1


def test_a_removal_that_is_not_accepted_is_asked_for_again_and_again(rig, ready, cloud):
    run = rig.submit(ready)
    rig.drain(0)
    rig.say(run, "boot")
    rig.say(run, "end", exit_status=0)
    cloud.strike("remove", "throttle", 30)
    rig.drain(60)
    found = rig.get_run(run)
    assert found.status == "SUBMITTED"
    assert last(found).state == "reaping"

    rig.drain(40_000, step=400)
    assert rig.get_run(run).status == "SUCCEEDED"
    assert alive(cloud) == []


def test_an_environment_whose_credentials_are_gone_does_not_stop_the_sweep_of_others(rig, ready, cloud):
    broken = rig.environment("broken")
    rig.drain(30)
    rig.world.store.remove(Credentials, [rig.get_environment(broken).credentials_id])
    run = rig.submit(ready)
    rig.drain(0)
    rig.clock.advance(rig.settings.boot_within + 1)
    rig.tick()
    rig.drain(60)

    assert "never booted" in rig.get_run(run).error_message
    assert alive(cloud) == []


def test_an_account_out_of_reach_gathers_no_messages(rig, ready, cloud):
    cloud.strike("list", "503", None)
    for _ in range(10):
        rig.tick()
        rig.clock.advance(60)
    rig.clock.advance(3600)
    assert rig.world.queue.receive(["reap"], 100) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        '{"step": "launch"}',
        '{"step": "fly", "subject": "x"}',
        '{"step": "launch", "subject": "x", "version": 99}',
        '{"step": 7, "subject": "x"}',
        "\x00\xff",
        '{"step": "launch", "subject": "' + "x" * 300_000,
    ],
)
def test_a_poisoned_message_is_kept_for_a_person_and_hurts_nothing(rig, text):
    handle(text, rig.world)
    handle(text, rig.world)

    (parked,) = rig.world.store.find(Parked, "all", "all").items
    assert parked.reason
    assert len(parked.body) <= 262_144


def test_messages_about_nothing_are_dropped(rig):
    for step in ("create", "launch", "logs", "reap", "dispose"):
        for subject in ("nothing", "machine:i-0", "scope:nothing", "empty:nothing"):
            handle(to_text(Message(step=step, subject=subject)), rig.world)
    assert rig.world.store.find(Parked, "all", "all").items == ()


def test_a_defect_is_tried_again_then_parked_with_its_history(rig, ready, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret-canary")

    run = rig.submit(ready)
    monkeypatch.setattr(type(rig.world.provider(ready)), "offers", broken)
    rig.drain(900 * 25, step=450)

    (parked,) = rig.world.store.find(Parked, "all", "all").items
    assert parked.step == "launch"
    assert parked.subject == run.id
    assert "ZeroDivisionError" in parked.reason
    assert len(parked.history) > 10
    assert "secret-canary" not in repr(parked)
