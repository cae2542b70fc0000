"""Tend: the machines that the tasks of runs are on, where those are not the runs' own (`Offer.tended`).

Asked for by the timer's sweep, and by Nextflow's word that tasks were submitted: then room for them is on
its way within seconds. What tasks wait for is put on the record of each run that has some waiting.
"""

from contextlib import suppress

from shared.errors import Conflict, Refused, Retry
from shared.model.environment import Environment
from shared.model.machine import Tended
from shared.model.message import Message
from shared.model.run import Run
from shared.model.timeline import Wait
from shared.model.trace import Trace
from shared.ports import World
from shared.steps.listing import listed
from shared.steps.outcome import Again, Outcome, done
from shared.steps.runs import RESEND_AFTER

SUBJECT = "tend:"
SETTLES = 5.0
"""Seconds from the first task that is submitted to the look: those that come with it are there then."""
PAUSE = 30.0
"""Seconds between two looks for tasks that a run submits. Azure Batch takes a formula no more often."""
EXPLAINED = 5
"""Sweeps for which a reason that stays the same is not written again."""


def message(environment_id: str) -> Message:
    """Asks for a look at an environment. It goes to the step that may ask for machines."""
    return Message(step="launch", subject=f"{SUBJECT}{environment_id}")


def run(message: Message, world: World) -> Outcome:
    """One look. A change that the cloud takes only later is tried once more then; after that it is left to
    the timer, which looks again anyway."""
    id = message.subject.removeprefix(SUBJECT)
    environment = world.store.get(Environment, id)
    if environment is None or environment.status in ("CREATING", "ERRORED", "DELETING", "DELETED"):
        return done()
    try:
        found = world.provider(environment).tend()
    except Retry as error:
        return later(message, error.after, str(error))
    except Refused as error:
        found = Tended(waits=f"nobody can look after the machines of tasks: {error}")
    settle(environment, found, world)
    runs = [each for each in listed(Run, "active", id, world) if is_tended(each)]
    if found.lost:
        return done(*(ended(each, found.lost, world) for each in runs))
    explain(runs, found.waits, world)
    if not found.after:
        return done()
    return later(message, found.after, "the cloud takes no other number of machines yet")


def settle(environment: Environment, found: Tended, world: World) -> None:
    """An environment that waits for what was made for it to be told of its config waits no more."""
    if environment.wait is not None and not found.after:
        with suppress(Conflict):  # somebody changed it again: another look is on its way
            world.store.save(environment.but(wait=None))


def later(message: Message, after: float, reason: str) -> Outcome:
    """Once more after so many seconds, unless this is that."""
    return done() if message.history else Again(max(after, 1.0), reason)


def is_tended(run: Run) -> bool:
    """Whether it is at work, with tasks on machines that are not its own."""
    last = run.last
    if last is None or run.verdict or run.cancel_at:
        return False
    return last.offer.tended and last.state in ("placed", "alive")


def explain(runs: list[Run], reason: str, world: World) -> None:
    """Puts on each run's record what its tasks wait for, or takes it away: one write where that is news."""
    now = world.clock.now()
    traces = world.store.get_many(Trace, [run.id for run in runs])
    for each in runs:
        if each.status != "RUNNING":
            continue
        why = reason if has_waiting(traces.get(each.id)) else ""
        fresh = each.wait is not None and each.wait.reason == why and each.wait.next_at > now
        if fresh or (each.wait is None and not why):
            continue
        wait = Wait(reason=why, next_at=now + EXPLAINED * world.settings.sweep_every) if why else None
        with suppress(Conflict):  # it moved this very moment
            world.store.save(each.but(wait=wait, updated_at=now))


def has_waiting(trace: Trace | None) -> bool:
    """Whether a run has tasks that are submitted and do not run; also where its Nextflow has not said."""
    return trace is None or trace.counters.get("submitted") != 0


def ended(run: Run, why: str, world: World) -> Message:
    """Writes down that a run's tasks can never run, before its machine goes; the message that ends it."""
    now = world.clock.now()
    assert run.last is not None
    attempt = run.last.to("ended", ended_at=now, end_reason=why)
    wait = Wait(reason="waiting for the machine to be gone", next_at=now + RESEND_AFTER)
    run = run.but(verdict="FAILED", error_message=run.error_message or why, wait=wait)
    world.store.save(run.with_attempt(attempt).noting(now, "given up", why))
    return Message(step="reap", subject=run.id)


def due(run: Run, trace: Trace, submitted: bool, now: float) -> float:
    """When to look because of tasks that a run's Nextflow says it has submitted; 0.0 where no look is
    needed, or one is on its way already. Pure."""
    if not submitted or trace.tend_at > now or not is_tended(run):
        return 0.0
    return max(now + SETTLES, trace.tend_at + PAUSE)
