"""Launch: gives a run its machine. Exactly one ask of the cloud for each attempt and candidate.

    no attempt, or the last one is gone/refused  -> write a new attempt, ask
    intended, nobody asking                      -> look for its machine by tag; adopt it, or ask again
    placed, and the cloud may still fail it      -> look: wait, or take it for refused and ask on
    placed otherwise, and later                  -> nothing to do

The attempt is written before the ask, with the candidate that is asked for. A crash after the ask
is healed three ways: the machine itself reports (`runs.admitted`), the redelivered message finds it
by its tags, and the same idempotency token asks for the same machine.
"""

from typing import Any

from shared import capacity
from shared.errors import Forbidden, NoCapacity, QuotaReached, Refused, Retry
from shared.model.access import Token, token_id
from shared.model.environment import Environment
from shared.model.machine import FAILED, PENDING, STOPPED, Machine, Offer, Order
from shared.model.message import Message
from shared.model.run import Attempt, Refusal, Run
from shared.model.timeline import Wait
from shared.ports import Provider, World
from shared.steps import judge, tend
from shared.steps.outcome import Again, Outcome, done
from shared.steps.runs import concluded, placed

LEASE = 30.0
"""Seconds for which one worker's ask keeps others from asking. Longer than a cloud call may take,
shorter than any queue's redelivery."""


def run(message: Message, world: World) -> Outcome:
    """One step of a run towards its machine, or of an environment towards those that the tasks of its runs
    are on. Late and repeated messages are no-ops."""
    if message.subject.startswith(tend.SUBJECT):
        return tend.run(message, world)
    found = world.store.get(Run, message.subject)
    if found is None or found.is_over:
        return done()
    if is_settled(found.last):
        return done()
    if found.verdict:
        return give_up(found, world)
    environment = world.store.get(Environment, found.environment_id)
    if found.last is not None and found.last.state == "placed":
        return done() if environment is None else confirm(found, found.last, environment, world)
    if environment is None or environment.status not in ("AVAILABLE", "CREATING"):
        state = "not found" if environment is None else environment.status
        return fail(found, f"compute environment is {state}", world)
    if environment.status == "CREATING":
        return later(found, "waiting for the compute environment", world.settings.look_again, world)
    return place(found, environment, world)


def is_settled(attempt: Attempt | None) -> bool:
    """Whether an attempt has its machine for certain, or had it."""
    if attempt is None:
        return False
    return attempt.state in ("alive", "ended", "reaping") or (
        attempt.state == "placed" and not attempt.confirm_at
    )


def confirm(run: Run, attempt: Attempt, environment: Environment, world: World) -> Outcome:
    """Looks whether the cloud made the machine that it accepted. One that it could not make counts as
    an offer refused: that is written down, the remains are removed, and the next offer is asked for.
    A crash between these leaves a machine that no attempt knows, for the sweep."""
    provider = world.provider(environment)
    now = world.clock.now()
    machine = provider.look([attempt.machine_id]).get(attempt.machine_id)
    if machine is not None and machine.state == PENDING:
        return later(run, "waiting for the cloud to make the machine", provider.confirm_after, world)
    if machine is not None and machine.state == STOPPED:
        ended = attempt.to("ended", ended_at=now, end_reason=f"{judge.STOPPED_EARLY}: {machine.reason}")
        return fail(run.with_attempt(ended), ended.end_reason, world)
    if machine is None or machine.state != FAILED:
        wait = Wait(reason="waiting for the machine to boot", next_at=now + world.settings.boot_within)
        world.store.save(run.with_attempt(attempt.but(confirm_at=0.0)).but(wait=wait, updated_at=now))
        return done()
    attempt = unmade(attempt, machine, now)
    run = world.store.save(run.with_attempt(attempt).noting(now, "machine failed", machine.reason))
    provider.stop([machine.id])
    if next_offer(run, attempt, provider, world) is None:
        return nothing_to_be_had(run, attempt, world)
    return place(run, environment, world)


def unmade(attempt: Attempt, machine: Machine, now: float) -> Attempt:
    """The attempt after the cloud failed to make its machine: as if the offer had been refused."""
    reason = f"{machine.id} could not be made: {machine.reason}"
    refused = Refusal(offer=attempt.offer, code=machine.reason, reason=reason, at=now)
    refusals = (*attempt.refusals, refused)
    return attempt.to("intended", machine_id="", placed_at=0.0, confirm_at=0.0, refusals=refusals)


def place(run: Run, environment: Environment, world: World) -> Outcome:
    """Takes up the attempt that is under way, or begins one, and asks."""
    provider = world.provider(environment)
    attempt, first = run.last, False
    now = world.clock.now()
    try:
        if attempt is not None and attempt.state == "intended":
            if attempt.asked_at and now - attempt.asked_at < LEASE:
                return Again(LEASE - (now - attempt.asked_at), "another worker is asking the cloud")
            machine = provider.find(run.id, attempt.number)
            if machine is not None:
                return adopted(run, attempt, machine.id, provider.confirm_after, world)
            if run.deadline and now > run.deadline:
                return fail(run, f"deadline reached: {run.wait.reason if run.wait else 'no machine'}", world)
            run, attempt = asking(run, attempt, world, **next_ask(run, attempt, provider, world))
        else:
            if run.deadline and now > run.deadline:
                return fail(run, "deadline reached before a machine was asked for", world)
            if faults := provider.check_run(run):
                return fail(run, "; ".join(map(str, faults)), world)
            offers = offered(run, provider, world)
            if not offers:
                return fail(run, "the compute environment offers no machine", world)
            run, attempt = begun(run, offers[0], world)
            first = True
    except Retry as error:
        return later(run, str(error), error.after, world)
    return ask(run, attempt, environment, provider, world, first)


def offered(run: Run, provider: Provider, world: World) -> list[Offer]:
    """The offers in the order to try for this run."""
    return capacity.preferred(provider.offers(run), capacity.interruptions(run), world.settings.max_resumes)


def next_ask(run: Run, attempt: Attempt, provider: Provider, world: World) -> dict[str, Any]:
    """What to change on an attempt before asking again: nothing while its ask was never answered; the
    next offer when it was refused; a new round through all of them when all were."""
    if all(refusal.offer != attempt.offer for refusal in attempt.refusals):
        return {}
    following = next_offer(run, attempt, provider, world)
    if following is not None:
        return {"candidate": attempt.candidate + 1, "offer": following}
    offers = offered(run, provider, world)
    return {"candidate": attempt.candidate + 1, "offer": offers[0], "refusals": ()}


def begun(run: Run, offer: Offer, world: World) -> tuple[Run, Attempt]:
    """Run and its next attempt, written with the boot token's hash in one commit. Nothing was asked
    yet, and everything that the ask is made of is now fixed."""
    now = world.clock.now()
    number = len(run.attempts) + 1
    secret = world.ids.secret()
    attempt = Attempt(
        number=number,
        offer=offer,
        boot_secret=world.vault.seal(secret, boot_context(run.id, number)),
        deadline=run.deadline,
        created_at=now,
        asked_at=now,
    )
    token = boot_token(run, number, secret, world)
    # A next look that is still ahead stays where it is: the record then moves in no listing.
    ahead = run.wait.next_at if run.wait and run.wait.next_at > now + LEASE else now + 2 * LEASE
    run = run.with_attempt(attempt).but(wait=Wait(reason=f"asking for {offer}", next_at=ahead))
    world.store.save_all(run, token)
    return run.but(generation=run.generation + 1), attempt


def boot_token(run: Run, number: int, secret: str, world: World) -> Token:
    """What a machine fetches its spec with: good for as long as one may be waited for."""
    now = world.clock.now()
    return Token(
        id=token_id(secret),
        use="boot",
        run_id=run.id,
        attempt=number,
        user_id=run.user_id,
        created_at=now,
        expires_at=now + world.settings.capacity_wait + 2 * world.settings.boot_within,
    )


def boot_context(run_id: str, attempt: int) -> str:
    """What a boot token is sealed for."""
    return f"boot/{run_id}/{attempt}"


def asking(run: Run, attempt: Attempt, world: World, **changes: Any) -> tuple[Run, Attempt]:
    """Run and attempt with the ask written down, before it is made."""
    now = world.clock.now()
    if now - attempt.created_at > world.settings.capacity_wait / 2:
        # It waited for so long that its machine's first word might come too late.
        secret = world.vault.open(attempt.boot_secret, boot_context(run.id, attempt.number))
        world.store.put_many([boot_token(run, attempt.number, secret, world)])
    attempt = attempt.but(asked_at=now, **changes)
    wait = Wait(reason=f"asking for {attempt.offer}", next_at=now + 2 * LEASE)
    return world.store.save(run.with_attempt(attempt).but(wait=wait, updated_at=now)), attempt


def ask(
    run: Run,
    attempt: Attempt,
    environment: Environment,
    provider: Provider,
    world: World,
    first: bool = False,
) -> Outcome:
    """Asks for the attempt's offer; when it cannot be had, for the next one, until one is accepted or
    none is left. `first`: this delivery wrote the attempt, so nobody has asked for it."""
    while True:
        try:
            machine_id = provider.start(order(run, attempt, environment, world).but(first=first))
        except NoCapacity as error:
            refused = refusal(attempt.offer, error, world.clock.now())
            attempt = attempt.but(refusals=(*attempt.refusals, refused))
            following = next_offer(run, attempt, provider, world)
            if following is None:
                return nothing_to_be_had(run, attempt, world)
            first = False
            run, attempt = asking(run, attempt, world, candidate=attempt.candidate + 1, offer=following)
        except Retry as error:
            return later(run.with_attempt(attempt.but(asked_at=0.0)), str(error), error.after, world)
        except Refused as error:
            what = "permission missing: " if isinstance(error, Forbidden) else ""
            return fail(run.with_attempt(attempt.to("refused", asked_at=0.0)), f"{what}{error}", world)
        else:
            return adopted(run, attempt, machine_id, provider.confirm_after, world)


def refusal(offer: Offer, error: NoCapacity, now: float) -> Refusal:
    """What goes on the record of an offer that could not be had."""
    quota = isinstance(error, QuotaReached)
    return Refusal(offer=offer, code=error.code, reason=str(error), at=now, quota=quota)


def next_offer(run: Run, attempt: Attempt, provider: Provider, world: World) -> Offer | None:
    """The first offer that this attempt has not been refused yet."""
    tried = {refusal.offer for refusal in attempt.refusals}
    return next((offer for offer in offered(run, provider, world) if offer not in tried), None)


def order(run: Run, attempt: Attempt, environment: Environment, world: World) -> Order:
    """The ask in full. The same attempt and candidate make the same order, byte for byte."""
    secret = world.vault.open(attempt.boot_secret, boot_context(run.id, attempt.number))
    given = environment.config.get("labels")
    labels = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
    return Order(
        run_id=run.id,
        attempt=attempt.number,
        token=capacity.token(run.id, attempt),
        offer=attempt.offer,
        boot=world.boot(run, attempt, secret),
        deadline=attempt.deadline,
        owner=run.owner,
        labels={**labels, **run.tags},
    )


def adopted(run: Run, attempt: Attempt, machine_id: str, confirm_after: float, world: World) -> Outcome:
    """The attempt has its machine; where the cloud may still fail to make it, the message comes back.
    Should the run have been cancelled meanwhile, the reaper follows."""
    now = world.clock.now()
    attempt = placed(attempt, machine_id, now).but(confirm_at=now + confirm_after if confirm_after else 0.0)
    look_at = attempt.confirm_at or now + world.settings.boot_within
    wait = Wait(reason="waiting for the machine to boot", next_at=look_at)
    run = run.with_attempt(attempt).but(wait=wait, updated_at=now)
    saved = world.store.save(run.noting(now, "machine", f"{machine_id} ({attempt.offer})"))
    if saved.cancel_at:
        return done(Message(step="reap", subject=run.id))
    return Again(confirm_after, wait.reason) if confirm_after else done()


def nothing_to_be_had(run: Run, attempt: Attempt, world: World) -> Outcome:
    """Every offer was refused: wait and begin again, until the run has waited for too long."""
    now = world.clock.now()
    reason = f"no capacity: {capacity.explained(attempt)}"
    if now - attempt.created_at >= world.settings.capacity_wait:
        return fail(run.with_attempt(attempt.to("refused", asked_at=0.0)), reason, world)
    run = run.with_attempt(attempt.but(asked_at=0.0))
    return later(run.noting(now, "no capacity", reason), reason, world.settings.capacity_retry, world)


def later(run: Run, reason: str, after: float, world: World) -> Outcome:
    """Not finished: the reason goes on the record, the message comes back."""
    now = world.clock.now()
    world.store.save(run.but(wait=Wait(reason=reason, next_at=now + after), updated_at=now))
    return Again(after, reason)


def fail(run: Run, reason: str, world: World) -> Outcome:
    """No machine will be had: FAILED with the reason. An attempt that may have one goes to the reaper."""
    now = world.clock.now()
    run = run.but(verdict=run.verdict or "FAILED", error_message=run.error_message or reason, updated_at=now)
    return give_up(run, world)


def give_up(run: Run, world: World) -> Outcome:
    """The verdict stands. Without a machine it becomes the status at once, else the reaper sees to it."""
    if run.last is not None and run.last.has_machine:
        world.store.save(run)
        return done(Message(step="reap", subject=run.id))
    world.store.save(concluded(run, world.clock.now()))
    return done()
