"""Messages delivered one to five times, in any order, with the machine speaking in between: the same
end every time. Hypothesis prints the example that repeats a failure."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.message import Message, to_text
from shared.steps.deliver import handle
from tests.scenarios.clouds import alive
from tests.scenarios.rig import last

STEPS = ("launch", "reap", "logs")
SAYINGS = ("boot", "start", "heartbeat", "end")

TOGETHER = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
"""The examples share one control plane on purpose: each has its own run in it."""

disorder = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.sampled_from(STEPS), st.integers(1, 5)),
        st.tuples(st.just("say"), st.sampled_from(SAYINGS), st.integers(1, 2)),
        st.tuples(st.just("time"), st.just(""), st.integers(1, 60)),
        st.tuples(st.just("tick"), st.just(""), st.integers(1, 2)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=TOGETHER)
@given(events=disorder)
def test_any_order_and_any_number_of_deliveries_converge(rig, ready, cloud, events):
    run = rig.submit(ready)
    for kind, what, times in events:
        for _ in range(times):
            happen(rig, run, kind, what, times)

    finish(rig, run)

    ended = rig.get_run(run)
    assert ended.status == "SUCCEEDED"
    assert [attempt.state for attempt in ended.attempts] == ["gone"]
    assert len(cloud.started(run)) == 1
    assert alive(cloud, run) == []


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
