"""Offers and idempotency tokens."""

from shared import capacity
from shared.model.machine import Offer
from shared.model.run import Attempt, Refusal, Run

SPOT = Offer(machine_type="m6i.large", place="subnet-a", spot=True)
FULL = Offer(machine_type="m6i.large", place="subnet-a")


def test_the_last_machine_a_run_may_have_is_on_demand_where_that_is_allowed():
    assert capacity.preferred([SPOT, FULL], 2, 3) == [SPOT, FULL]
    assert capacity.preferred([SPOT, FULL], 3, 3) == [FULL, SPOT]
    assert capacity.preferred([SPOT], 3, 3) == [SPOT]


def test_a_token_is_stable_for_one_ask_and_fresh_for_every_other():
    attempt = Attempt(number=1, offer=SPOT)
    token = capacity.token("run", attempt)

    assert len(token) == 64
    assert token == capacity.token("run", attempt.but(asked_at=9.0, boot_secret="x"))
    others = [attempt.but(number=2), attempt.but(candidate=1), attempt.but(offer=FULL)]
    assert len({token, *(capacity.token("run", other) for other in others)}) == 4
    assert capacity.token("other", attempt) != token


def test_refusals_are_explained_in_one_line():
    attempt = Attempt(
        number=1,
        offer=FULL,
        refusals=(
            Refusal(offer=SPOT, code="InsufficientInstanceCapacity", reason="...", at=1.0),
            Refusal(offer=FULL, code="VcpuLimitExceeded", reason="...", at=2.0),
        ),
    )
    assert capacity.explained(attempt) == (
        "m6i.large subnet-a spot: InsufficientInstanceCapacity; "
        "m6i.large subnet-a on-demand: VcpuLimitExceeded"
    )


def test_interruptions_count_machines_that_were_taken_away():
    lost = Attempt(number=1, offer=SPOT, interrupted=True)
    run = Run(id="r", name="n", session_id="s", attempts=(lost, Attempt(number=2, offer=SPOT)))
    assert capacity.interruptions(run) == 1
