"""A run's whole life, and what goes wrong in it. The test plays the machine."""

import pytest

from shared.errors import Conflict
from shared.model.message import Parked
from shared.steps import environments, runs, tracing
from tests.scenarios.clouds import alive
from tests.scenarios.rig import last


def place(rig, environment, **launch):
    """A run whose machine is started."""
    run = rig.submit(environment, **launch)
    rig.drain(0)
    assert last(rig.get_run(run)).state == "placed", rig.get_run(run)
    return run


def test_environment_is_made_checked_and_removed_with_a_receipt(rig, ready, cloud):
    assert [row.type for row in ready.resources] == cloud.made
    assert {row.state for row in ready.resources} == {"present"}
    assert len(cloud.resources()) == len(cloud.made)

    environments.dispose_environment(rig.world, ready)
    rig.drain(60)

    ended = rig.get_environment(ready)
    assert ended.status == "DELETED"
    assert ended.receipt is not None
    assert len(ended.receipt.made) == len(ended.receipt.removed) == len(cloud.made)
    assert ended.receipt.left == ()
    assert cloud.resources() == []


def test_run_gets_one_machine_that_carries_every_guard(rig, ready, cloud):
    run = place(rig, ready)

    (machine,) = alive(cloud)
    found = machine.tags
    assert found["headnode:run"] == run.id
    assert found["headnode:installation"] == "rig"
    assert found["headnode:environment"] == ready.id
    assert float(found["headnode:deadline"]) == pytest.approx(last(rig.get_run(run)).deadline, abs=1)


def test_run_succeeds_when_the_machine_said_so_and_is_gone(rig, ready, cloud):
    run = place(rig, ready)
    rig.say(run, "boot")
    rig.say(run, "start")
    assert rig.get_run(run).status == "RUNNING"

    answer = rig.say(run, "end", exit_status=0)
    assert not answer.go_on
    assert rig.get_run(run).status == "RUNNING"
    rig.drain(60)

    ended = rig.get_run(run)
    assert ended.status == "SUCCEEDED"
    assert ended.exit_status == 0
    assert last(ended).state == "gone"
    assert ended.wait is None
    assert alive(cloud) == []


def test_exit_status_and_reason_reach_the_run(rig, ready):
    run = place(rig, ready)
    rig.say(run, "boot")
    rig.say(run, "start")
    rig.say(run, "end", exit_status=3, message="process FOO failed")
    rig.drain(60)

    ended = rig.get_run(run)
    assert (ended.status, ended.exit_status) == ("FAILED", 3)
    assert "process FOO failed" in ended.error_message


def test_cancel_lets_nextflow_stop_and_takes_the_machine_all_the_same(rig, ready, cloud):
    run = place(rig, ready)
    rig.say(run, "boot")
    rig.say(run, "start")

    runs.cancel_run(rig.world, rig.get_run(run))
    assert rig.say(run, "heartbeat").cancel
    rig.drain(10)
    assert len(alive(cloud)) == 1

    rig.drain(60)
    assert rig.get_run(run).status == "CANCELLED"
    assert alive(cloud) == []


def test_cancel_before_the_launch_starts_no_machine(rig, ready, cloud):
    run = rig.submit(ready)
    runs.cancel_run(rig.world, run)
    rig.drain(60)

    assert rig.get_run(run).status == "CANCELLED"
    assert cloud.started(run) == []


def test_silent_machine_is_given_up_and_removed(rig, ready, cloud):
    run = place(rig, ready)
    rig.say(run, "boot")
    rig.say(run, "start")
    rig.clock.advance(rig.settings.silent_after + 1)
    rig.tick()
    rig.drain(60)

    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "silent" in ended.error_message
    assert alive(cloud) == []


def test_machine_that_never_boots_is_given_up_with_a_reason(rig, ready, cloud):
    run = place(rig, ready)
    rig.clock.advance(rig.settings.boot_within + 1)
    rig.tick()
    rig.drain(60)

    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "never booted" in ended.error_message
    assert alive(cloud) == []


def test_overdue_machine_is_removed_whatever_its_runner_says(rig, ready, cloud):
    run = place(rig, ready)
    rig.say(run, "start")
    rig.clock.advance(rig.settings.longest_run + 1)
    rig.say(run, "heartbeat")
    rig.tick()
    rig.drain(60)

    assert "deadline" in rig.get_run(run).error_message
    assert alive(cloud) == []


def test_interrupted_run_resumes_on_a_new_machine_up_to_a_limit(rig, ready, cloud):
    run = place(rig, ready)
    for number in range(1, rig.settings.max_resumes + 2):
        found = rig.get_run(run)
        assert (last(found).number, found.session_id) == (number, run.session_id)
        rig.say(run, "boot")
        rig.say(run, "start")
        rig.say(run, "notice")
        rig.say(run, "end", error="interrupted")
        rig.drain(60)

    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "taken away 6 times" in ended.error_message
    assert alive(cloud) == []


def test_machine_terminated_behind_our_back_ends_the_run_by_two_looks(rig, ready, cloud):
    run = place(rig, ready)
    rig.say(run, "boot")
    rig.say(run, "start")
    cloud.end(last(rig.get_run(run)).machine_id)
    rig.clock.advance(61)
    rig.say(run, "heartbeat")
    rig.clock.advance(61)
    rig.tick()
    assert last(rig.get_run(run)).missing_at
    assert rig.get_run(run).status == "RUNNING"

    rig.clock.advance(61)
    rig.tick()
    rig.drain(60)
    assert rig.get_run(run).status == "FAILED"


def test_orphan_is_marked_first_and_removed_later(rig, ready, cloud):
    run = place(rig, ready)
    rig.world.store.remove(type(run), [run.id])

    rig.tick()
    (machine,) = alive(cloud)
    assert "headnode:orphan" in machine.tags

    rig.clock.advance(rig.settings.orphan_grace + 1)
    rig.tick()
    assert alive(cloud) == []


def test_marked_machine_whose_record_comes_back_is_unmarked(rig, ready, cloud):
    run = place(rig, ready)
    cloud.tag(last(rig.get_run(run)).machine_id, "headnode:orphan", "1")
    rig.tick()

    (machine,) = alive(cloud)
    assert "headnode:orphan" not in machine.tags


def test_hold_keeps_a_machine_until_it_expires(rig, ready, cloud):
    run = place(rig, ready)
    until = rig.clock.now() + 10_000
    cloud.tag(last(rig.get_run(run)).machine_id, "headnode:hold", f"{until:.0f}")
    rig.clock.advance(rig.settings.boot_within + 1)
    rig.tick()
    assert len(alive(cloud)) == 1

    rig.clock.advance(10_000)
    rig.tick()
    rig.drain(60)
    assert alive(cloud) == []


def test_foreign_machines_are_never_touched(rig, ready, cloud):
    for tags in ({"headnode:installation": "another"}, {"Name": "somebody's database"}):
        cloud.stranger(tags)
    for _ in range(3):
        rig.tick()
        rig.clock.advance(rig.settings.orphan_grace + 1)
    environments.dispose_environment(rig.world, rig.get_environment(ready))
    rig.drain(60)

    assert len(alive(cloud)) == 2
    assert all("headnode:orphan" not in machine.tags for machine in alive(cloud))


def test_blast_limit_removes_none_and_asks_a_person(rig, ready, cloud):
    rig.settings = rig.settings.but(most_removed=2)
    rig.restart()
    for _ in range(3):
        place(rig, ready)
    rig.clock.advance(rig.settings.boot_within + 1)
    rig.tick()
    assert len(alive(cloud)) == 3
    (parked,) = rig.world.store.find(Parked, "all", "all").items
    assert "3 machines" in parked.reason

    from shared.model.message import from_text

    rig.world.queue.send(from_text(parked.body))
    rig.drain(60)
    assert alive(cloud) == []


def test_lost_messages_are_sent_again_by_the_timer(rig, ready, cloud):
    run = rig.submit(ready)
    for delivery in rig.world.queue.receive(["launch"]):
        rig.world.queue.done(delivery)
    rig.drain(30)
    assert alive(cloud) == []

    rig.clock.advance(200)
    rig.tick()
    assert last(rig.get_run(run)).state == "placed"


def test_a_disposal_whose_message_was_lost_is_taken_up_by_the_timer(rig, ready):
    environments.dispose_environment(rig.world, ready)
    for delivery in rig.world.queue.receive(["reap", "dispose"]):
        rig.world.queue.done(delivery)
    rig.drain(30)
    assert rig.get_environment(ready).status == "DELETING"

    rig.clock.advance(200)
    rig.tick()
    rig.drain(60)
    assert rig.get_environment(ready).status == "DELETED"


def test_environment_with_active_runs_is_not_disposed_of(rig, ready):
    run = place(rig, ready)
    with pytest.raises(environments.Busy, match=run.name):
        environments.dispose_environment(rig.world, rig.get_environment(ready))
    with pytest.raises(Conflict):
        runs.delete_run(rig.world, rig.get_run(run))


def test_a_run_started_elsewhere_is_unknown_while_it_is_silent(rig):
    run = tracing.create(
        rig.world,
        run_id="",
        workspace_id=0,
        user_id=1,
        owner="somebody",
        name="far_away",
        session_id="s",
        project="hello",
        repository="",
    )

    def view():
        return tracing.viewed(run.id, rig.world.store.get_each(*tracing.wanted(run.id)))

    tracing.begin(rig.world, view(), {"projectName": "hello"}, ["one"])
    rig.clock.advance(rig.settings.silent_after + 1)
    rig.tick()
    rig.tick()
    assert rig.get_run(run).status == "UNKNOWN"

    tracing.heartbeat(rig.world, view(), {})
    assert rig.get_run(run).status == "RUNNING"
    rig.tick()
    assert rig.get_run(run).status == "RUNNING"


def test_another_machine_cannot_speak_for_an_attempt(rig, ready):
    run = place(rig, ready)
    said = runs.Report(event="start", machine_id="i-0123456789abcdef0")
    with pytest.raises(runs.Over, match="another machine"):
        runs.report(rig.world, run.id, 1, said)
