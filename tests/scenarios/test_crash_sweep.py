"""The process is cut at every n-th outbound write: before it, and after it took effect unheard.

Writes are those to the store, to the queue and to the cloud. After each cut a new process goes on with
the same data. In the end: one machine for each attempt, the run succeeded, and nothing is left.
"""

import random

import pytest

from shared.model.settings import Settings
from shared.steps import environments
from tests.scenarios.clouds import alive
from tests.scenarios.rig import Cut, Knife, Rig, SeededIds, cut_ports, last

RIG_SETTINGS = Settings(installation="rig", api_url="http://127.0.0.1:9")

LONGEST = 400
"""More writes than a whole life takes; the sweep ends by itself at the first life that is not cut."""


def live(rig: Rig, knife: Knife) -> None:
    """One whole life, going on after every cut: create, launch, work, reap, log, dispose."""
    rig.wrap = lambda world: cut_ports(world, knife)
    rig.world = rig.fresh()
    environment = asked(rig, knife, lambda: rig.environment())
    go_on(rig, knife, lambda: rig.get_environment(environment).status == "AVAILABLE")
    run = asked(rig, knife, lambda: rig.submit(environment))
    go_on(rig, knife, lambda: last_state(rig, run) == "placed")
    for event, facts in (("boot", {}), ("start", {}), ("end", {"exit_status": 0})):
        spoken(rig, knife, run, event, facts)
    go_on(rig, knife, lambda: rig.get_run(run).is_over)
    assert rig.get_run(run).status == "SUCCEEDED"
    asked(rig, knife, lambda: environments.dispose_environment(rig.world, rig.get_environment(environment)))
    go_on(rig, knife, lambda: rig.get_environment(environment).status == "DELETED")
    asked(rig, knife, rig.tick)
    asked(rig, knife, lambda: check_machines(rig.cloud, run))


def asked(rig: Rig, knife: Knife, ask):
    """What a client does: an ask whose answer never came was not made (the sweep's life is about
    workers, so the knife is put away while the client speaks)."""
    knife.armed = False
    try:
        return ask()
    finally:
        knife.armed = True


def spoken(rig: Rig, knife: Knife, run, event: str, facts: dict) -> None:
    """A machine that gets no answer says it again."""
    try:
        rig.say(run, event, **facts)
    except Cut:
        rig.restart()
        if last(rig.get_run(run)).state not in ("ended", "reaping", "gone"):
            rig.say(run, event, **facts)


def go_on(rig: Rig, knife: Knife, reached) -> None:
    """Works, restarting after a cut, until the state is reached."""
    for _ in range(60):
        try:
            while rig.deliver():
                pass
            if reached():
                return
            rig.clock.advance(30)
            rig.tick()
        except Cut:
            rig.restart()
    raise AssertionError("never reached")


def last_state(rig: Rig, run) -> str:
    attempt = rig.get_run(run).last
    return attempt.state if attempt else ""


def check_machines(cloud, run) -> None:
    """Exactly one machine was ever started, and none is left."""
    assert len(cloud.started(run)) == 1
    assert alive(cloud, run) == []


def sweep(cloud, tmp_path, clock, monkeypatch, points, after: bool) -> int:
    """Lives a life for each point; returns how many writes a life takes."""
    knife = Knife(at=0, after=after)
    cloud.cut(knife.write, monkeypatch)
    writes = LONGEST
    for number, point in enumerate(points):
        if point > writes:
            break
        knife.at, knife.count, knife.armed = point, 0, True
        rig = Rig(tmp_path / str(number), RIG_SETTINGS, clock, SeededIds(f"{after}-{point}"), cloud)
        knife.armed = False
        live_or_explain(rig, knife, point)
        if knife.count < point:
            writes = knife.count
    return writes


def live_or_explain(rig: Rig, knife: Knife, point: int) -> None:
    """A failure names the cut that repeats it."""
    try:
        knife.armed = True
        live(rig, knife)
    except AssertionError as error:
        when = "after" if knife.after else "before"
        raise AssertionError(f"cut {when} write {point}: {error}") from error
    finally:
        knife.armed = False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_cut_anywhere_leaves_one_machine_and_then_nothing(cloud, tmp_path, clock, monkeypatch, after):
    seed = 20261120
    points = sorted(random.Random(seed + after).sample(range(1, 70), 14))
    sweep(cloud, tmp_path, clock, monkeypatch, points, after)


@pytest.mark.long
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_cut_at_every_write(cloud, tmp_path, clock, monkeypatch, after):
    writes = sweep(cloud, tmp_path, clock, monkeypatch, range(1, LONGEST), after)
    assert 30 < writes < LONGEST
