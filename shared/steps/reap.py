"""Reap: every machine goes, the moment its work ends, and nothing counts as gone on our own word.

A message names a run (its work ended, or somebody cancelled it), a machine (a cloud event), a scope
(one account and region to sweep), an environment to empty, or `tick` (the timer). The last three are
in `sweep`.
"""

from shared.model.environment import Environment
from shared.model.machine import GONE, STOPPED, Machine
from shared.model.message import Message
from shared.model.run import Attempt, Run
from shared.model.timeline import Wait
from shared.model.trace import Trace
from shared.ports import Provider, World
from shared.steps import sweep
from shared.steps.outcome import Again, Outcome, done
from shared.steps.runs import RESEND_AFTER, placed

TICK, SCOPE, MACHINE, EMPTY = "tick", "scope:", "machine:", "empty:"


def run(message: Message, world: World) -> Outcome:
    """Routes by what the subject names. Every branch is idempotent."""
    if message.subject == TICK:
        return sweep.tick(world)
    if message.subject.startswith(SCOPE):
        return sweep.scope(message.subject.removeprefix(SCOPE), world, bool(message.facts.get("force")))
    if message.subject.startswith(MACHINE):
        return on_event(message.subject.removeprefix(MACHINE), message, world)
    if message.subject.startswith(EMPTY):
        return sweep.empty(message.subject.removeprefix(EMPTY), world)
    return reap_run(message.subject, world)


def on_event(machine_id: str, message: Message, world: World) -> Outcome:
    """A cloud event about a machine: never believed, only a reason to look. A machine that no record
    knows is left to the sweep, which looks twice."""
    found = world.store.find(Run, "machine", machine_id, limit=1).items
    if not found or found[0].is_over:
        return done()
    run: Run = found[0]
    if message.facts.get("notice") and run.last is not None and not run.last.interrupted:
        attempt = run.last.but(interrupted=True)
        now = world.clock.now()
        world.store.save(run.with_attempt(attempt).noting(now, "interruption notice", "from the cloud"))
        return done()
    environment = world.store.get(Environment, run.environment_id)
    if environment is None or run.last is None or not run.last.has_machine:
        return done()
    provider = world.provider(environment)
    machine = provider.look([machine_id]).get(machine_id)
    if machine is None or machine.state == GONE:
        end_tasks(run, run.last, provider, world)
        return gone(run, run.last, machine, world)
    if machine.state == STOPPED and run.last.state in ("placed", "alive"):
        reaping(run, run.last, world)
        return done(Message(step="reap", subject=run.id))
    if machine.queued:
        sweep.explain_queue([machine], {run.id: run}, world)
    return done()


def reap_run(run_id: str, world: World) -> Outcome:
    """Ends a run's machine when its work has ended or it was cancelled, and follows it until the
    cloud says that it is gone."""
    run = world.store.get(Run, run_id)
    if run is None or run.is_over:
        return done()
    attempt = run.last
    if attempt is None or not attempt.has_machine:
        return after_gone(run)
    environment = world.store.get(Environment, run.environment_id)
    if environment is None:
        return done()
    provider = world.provider(environment)
    if attempt.state == "intended":
        return never_placed(run, attempt, provider, world)
    if attempt.state in ("placed", "alive"):
        if not run.cancel_at:
            return done()
        left = run.cancel_at + world.settings.cancel_grace - world.clock.now()
        if attempt.state == "alive" and left > 0:
            return waiting(run, "asked Nextflow to stop", min(left, world.settings.look_again), world)
    return remove(run, attempt, provider, world)


def never_placed(run: Run, attempt: Attempt, provider: Provider, world: World) -> Outcome:
    """A verdict fell while the ask was under way: take the machine if there is one, else close the
    attempt, once no ask can be on its way any more."""
    if not run.verdict:
        return done(Message(step="launch", subject=run.id))
    now = world.clock.now()
    machine = provider.find(run.id, attempt.number)
    if machine is not None:
        attempt = placed(attempt, machine.id, now)
        run = world.store.save(run.with_attempt(attempt))
        return remove(run, attempt, provider, world)
    if now - max(attempt.asked_at, attempt.created_at) < world.settings.orphan_grace:
        return waiting(run, "making sure that no machine was started", world.settings.look_again * 2, world)
    return gone(run, attempt, None, world)


def remove(run: Run, attempt: Attempt, provider: Provider, world: World) -> Outcome:
    """Asks for the machine's removal, again each time, until a look says that it is gone."""
    if attempt.state == "reaping":
        machine = provider.look([attempt.machine_id]).get(attempt.machine_id)
        if machine is None or machine.state == GONE:
            end_tasks(run, attempt, provider, world)
            return gone(run, attempt, machine, world)
    else:
        run, attempt = reaping(run, attempt, world)
    refused = provider.stop([attempt.machine_id]).get(attempt.machine_id, "")
    end_tasks(run, attempt, provider, world)
    why = f": {refused}" if refused else ""
    return waiting(run, f"waiting for the machine to be gone{why}", world.settings.look_again, world)


def end_tasks(run: Run, attempt: Attempt, provider: Provider, world: World) -> None:
    """Ends what an attempt's Nextflow had begun elsewhere: one that was killed could not. Its own reports say
    which those are, and nobody else's are touched."""
    if not provider.leaves_tasks:
        return
    trace = world.store.get(Trace, run.id)
    if trace is not None and trace.jobs and trace.attempt == attempt.number:
        provider.end_tasks(trace.jobs, attempt.created_at)


def reaping(run: Run, attempt: Attempt, world: World) -> tuple[Run, Attempt]:
    """Run and attempt with the removal written down, before it is asked for."""
    now = world.clock.now()
    attempt = attempt.to("reaping", ended_at=attempt.ended_at)
    wait = Wait(reason="waiting for the machine to be gone", next_at=now + RESEND_AFTER)
    return world.store.save(run.with_attempt(attempt).but(wait=wait, updated_at=now)), attempt


def gone(run: Run, attempt: Attempt, machine: Machine | None, world: World) -> Outcome:
    """The cloud says that the machine is gone: write it down, then decide how the run goes on."""
    now = world.clock.now()
    reason = attempt.end_reason or (machine.reason if machine else "") or "machine is gone"
    if attempt.deadline and now > attempt.deadline and not attempt.ended_at:
        # A cloud that was told the deadline ends the machine by itself, in words of its own.
        reason = f"deadline reached ({reason})"
    taken = attempt.interrupted or (machine is not None and machine.interrupted and not attempt.ended_at)
    # Azure keeps no trace of a VM that spot took back: nobody else is likely to have deleted it.
    taken = taken or (machine is None and attempt.offer.spot and attempt.state in ("placed", "alive"))
    attempt = attempt.to("gone", gone_at=now, interrupted=taken, end_reason=reason, asked_at=0.0)
    run = run.with_attempt(attempt).noting(now, "machine gone", attempt.machine_id or "none was started")
    if machine is not None and machine.words and not attempt.ended_at:
        run = run.but(error_report=run.error_report or machine.words)
    return after_gone(settled(run, attempt, world))


def settled(run: Run, attempt: Attempt, world: World) -> Run:
    """The run after the loss of its machine: to be launched again, or with a verdict."""
    now = world.clock.now()
    if not run.verdict:
        lost = sum(each.interrupted for each in run.attempts)
        limit = resumes(run, world)
        if attempt.interrupted and lost <= limit:
            wait = Wait(reason="machine was taken away; resuming on a new one", next_at=now + RESEND_AFTER)
            run = run if run.status == "SUBMITTED" else run.to("SUBMITTED", now, detail="resuming")
            return world.store.save(run.but(wait=wait))
        lost_all = f"machine was taken away {lost} times (limit {limit})" if attempt.interrupted else ""
        run = run.but(verdict="FAILED", error_message=lost_all or f"machine ended: {attempt.end_reason}")
    wait = Wait(reason="keeping the log", next_at=now + RESEND_AFTER)
    return world.store.save(run.but(wait=wait, updated_at=now))


def resumes(run: Run, world: World) -> int:
    """How many machines this run may lose: its environment's own limit, within ours."""
    environment = world.store.get(Environment, run.environment_id)
    asked = environment.config.get("maxResumes") if environment else None
    most = world.settings.max_resumes
    return min(asked, most) if isinstance(asked, int) and asked >= 0 else most


def after_gone(run: Run) -> Outcome:
    """The next step of a run without a machine."""
    return done(Message(step="logs" if run.verdict else "launch", subject=run.id))


def waiting(run: Run, reason: str, after: float, world: World) -> Outcome:
    """Not finished: the reason goes on the record, the message comes back."""
    now = world.clock.now()
    world.store.save(run.but(wait=Wait(reason=reason, next_at=now + after), updated_at=now))
    return Again(after, reason)
