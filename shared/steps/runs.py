"""What people and machines say about runs: submit, cancel, delete, report. And how a run ends.

These are called by the API with an answer expected at once; slow work is left to messages.
"""

import uuid
from typing import Any

from shared.errors import Conflict, Invalid, NotYet, Refused
from shared.model.access import Token, token_id
from shared.model.environment import Environment
from shared.model.message import Message
from shared.model.metrics import Metrics
from shared.model.records import Model
from shared.model.run import Attempt, Run
from shared.model.timeline import Event, Wait
from shared.model.trace import TaskBlock, Trace, block_id
from shared.ports import World
from shared.steps import labels, required_tags

RESEND_AFTER = 120.0
"""Seconds after which the sweep sends a message again for a record that nobody has touched."""


class Over(Refused):
    """The run, or this attempt of it, is over: the machine that asks has no business any more."""


class StillActive(Conflict):
    """The run is not over; it has to be cancelled first."""


class Report(Model, frozen=True, kw_only=True):
    """What a runner says. `event`: boot, start, heartbeat, notice (the cloud takes the machine back)
    or end. `machine_id` is the cloud's id of the machine that speaks."""

    event: str
    machine_id: str = ""
    step: str = ""
    message: str = ""
    exit_status: int | None = None
    error: str = ""


class Answer(Model, frozen=True, kw_only=True):
    """What the runner is told: go on or stop, whether somebody cancelled, and by when it must end."""

    go_on: bool
    cancel: bool
    deadline: float


def submit_run(
    world: World,
    *,
    workspace_id: int,
    user_id: int,
    owner: str,
    environment: Environment,
    launch: dict[str, Any],
    label_ids: tuple[int, ...] = (),
    run_id: str = "",
) -> Run:
    """Records a run as SUBMITTED and sends it to the launch step. Raises Conflict when the
    environment cannot take runs, Invalid for a tag that its policy needs and the run would not carry. Not
    idempotent: each call is a run, unless the caller chose its id; then a second one raises Exists."""
    if environment.status != "AVAILABLE":
        raise Conflict(f"compute environment {environment.name} is {environment.status}, not AVAILABLE")
    tags = labels.tags(world, (*environment.label_ids, *label_ids))
    if faults := required_tags.missing(environment.config, {**environment.tags, **tags}):
        raise Invalid(*faults)
    now = world.clock.now()
    run_id = run_id or world.ids.new(16)
    run = world.store.save(
        Run(
            id=run_id,
            workspace_id=workspace_id,
            user_id=user_id,
            owner=owner,
            environment_id=environment.id,
            name=str(launch.get("runName") or f"run_{run_id.lower()}"),
            session_id=str(launch.get("sessionId") or uuid.UUID(hex=world.ids.secret()[:32], version=4)),
            launch=launch,
            work_dir=str(launch.get("workDir") or environment.config.get("workDir") or ""),
            label_ids=label_ids,
            tags=tags,
            wait=Wait(reason="queued", next_at=now + RESEND_AFTER),
            timeline=(Event(at=now, what="SUBMITTED"),),
            deadline=now + world.settings.longest_run,
            submitted_at=now,
            updated_at=now,
        )
    )
    world.queue.send(Message(step="launch", subject=run.id))
    return run


def cancel_run(world: World, run: Run) -> Run:
    """Asks for a run to be stopped; it ends as CANCELLED once its machine is gone. Idempotent; a run
    that is over stays as it is."""
    if run.is_over or run.cancel_at:
        return run
    now = world.clock.now()
    wait = Wait(reason="cancelling", next_at=now + RESEND_AFTER)
    verdict = run.verdict or "CANCELLED"
    run = world.store.save(
        run.but(cancel_at=now, verdict=verdict, wait=wait, updated_at=now).noting(now, "cancel asked")
    )
    world.queue.send(Message(step="reap", subject=run.id))
    return run


def star_run(world: World, run: Run, user_id: int, star: bool) -> Run:
    """Gives a run a user's star, or takes it away. Idempotent. Raises Stale."""
    if (user_id in run.starred_by) == star:
        return run
    others = tuple(id for id in run.starred_by if id != user_id)
    return world.store.save(run.but(starred_by=(*others, user_id) if star else others))


def delete_run(world: World, run: Run) -> None:
    """Forgets a run with its tasks and metrics; the trace, which knows the tasks, and the run go last. Raises
    StillActive while it may have a machine."""
    if not run.is_over:
        raise StillActive(f"run {run.name} is {run.status}: cancel it first")
    trace = world.store.get(Trace, run.id)
    if trace is not None:
        world.store.remove(TaskBlock, [block_id(run.id, number) for number in trace.sizes])
    world.store.remove(Metrics, [run.id])
    world.store.remove(Trace, [run.id])
    world.store.remove(Run, [run.id])


def issue_run_token(world: World, run: Run, attempt: Attempt, text: str) -> None:
    """Records a token that lets one run's machine and Nextflow client speak for that run, and for
    nothing else, until its deadline (and a day for late reports)."""
    world.store.put_many(
        [
            Token(
                id=token_id(text),
                use="run",
                name=f"run {run.id} attempt {attempt.number}",
                run_id=run.id,
                attempt=attempt.number,
                user_id=run.user_id,
                created_at=world.clock.now(),
                expires_at=(attempt.deadline or run.deadline) + 86400.0,
            )
        ]
    )


def admitted(world: World, run_id: str, number: int, machine_id: str) -> tuple[Run, Attempt]:
    """The run and attempt that a machine speaks for. The first machine to speak for an attempt whose
    ask was never answered is taken as its machine; any other one is sent away.

    Raises Over when the machine has no business here (any more)."""
    run = world.store.get(Run, run_id)
    if run is None:
        raise Over(f"run {run_id} not found")
    attempt = run.last
    if run.is_over or attempt is None or attempt.number != number or not attempt.has_machine:
        raise Over(f"attempt {number} of run {run_id} is over")
    if attempt.machine_id and machine_id and attempt.machine_id != machine_id:
        raise Over(f"attempt {number} of run {run_id} has another machine")
    if attempt.state == "intended":
        if not machine_id:
            raise NotYet(f"attempt {number} of run {run_id} is not recorded yet", after=1.0)
        attempt = placed(attempt, machine_id, world.clock.now())
        run = world.store.save(run.with_attempt(attempt))
    return run, attempt


def placed(attempt: Attempt, machine_id: str, now: float) -> Attempt:
    """The attempt with its machine's id known."""
    return attempt.to("placed", machine_id=machine_id, placed_at=now, asked_at=0.0)


def report(world: World, run_id: str, number: int, said: Report) -> Answer:
    """Takes a runner's word. Idempotent. Raises Over for a machine that should stop, Stale when the
    record changed meanwhile (say it again)."""
    run, attempt = admitted(world, run_id, number, said.machine_id)
    now = world.clock.now()
    changed, attempt = heard(run, attempt, said, now)
    run = world.store.save(changed.with_attempt(attempt).but(updated_at=now))
    if attempt.state == "ended":
        world.queue.send(Message(step="reap", subject=run.id))
    return Answer(
        go_on=attempt.state in ("placed", "alive") and not run.cancel_at,
        cancel=bool(run.cancel_at),
        deadline=attempt.deadline,
    )


def heard(run: Run, attempt: Attempt, said: Report, now: float) -> tuple[Run, Attempt]:
    """Run and attempt after one report. Pure."""
    attempt = attempt.but(seen_at=now, missing_at=0.0)
    if attempt.state == "placed":
        attempt = attempt.to("alive")
    if said.event == "boot":
        return run.noting(now, "boot", said.step or said.message), attempt
    if said.event == "start":
        started = attempt.but(started_at=attempt.started_at or now)
        if run.status != "RUNNING":
            run = run.to("RUNNING", now, wait=None if not run.cancel_at else run.wait)
        return run.but(started_at=run.started_at or now), started
    if said.event == "notice":
        return run.noting(now, "interruption notice", said.message), attempt.but(interrupted=True)
    if said.event == "end" and attempt.state == "alive":
        return ended(run, attempt, said, now)
    return run, attempt


def ended(run: Run, attempt: Attempt, said: Report, now: float) -> tuple[Run, Attempt]:
    """Run and attempt after the runner said that its work is over. An interrupted one has no verdict:
    the work goes on elsewhere."""
    interrupted = said.error == "interrupted" and not run.cancel_at
    attempt = attempt.to(
        "ended",
        ended_at=now,
        exit_status=said.exit_status,
        end_reason=said.error or said.message,
        interrupted=interrupted,
    )
    wait = Wait(reason="waiting for the machine to be gone", next_at=now + RESEND_AFTER)
    run = run.but(wait=wait)
    if interrupted:
        return run.noting(now, "interrupted", said.message), attempt
    detail = said.error or (f"exit status {said.exit_status}" if said.exit_status is not None else "")
    run = run.noting(now, "work ended", detail)
    return judged(run, said.exit_status, said.error or said.message), attempt


def judged(run: Run, exit_status: int | None, reason: str) -> Run:
    """The run with its verdict, unless it has one already (a cancel, an earlier word)."""
    if run.verdict:
        return run.but(exit_status=exit_status if run.exit_status is None else run.exit_status)
    good = exit_status == 0
    message = "" if good else (run.error_message or reason or f"exit status {exit_status}")
    return run.but(verdict="SUCCEEDED" if good else "FAILED", exit_status=exit_status, error_message=message)


def concluded(run: Run, now: float) -> Run:
    """The run with its verdict as its status: nothing of it is left to do."""
    detail = run.error_message if run.verdict == "FAILED" else ""
    return run.to(run.verdict, now, detail=detail, wait=None, completed_at=now)
