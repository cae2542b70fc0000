"""The reaper's judgement, case by case."""

import pytest

from shared.model.machine import Machine, Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.steps import judge

NOW = 1_000_000.0
SETTINGS = Settings(installation="test")
OFFER = Offer(machine_type="m6i.large")


def machine(**facts) -> Machine:
    return Machine(**{"id": "i-1", "state": "running", "run_id": "r", "attempt": 1, **facts})


def run(status: str = "RUNNING", **facts) -> Run:
    attempt = Attempt(
        **{
            "number": 1,
            "offer": OFFER,
            "state": "alive",
            "machine_id": "i-1",
            "placed_at": NOW - 500,
            "seen_at": NOW - 5,
            "deadline": NOW + 100,
            **facts,
        }
    )
    return Run(id="r", name="n", session_id="s", status=status, attempts=(attempt,))


CASES = {
    "healthy": (machine(), run(), "keep", ""),
    "healthy and once marked": (machine(orphan_since=NOW - 900), run(), "unmark", "known"),
    "work ended": (machine(), run(state="ended"), "remove", "finished"),
    "run over": (machine(), run("FAILED"), "remove", "finished"),
    "overdue": (machine(), run(deadline=NOW - 1), "remove", "deadline"),
    "silent": (machine(), run(seen_at=NOW - 181), "remove", "silent"),
    "quiet for a moment": (machine(), run(seen_at=NOW - 179), "keep", ""),
    "never booted": (machine(), run(state="placed", placed_at=NOW - 901), "remove", "never booted"),
    "still booting": (machine(), run(state="placed", placed_at=NOW - 899), "keep", ""),
    "ask not answered yet": (machine(), run(state="intended", machine_id=""), "keep", ""),
    "second machine of an attempt": (machine(id="i-2"), run(), "mark", "no record"),
    "attempt of a later time": (machine(attempt=2), run(), "mark", "no record"),
    "no record, first seen": (machine(), None, "mark", "no record"),
    "no record, within grace": (machine(orphan_since=NOW - 119), None, "keep", ""),
    "no record, grace is over": (machine(orphan_since=NOW - 121), None, "remove", "orphan"),
    "no record, own deadline past": (machine(deadline=NOW - 121), None, "remove", "overdue"),
    "orphan on hold": (machine(orphan_since=NOW - 999, hold_until=NOW + 1), None, "keep", ""),
    "hold has expired": (machine(orphan_since=NOW - 999, hold_until=NOW - 1), None, "remove", "orphan"),
    "overdue on hold": (machine(hold_until=NOW + 1), run(deadline=NOW - 1), "keep", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_judgement(case):
    seen, known, act, reason = CASES[case]

    judgement = judge.on_machine(seen, known, NOW, SETTINGS)

    assert judgement.act == act
    assert reason in judgement.reason


def test_a_fresh_machine_may_be_invisible_for_a_moment():
    fresh = run(placed_at=NOW - 1).attempts[0]
    assert not judge.is_missing(fresh, False, NOW, SETTINGS)
    assert judge.is_missing(fresh, False, NOW + 60, SETTINGS)
    assert not judge.is_missing(fresh, True, NOW + 60, SETTINGS)
    assert not judge.is_missing(fresh.but(machine_id=""), False, NOW + 60, SETTINGS)
