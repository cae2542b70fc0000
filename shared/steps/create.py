"""Create: holds the request against the account, then walks the resource graph forward.

Each wave is written as `making` before the cloud is asked, so that a crash at any call leaves a row
for everything that may exist. Coming back makes the same resources again under the same names.
"""

from shared import plan
from shared.errors import Refused, Retry, Throttled
from shared.model.environment import Environment, Made, ResourceRow
from shared.model.message import Message
from shared.model.timeline import Wait
from shared.ports import Provider, World
from shared.steps import sharing
from shared.steps.outcome import Again, Outcome, done


def run(message: Message, world: World) -> Outcome:
    """Takes an environment from CREATING to AVAILABLE or ERRORED. A late message is a no-op."""
    environment = world.store.get(Environment, message.subject)
    if environment is None or environment.status != "CREATING":
        return done()
    provider = world.provider(environment)
    try:
        if not environment.checked_at:
            environment = checked(environment, provider, world)
            if environment.status != "CREATING":
                return done()
            # Bound anew: what was looked up just now is part of what is made.
            provider = world.provider(environment)
        return forward(environment, provider, world)
    except Retry as error:
        waiting(environment, str(error), error.after, world)
        raise
    except Refused as error:
        return failed(environment, str(error), world)


def checked(environment: Environment, provider: Provider, world: World) -> Environment:
    """The environment with its graph planned, or ERRORED with every fault that was found."""
    now = world.clock.now()
    if faults := provider.check():
        reasons = "; ".join(map(str, faults))
        return world.store.save(environment.to("ERRORED", now, message=reasons, wait=None))
    rows = plan.planned(provider.resources())
    found = environment.but(checked_at=now, details=provider.details(), resources=rows)
    return world.store.save(found.noting(now, "checked"))


def forward(environment: Environment, provider: Provider, world: World) -> Outcome:
    """Makes what can be made, wave by wave, until all is present or something has to be waited for."""
    while wave := plan.makeable(environment.resources):
        for id in {row.shared for row in wave if row.shared}:
            sharing.join(world, id, environment.id)
        for row in wave:
            environment = environment.with_row(row.to("making"))
        environment = world.store.save(environment.but(updated_at=world.clock.now()))
        made, refusal, delay = make_wave(environment, provider, world)
        environment = world.store.save(made)
        if refusal:
            return failed(environment, refusal, world)
        if delay is not None:
            waiting(environment, str(delay), delay.after, world)
            return Again(delay.after, str(delay))
    world.store.save(environment.to("AVAILABLE", world.clock.now(), message="", wait=None))
    return done()


def make_wave(
    environment: Environment, provider: Provider, world: World
) -> tuple[Environment, str, Retry | None]:
    """Asks for every row of the wave; one that is slow or refused does not stop the others. Returns
    the environment with its rows updated, a refusal's text, and what to wait for."""
    refusal = ""
    delay: Retry | None = None
    for row in [row for row in environment.resources if row.state == "making"]:
        try:
            made = provider.ensure(row, plan.present(environment.resources))
        except Retry as error:
            delay = error if delay is None else sooner(delay, error)
            environment = environment.with_row(row.but(reason=str(error)))
        except Refused as error:
            refusal = refusal or f"{row.type} {row.name}: {error}"
            environment = environment.with_row(row.to("failed", reason=str(error)))
        else:
            environment = present(environment, row, made, world.clock.now())
    return environment, refusal, delay


def sooner(one: Retry, other: Retry) -> Retry:
    """Which of two waits counts: the shorter, so that a slow resource holds up nothing beside it; but a
    cloud that asks us to slow down is obeyed."""
    throttled = [each for each in (one, other) if isinstance(each, Throttled)]
    if throttled:
        return max(throttled, key=lambda each: each.after)
    return min(one, other, key=lambda each: each.after)


def present(environment: Environment, row: ResourceRow, made: Made, now: float) -> Environment:
    """The environment with this row made."""
    there = row.to("present", cloud_id=made.cloud_id, facts=made.facts, reason="", made_at=now)
    return environment.with_row(there).noting(now, "made", f"{row.type} {row.name}")


def waiting(environment: Environment, reason: str, after: float, world: World) -> None:
    """Writes why the environment is not further on, for people and for the sweep."""
    fresh = world.store.get(Environment, environment.id)
    if fresh is not None and fresh.status == "CREATING":
        now = world.clock.now()
        world.store.save(fresh.but(wait=Wait(reason=reason, next_at=now + after), updated_at=now))


def failed(environment: Environment, reason: str, world: World) -> Outcome:
    """ERRORED with the reason. What was made stays on the record, for dispose."""
    fresh = world.store.get(Environment, environment.id) or environment
    if fresh.status == "CREATING":
        world.store.save(fresh.to("ERRORED", world.clock.now(), message=reason, wait=None))
    return done()
