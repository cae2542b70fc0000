"""The whole life with the permissions of each step enforced: the evaluator in the emulated cloud judges
every request by the policy of the step that makes it, and refuses whatever is not in it."""

import pytest

from shared.steps import environments, runs
from tests.scenarios.clouds import alive


@pytest.fixture
def enforced(rig, cloud):
    """Each message is delivered with the permissions of its step and no others."""
    cloud.enforce(None)
    rig.before = cloud.enforce
    return rig


def test_a_whole_life_needs_nothing_but_the_steps_own_permissions(enforced, cloud):
    rig = enforced
    environment = rig.environment(spot="first")
    rig.drain(30)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment).message
    for ending in ({"exit_status": 0}, {"error": "interrupted"}, {"exit_status": 1}):
        run = rig.submit(environment)
        rig.drain(0)
        rig.say(run, "boot")
        cloud.keep(run)
        rig.say(run, "end", **ending)
        rig.drain(30)
        if ending.get("error"):
            rig.say(run, "end", exit_status=0)
            rig.drain(30)
        assert rig.get_run(run).is_over

    orphan = rig.submit(environment)
    rig.drain(0)
    rig.world.store.remove(type(orphan), [orphan.id])
    rig.tick()
    rig.clock.advance(rig.settings.orphan_grace + 1)
    rig.tick()
    assert alive(cloud) == []

    cancelled = rig.submit(environment)
    rig.drain(0)
    runs.cancel_run(rig.world, rig.get_run(cancelled))
    rig.drain(60)
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(60)

    assert rig.get_environment(environment).status == "DELETED", rig.get_environment(environment).wait
    assert cloud.refused() == []


def test_a_removal_that_is_refused_waits_with_the_reason_and_goes_on(rig, cloud, ready):
    rig.before = lambda step: cloud.enforce(None if step == "dispose" else step)
    environments.dispose_environment(rig.world, ready)
    rig.drain(30)
    waiting = rig.get_environment(ready)
    assert waiting.status == "DELETING"
    assert waiting.wait is not None
    assert "is not allowed" in waiting.wait.reason

    rig.before = cloud.enforce
    rig.drain(900, step=60)
    assert rig.get_environment(ready).status == "DELETED"
    assert cloud.resources() == []


def test_without_a_policy_nothing_runs(rig, cloud):
    cloud.enforce(None)
    environment = rig.environment()
    # A fresh grant may take minutes to count.
    rig.drain(900, step=60)
    assert rig.get_environment(environment).status == "ERRORED"
    assert cloud.refused()
