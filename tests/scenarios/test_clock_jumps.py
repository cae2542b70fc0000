"""The control plane's clock is set back by a day, or forward by a year, in the middle of everything."""

import pytest

from shared.steps import environments
from tests.scenarios.clouds import alive
from tests.scenarios.rig import last

DAY, YEAR = 86_400.0, 365 * 86_400.0


@pytest.mark.parametrize("jump", [-DAY, YEAR], ids=["a day back", "a year on"])
def test_a_run_ends_with_one_machine_and_none_left(rig, ready, cloud, jump):
    run = rig.submit(ready)
    rig.clock.advance(jump)
    rig.drain(60)
    if not rig.get_run(run).is_over:
        assert len(alive(cloud, run)) == 1
        rig.say(run, "boot")
        rig.clock.advance(-jump)
        rig.say(run, "start")
        rig.tick()
        rig.work(run)
    rig.drain(DAY / 4, step=300)
    for _ in range(3):
        rig.tick()
        rig.clock.advance(300)

    assert rig.get_run(run).is_over
    assert len(cloud.started(run)) <= 1
    assert alive(cloud) == []


@pytest.mark.parametrize("jump", [-DAY, YEAR], ids=["a day back", "a year on"])
def test_a_machine_at_work_is_not_taken_for_lost_by_a_clock_that_went_back(rig, ready, cloud, jump):
    run = rig.submit(ready)
    rig.drain(15)
    rig.say(run, "boot")
    rig.say(run, "start")
    rig.clock.advance(jump)
    rig.tick()
    if jump < 0:
        rig.say(run, "heartbeat")
        rig.tick()
        assert last(rig.get_run(run)).state == "alive"
        assert len(alive(cloud)) == 1
        rig.say(run, "end", exit_status=0)
        rig.drain(60)
        assert rig.get_run(run).status == "SUCCEEDED"
    else:
        rig.drain(120)
        assert "deadline" in rig.get_run(run).error_message
    assert alive(cloud) == []


@pytest.mark.parametrize("jump", [-DAY, YEAR], ids=["a day back", "a year on"])
def test_a_disposal_goes_on(rig, ready, cloud, jump):
    environments.dispose_environment(rig.world, ready)
    rig.deliver()
    rig.clock.advance(jump)
    for _ in range(3):
        rig.tick()
        rig.drain(900, step=60)
    if rig.get_environment(ready).status != "DELETED":
        rig.clock.advance(DAY + 900)
        rig.tick()
        rig.drain(900, step=60)
    assert rig.get_environment(ready).status == "DELETED"
    assert cloud.resources() == []
