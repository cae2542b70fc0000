"""Messages delivered one to five times, in any order, with the machine speaking in between: the same
end every time. Hypothesis prints the example that repeats a failure."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.message import Message
from shared.model.settings import Settings
from shared.steps.deliver import handle
from tests.scenarios.rig import Rig, SeededIds, instances, last, tags

STEPS = ("launch", "reap", "logs")
SAYINGS = ("boot", "start", "heartbeat", "end")

disorder = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.sampled_from(STEPS), st.integers(1, 5)),
        st.tuples(st.just("say"), st.sampled_from(SAYINGS), st.integers(1, 2)),
        st.tuples(st.just("time"), st.just(""), st.integers(1, 60)),
        st.tuples(st.just("tick"), st.just(""), st.integers(1, 2)),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def place(aws_module, tmp_path_factory):
    """An environment that many examples share: each has its own run."""
    from tests.clock import FakeClock

    data = tmp_path_factory.mktemp("deliveries")
    rig = Rig(data, Settings(installation="rig"), FakeClock(1_800_000_000.0), SeededIds("deliveries"))
    environment = rig.environment()
    rig.drain(30)
    return rig, rig.get_environment(environment)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events=disorder)
def test_any_order_and_any_number_of_deliveries_converge(place, events):
    rig, environment = place
    run = rig.submit(environment)
    for kind, what, times in events:
        for _ in range(times):
            happen(rig, run, kind, what, times)

    finish(rig, run)

    ended = rig.get_run(run)
    assert ended.status == "SUCCEEDED"
    assert [attempt.state for attempt in ended.attempts] == ["gone"]
    started = [each for each in instances(rig_ec2(rig)) if tags(each).get("headnode:run") == run.id]
    assert [each["State"]["Name"] for each in started] == ["terminated"]


def happen(rig, run, kind: str, what: str, times: int) -> None:
    """One event of the disorder."""
    if kind == "deliver":
        handle(message(what, run), rig.world)
    elif kind == "tick":
        rig.tick()
    elif kind == "time":
        rig.clock.advance(1.0)
    elif rig.get_run(run).last is not None and can_speak(rig, run):
        rig.say(run, what, **({"exit_status": 0} if what == "end" else {}))


def message(step: str, run) -> str:
    from shared.model.message import to_text

    return to_text(Message(step=step, subject=run.id))


def can_speak(rig, run) -> bool:
    """A machine speaks only while it exists."""
    return last(rig.get_run(run)).state in ("placed", "alive")


def finish(rig, run) -> None:
    """Whatever happened before, the machine ends its work well, and everything is delivered."""
    rig.drain(0)
    if can_speak(rig, run):
        rig.work(run)
    rig.drain(90)


def rig_ec2(rig):
    import boto3

    return boto3.client("ec2", region_name="eu-west-1")
