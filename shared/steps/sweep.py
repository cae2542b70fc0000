"""The timer's work: what was forgotten is sent again, and each account is held against the records,
in both directions. This is the guard that needs no event, no runner and no message to have arrived.
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress

from shared.errors import Conflict, HeadnodeError, Refused, Retry
from shared.model.environment import Environment
from shared.model.machine import GONE, STOPPING, Machine
from shared.model.message import Message, Parked, to_text
from shared.model.records import Record
from shared.model.run import Run
from shared.model.tags import ORPHAN
from shared.model.timeline import Wait
from shared.model.trace import Trace
from shared.ports import Provider, World
from shared.steps import judge, tend
from shared.steps.listing import listed
from shared.steps.outcome import Again, Outcome, done
from shared.steps.runs import RESEND_AFTER

log = logging.getLogger("headnode")

ELSEWHERE = "none"
"""The partition of active runs that have no environment (`Run.indexes`)."""


def tick(world: World) -> Outcome:
    """One tick: sends again what is overdue, one sweep message for each account and region, and marks
    runs that were started elsewhere and have gone silent."""
    for run in listed(Run, "active", ELSEWHERE, world):
        mark_silent(run, world)
    return done(*overdue_messages(world), *scope_messages(world))


def mark_silent(run: Run, world: World) -> None:
    """A run that only its Nextflow tells of is UNKNOWN once that has been silent for too long; its next
    word makes it RUNNING again (`tracing`)."""
    now = world.clock.now()
    silent = world.settings.silent_after
    heard = max(run.traced_at, run.submitted_at)
    if run.status == "UNKNOWN" or now - heard <= silent:
        return
    trace = world.store.get(Trace, run.id)
    heard = max(heard, trace.traced_at if trace else 0.0)
    if now - heard <= silent:
        return
    with suppress(Conflict):  # it spoke this very moment
        world.store.save(run.to("UNKNOWN", now, detail=f"not heard for {now - heard:.0f} s"))


def overdue_messages(world: World) -> list[Message]:
    """Messages for records whose next look is long past: theirs was lost. Each is pushed into the
    future first, so that the next tick does not send it again while this one is on its way."""
    now = world.clock.now()
    late = f"{now - RESEND_AFTER / 2:017.3f}"
    messages = []
    overdue: list[Environment | Run] = [
        *listed(Environment, "due", "all", world, upto=late),
        *listed(Run, "due", "all", world, upto=late),
    ]
    for record in overdue:
        message = next_message(record)
        if message is None or record.wait is None:
            continue
        try:
            world.store.save(record.but(wait=record.wait.but(next_at=now + RESEND_AFTER)))
        except Conflict:
            continue  # somebody is at it right now
        messages.append(message)
    return messages


def next_message(record: Record) -> Message | None:
    """The message that takes a record further, read off its state alone."""
    if isinstance(record, Environment):
        if record.status == "CREATING":
            return Message(step="create", subject=record.id)
        if record.status != "DELETING":
            return None if record.status in ("ERRORED", "DELETED") else tend.message(record.id)
        if not record.emptied_at:
            return Message(step="reap", subject=f"empty:{record.id}")
        return Message(step="dispose", subject=record.id)
    if not isinstance(record, Run) or record.is_over:
        return None
    attempt = record.last
    if attempt is not None and attempt.state == "placed" and attempt.confirm_at and not record.verdict:
        return Message(step="launch", subject=record.id)
    if attempt is not None and attempt.has_machine and (record.verdict or attempt.state != "intended"):
        return Message(step="reap", subject=record.id)
    return Message(step="logs" if record.verdict and attempt is not None else "launch", subject=record.id)


def scope_messages(world: World) -> list[Message]:
    """One sweep for each account and region in which an environment of ours lives."""
    scopes: dict[str, str] = {}
    for environment in listed(Environment, "live", "all", world):
        if found := scope_of(environment, world):
            scopes.setdefault(found, environment.id)
    return [Message(step="reap", subject=f"scope:{first}") for first in scopes.values()]


def scope_of(environment: Environment, world: World) -> str:
    """The account and region of an environment; "" where its credentials cannot be used any more: it
    must not keep the others from being swept."""
    try:
        return world.provider(environment).scope()
    except HeadnodeError as error:
        log.warning("cannot be swept", extra={"environment": environment.id, "why": str(error)})
        return ""


def scope(environment_id: str, world: World, force: bool = False) -> Outcome:
    """Holds one account and region against the records. `force` lifts the blast limit once."""
    environment = world.store.get(Environment, environment_id)
    if environment is None:
        return done()
    provider = world.provider(environment)
    runs = expected_runs(provider.scope(), world)
    expected = {run.last.machine_id: run.id for run in runs if run.last is not None}
    follow_ups, removals = tend_messages(runs), []
    for page in provider.machines():
        for machine in page:
            expected.pop(machine.id, None)
        removals += judged_page(page, provider, world)
    follow_ups += removed(removals, environment_id, provider, world, force)
    follow_ups += missing(expected, world)
    return done(*follow_ups)


def empty(environment_id: str, world: World) -> Outcome:
    """Removes every machine of an environment that is being disposed of; when a listing by tag shows
    none, writes that down and hands the environment to the dispose step."""
    environment = world.store.get(Environment, environment_id)
    if environment is None or environment.status != "DELETING":
        return done()
    now = world.clock.now()
    after = world.settings.look_again
    try:
        reason = stop_all(environment, world.provider(environment))
    except (Retry, Refused) as error:
        reason, after = str(error), error.after if isinstance(error, Retry) else RESEND_AFTER
    if not reason:
        world.store.save(environment.but(emptied_at=now, updated_at=now))
        return done(Message(step="dispose", subject=environment_id))
    world.store.save(environment.but(wait=Wait(reason=reason, next_at=now + after), updated_at=now))
    return Again(after, reason)


def stop_all(environment: Environment, provider: Provider) -> str:
    """Asks for the removal of every machine that carries the environment's tag; what is left of them,
    in words, "" when a listing shows none."""
    ids = [each.id for page in provider.machines() for each in page if each.environment_id == environment.id]
    if not ids:
        return ""
    refused = provider.stop(ids)
    why = f" ({next(iter(refused.values()))})" if refused else ""
    return f"waiting for {len(ids)} machine(s) to be gone{why}"


def expected_runs(scope: str, world: World) -> list[Run]:
    """The runs that, by the records, have a machine in this account and region."""
    return [
        run
        for environment in listed(Environment, "live", "all", world)
        if scope_of(environment, world) == scope
        for run in listed(Run, "active", environment.id, world)
        if run.last is not None and run.last.machine_id and run.last.has_machine
    ]


def tend_messages(runs: Iterable[Run]) -> list[Message]:
    """One look at the machines that tasks are on, for each environment whose runs have such."""
    tended = dict.fromkeys(run.environment_id for run in runs if run.last and run.last.offer.tended)
    return [tend.message(id) for id in tended]


def judged_page(
    page: list[Machine], provider: Provider, world: World
) -> list[tuple[Machine, judge.Judgement]]:
    """Judges a page of machines: marks and un-marks at once, returns those to remove."""
    now = world.clock.now()
    runs = world.store.get_many(Run, {machine.run_id for machine in page if machine.run_id})
    judgements = [
        (machine, judge.on_machine(machine, runs.get(machine.run_id), now, world.settings))
        for machine in page
        if machine.state != GONE
    ]
    explain_queue(page, runs, world)
    mark = [machine.id for machine, verdict in judgements if verdict.act == "mark"]
    unmark = [machine.id for machine, verdict in judgements if verdict.act == "unmark"]
    if mark:
        provider.mark(mark, ORPHAN, f"{now:.0f}")
    if unmark:
        provider.mark(unmark, ORPHAN, None)
    return [
        (machine, verdict)
        for machine, verdict in judgements
        if verdict.act == "remove" and machine.state != STOPPING
    ]


def explain_queue(page: list[Machine], runs: Mapping[str, Run], world: World) -> None:
    """Puts on a run's record why its machine still stands in the cloud's queue: one write when the reason
    is another one, or when the time that it gave is past."""
    now = world.clock.now()
    for machine in page:
        run = runs.get(machine.run_id)
        attempt = judge.attempt_of(machine, run)
        if run is None or run.is_over or attempt is None or attempt.state != "placed":
            continue
        if not (machine.queued and machine.reason) or run.verdict:
            continue
        if run.wait and run.wait.reason == machine.reason and run.wait.next_at > now:
            continue
        wait = Wait(reason=machine.reason, next_at=now + tend.EXPLAINED * world.settings.sweep_every)
        with suppress(Conflict):  # it moved this very moment
            world.store.save(run.but(wait=wait, updated_at=now))


def removed(
    removals: list[tuple[Machine, judge.Judgement]],
    environment_id: str,
    provider: Provider,
    world: World,
    force: bool,
) -> list[Message]:
    """Removes machines in batches. Those whose work is finished always go; of the others no more than
    the blast limit: beyond it none goes and a person is asked."""
    finished = [machine for machine, verdict in removals if verdict.reason == "finished"]
    others = [(machine, verdict) for machine, verdict in removals if verdict.reason != "finished"]
    if len(others) > world.settings.most_removed and not force:
        ask_person(environment_id, len(others), world)
        others = []
    messages = [message for machine, verdict in others if (message := convicted(machine, verdict, world))]
    gone = [machine.id for machine in finished] + [machine.id for machine, _ in others]
    if gone:
        for machine_id, reason in provider.stop(gone).items():
            log.error("machine not accepted for removal", extra={"machine": machine_id, "why": reason})
    return messages + [Message(step="reap", subject=machine.run_id) for machine in finished if machine.run_id]


def convicted(machine: Machine, verdict: judge.Judgement, world: World) -> Message | None:
    """Writes down, before the machine goes, why its attempt ends; the message that follows it up."""
    if not verdict.guilty:
        log.warning("removing machine", extra={"machine": machine.id, "why": verdict.reason})
        return None
    run = world.store.get(Run, machine.run_id)
    attempt = judge.attempt_of(machine, run)
    if run is None or attempt is None or attempt.number != len(run.attempts):
        return None
    now = world.clock.now()
    if not attempt.machine_id:
        attempt = attempt.to("placed", machine_id=machine.id, placed_at=now)
    attempt = attempt.to("ended", ended_at=now, end_reason=verdict.reason)
    run = run.but(
        verdict=run.verdict or "FAILED",
        error_message=run.error_message or verdict.reason,
        wait=Wait(reason="waiting for the machine to be gone", next_at=now + RESEND_AFTER),
    )
    world.store.save(run.with_attempt(attempt).noting(now, "given up", verdict.reason))
    return Message(step="reap", subject=run.id)


def ask_person(environment_id: str, many: int, world: World) -> None:
    """Parks the sweep: replaying it removes them all."""
    limit = world.settings.most_removed
    reason = f"would remove {many} machines at once, the limit is {limit}; replay to remove them all"
    log.error("blast limit", extra={"environment": environment_id, "machines": many, "limit": limit})
    forced = Message(step="reap", subject=f"scope:{environment_id}", facts={"force": True})
    now = world.clock.now()
    world.store.put_many(
        [
            Parked(
                id=f"blast-{environment_id}",
                step="reap",
                subject=forced.subject,
                body=to_text(forced),
                reason=reason,
                at=now,
            )
        ]
    )


def missing(expected: dict[str, str], world: World) -> list[Message]:
    """Runs whose machine the listing did not show. Seen missing once: noted. Missing again, a tick
    later, or past its deadline, when a cloud that knows it has ended it: looked at by id, and only the
    cloud's own word ends it."""
    now = world.clock.now()
    messages = []
    for run in world.store.get_many(Run, expected.values()).values():
        attempt = run.last
        if attempt is None or not judge.is_missing(attempt, False, now, world.settings):
            continue
        late = bool(attempt.deadline) and now > attempt.deadline
        if not attempt.missing_at and not late:
            world.store.save(run.with_attempt(attempt.but(missing_at=now)))
        elif late or now - attempt.missing_at >= world.settings.sweep_every / 2:
            messages.append(Message(step="reap", subject=f"machine:{attempt.machine_id}"))
    return messages
