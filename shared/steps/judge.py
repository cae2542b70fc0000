"""What to do with one machine or one run, given the facts. Pure: the reaper carries it out.

machine on hold                                   -> keep
it failed to be made, and no attempt waits for it -> remove   failed
its run knows it, and needs it                    -> keep (and un-mark)
its run knows it, work ended or run over          -> remove   finished
its guest stopped without a word                  -> remove   stopped
it stands in the cloud's queue for too long       -> remove   waited
past its deadline (record's, else its own tag's)  -> remove   overdue
alive once, not heard for too long                -> remove   silent
never heard since it was placed                   -> remove   never booted
no record of it: first seen                       -> mark     orphan
no record of it: marked, and grace is over        -> remove   orphan
"""

from dataclasses import dataclass
from typing import Literal

from shared.model.machine import FAILED, STOPPED, Machine
from shared.model.run import Attempt, Run
from shared.model.settings import Settings

Act = Literal["keep", "mark", "unmark", "remove"]


@dataclass(frozen=True)
class Judgement:
    """What to do with a machine, and why. `guilty`: the run itself is to be blamed (it goes on the
    record as the reason of its end)."""

    act: Act
    reason: str = ""
    guilty: bool = False


KEEP = Judgement("keep")
STOPPED_EARLY = "the machine stopped without reporting its end"


def on_machine(machine: Machine, run: Run | None, now: float, settings: Settings) -> Judgement:
    """What to do with a machine that the cloud shows, given the run that its tag names."""
    if machine.hold_until > now:
        return KEEP
    attempt = attempt_of(machine, run)
    if machine.state == FAILED and (attempt is None or attempt.state != "placed"):
        return Judgement("remove", "failed to be made")
    if run is None or attempt is None:
        return on_stranger(machine, now, settings)
    if run.is_over or attempt.state in ("ended", "reaping", "gone", "refused"):
        return Judgement("remove", "finished")
    if machine.state == STOPPED:
        # One that the cloud took is nobody's fault: its work goes on elsewhere.
        return Judgement("remove", f"{STOPPED_EARLY}: {machine.reason}", guilty=not machine.interrupted)
    if reason := lateness(attempt, machine, now, settings):
        return Judgement("remove", reason, guilty=True)
    return Judgement("unmark", "its run is known") if machine.orphan_since else KEEP


def attempt_of(machine: Machine, run: Run | None) -> Attempt | None:
    """The attempt whose machine this is: by its id, or by the tag while the id is not recorded yet."""
    if run is None:
        return None
    for attempt in run.attempts:
        if attempt.number == machine.attempt:
            known = attempt.machine_id or (machine.id if attempt.state == "intended" else "")
            return attempt if known == machine.id else None
    return None


def on_stranger(machine: Machine, now: float, settings: Settings) -> Judgement:
    """Two phases: mark, wait, look again, then remove. A deadline on its own tag needs no record."""
    if machine.deadline and now > machine.deadline + settings.orphan_grace:
        return Judgement("remove", "overdue, and no record of it")
    if not machine.orphan_since:
        return Judgement("mark", "no record of it")
    if now - machine.orphan_since < settings.orphan_grace:
        return KEEP
    return Judgement("remove", "orphan: still no record of it")


def lateness(attempt: Attempt, machine: Machine, now: float, settings: Settings) -> str:
    """Why an attempt is given up, or "" while it is well. One that stands in a queue has as long as one
    for which there is no capacity; it begins to boot when it leaves the queue."""
    if attempt.deadline and now > attempt.deadline:
        return "deadline reached"
    if attempt.state == "alive" and now - attempt.seen_at > settings.silent_after:
        return f"silent: not heard for {now - attempt.seen_at:.0f} s"
    if attempt.state == "placed" and machine.queued:
        waited = now - attempt.placed_at
        return f"waited {waited:.0f} s: {machine.reason}" if waited > settings.capacity_wait else ""
    began = max(attempt.placed_at, machine.started_at)
    if attempt.state == "placed" and now - began > settings.boot_within:
        return f"never booted: not heard since it was started {now - began:.0f} s ago"
    return ""


def is_missing(attempt: Attempt, seen: bool, now: float, settings: Settings) -> bool:
    """Whether a run's machine should have been in the listing and was not. A fresh machine may be
    invisible for a moment."""
    if seen or not attempt.machine_id or not attempt.has_machine:
        return False
    return now - attempt.placed_at > settings.look_again
