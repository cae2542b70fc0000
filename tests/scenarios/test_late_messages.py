"""Messages that come again, in the wrong order, or after what they are about is gone: one of everything, then
nothing, and the record as it was."""

import itertools

from shared.model.message import STEPS, Message, Parked, to_text
from shared.steps import environments
from shared.steps.deliver import handle
from tests.scenarios.clouds import alive
from tests.scenarios.rig import last


def told(rig, step: str, subject: str, times: int = 1) -> None:
    """The same message so many times, right now."""
    for _ in range(times):
        handle(to_text(Message(step=step, subject=subject)), rig.world)


def test_creation_told_again_and_again_makes_one_of_each(rig, cloud):
    environment = rig.environment()
    for _ in range(40):
        told(rig, "create", environment.id, 2)
        rig.drain(5)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment)
    assert len(cloud.resources()) == len(cloud.made)
    told(rig, "create", environment.id, 2)
    assert rig.get_environment(environment).status == "AVAILABLE"
    assert len(cloud.resources()) == len(cloud.made)


def test_a_launch_told_again_and_again_is_one_machine(rig, ready, cloud):
    run = rig.submit(ready)
    told(rig, "launch", run.id, 3)
    rig.drain(30)
    told(rig, "launch", run.id, 3)
    assert len(alive(cloud, run)) == 1
    rig.work(run)
    told(rig, "launch", run.id, 2)
    rig.drain(60)
    assert rig.get_run(run).status == "SUCCEEDED"
    told(rig, "launch", run.id, 2)
    rig.drain(60)
    assert len(cloud.started(run)) == 1
    assert (rig.get_run(run).status, last(rig.get_run(run)).state) == ("SUCCEEDED", "gone")


def test_a_disposal_told_early_disposes_of_nothing(rig, ready, cloud):
    told(rig, "dispose", ready.id, 2)
    rig.drain(30)
    assert rig.get_environment(ready).status == "AVAILABLE"
    assert len(cloud.resources()) == len(cloud.made)


def test_what_comes_after_the_disposal_makes_nothing_and_changes_nothing(rig, ready, cloud):
    run, never = rig.submit(ready), rig.submit(ready)
    rig.drain(30)
    for each in (run, never):
        rig.work(each)
    rig.drain(60)
    environments.dispose_environment(rig.world, rig.get_environment(ready))
    told(rig, "create", ready.id)
    rig.drain(300)
    ended, over = rig.get_environment(ready), rig.get_run(run)
    assert ended.status == "DELETED", ended.wait
    started = cloud.started(run)
    subjects = (ready.id, run.id, f"tend:{ready.id}", f"scope:{ready.id}", f"empty:{ready.id}")
    for step, subject in itertools.product((*STEPS, *reversed(STEPS)), subjects):
        told(rig, step, subject)
    for id in started:
        told(rig, "reap", f"machine:{id}", 2)
    rig.drain(300)
    rig.tick()
    again = rig.get_environment(ready)
    assert (again.status, again.receipt) == ("DELETED", ended.receipt)
    assert (rig.get_run(run).status, rig.get_run(run).attempts) == (over.status, over.attempts)
    assert cloud.started(run) == started
    assert cloud.resources() == []
    assert alive(cloud) == []
    assert rig.world.store.find(Parked, "all", "all").items == ()
