"""One delivery, the same on every host: decode, run the step, settle the outcome.

A host calls `handle` with the text of a message and forgets the message when it returns. When it
raises, nothing was settled (store or queue out of reach) and the host must deliver again.
"""

import hashlib
import logging
import zlib
from collections.abc import Callable, Mapping

from shared.errors import NotYet, Poison, Refused, Retry, Stale
from shared.model.message import Message, Note, Parked, from_text, to_text
from shared.ports import World
from shared.steps import create, dispose, launch, logs, reap, tend
from shared.steps.outcome import Again, Done, Outcome, Park

log = logging.getLogger("headnode")

Step = Callable[[Message, World], Outcome]

STEPS: Mapping[str, Step] = {
    "create": create.run,
    "launch": launch.run,
    "logs": logs.run,
    "reap": reap.run,
    "dispose": dispose.run,
}

LOST_RACES = 5
"""Times a step is rerun at once because a record changed under it; then it comes back later."""

LONGEST_DELAY = 900.0
"""Seconds between two tries, at most (also the longest delay that SQS accepts)."""

NEVER_PARKED = ("dispose", "reap")
"""Steps that remove what costs money: they never give up, whatever goes wrong."""


def handle(text: str | bytes, world: World) -> Outcome:
    """Runs one message to its outcome and settles it: follow-ups are sent, a retry is scheduled, a
    hopeless message is parked. Returns the outcome for the host's log.

    Idempotent. Raises only when the store or the queue cannot be reached."""
    try:
        message = from_text(text)
    except Poison as error:
        outcome: Outcome = Park(str(error))
        park_text(text if isinstance(text, str) else text.decode(errors="replace"), str(error), world)
        return outcome
    outcome, failed = attempt(message, world)
    settle(message, outcome, failed, world)
    return outcome


def attempt(message: Message, world: World) -> tuple[Outcome, bool]:
    """The step's outcome, with every exception turned into one; and whether there was one."""
    try:
        return through_races(message, world), False
    except NotYet as error:
        return Again(error.after, str(error)), False
    except Retry as error:
        return Again(max(error.after, backoff(message.tries, message.subject)), str(error)), True
    except (Refused, Poison) as error:
        return park_or_again(message, str(error)), True
    except Exception as error:
        # Unknown: a defect or a library's own exception. The text may hold anything, so only its
        # type is kept on the message; the log has the traceback.
        log.exception("step failed", extra={"step": message.step, "subject": message.subject})
        if message.tries + 1 >= world.settings.max_tries:
            reason = f"gave up after {message.tries + 1} tries: {type(error).__name__}"
            return park_or_again(message, reason), True
        return Again(backoff(message.tries, message.subject), f"unexpected {type(error).__name__}"), True


def through_races(message: Message, world: World) -> Outcome:
    """Runs the step, and again at once when a record changed under it."""
    for _ in range(LOST_RACES):
        try:
            return STEPS[message.step](message, world)
        except Stale:
            continue
    return Again(1.0, "another worker is writing the same record")


def park_or_again(message: Message, reason: str) -> Outcome:
    """Park, except for the steps that must never stop trying."""
    return Again(LONGEST_DELAY, reason) if message.step in NEVER_PARKED else Park(reason)


def backoff(tries: int, spread: str = "") -> float:
    """Seconds to wait after so many failures: 2, 4, 8 ... up to LONGEST_DELAY. Spread by up to a fifth
    by what `spread` names, so that those that failed together do not come back together."""
    share = zlib.crc32(f"{spread}/{tries}".encode()) % 1000 / 1000
    return float(min(2.0 ** min(tries + 1, 10), LONGEST_DELAY / 1.2)) * (1.0 + share / 5)


def settle(message: Message, outcome: Outcome, failed: bool, world: World) -> None:
    """Makes the outcome durable. May happen twice (a crash before the host's acknowledgement):
    follow-ups are then sent twice, which every step bears."""
    match outcome:
        case Done(messages):
            if messages:
                world.queue.send(*messages)
        case Again(_, reason) if failed and is_repeated(message):
            log.warning(
                "sweep failed, the next tick repeats it", extra={"subject": message.subject, "why": reason}
            )
        case Again(after, reason):
            now = world.clock.now()
            world.queue.send(message.again(now, reason, failed), after=after)
        case Park(reason):
            log.error("message parked", extra={"step": message.step, "subject": message.subject})
            park_text(to_text(message), reason, world, message)


def is_repeated(message: Message) -> bool:
    """Whether the timer sends the same message again anyway. Were it tried again too, an account that
    cannot be reached would gather one more message with every tick."""
    repeated = {"reap": ("tick", "scope:"), "launch": (tend.SUBJECT,)}.get(message.step, ())
    return message.subject.startswith(repeated) and not message.facts


def park_text(text: str, reason: str, world: World, message: Message | None = None) -> None:
    """Keeps a message for a person. The same text is kept once."""
    now = world.clock.now()
    history = message.history if message else ()
    world.store.put_many(
        [
            Parked(
                id=hashlib.sha256(text.encode()).hexdigest()[:22],
                step=message.step if message else "unknown",
                subject=message.subject if message else "",
                body=text[:262144],
                reason=reason,
                at=now,
                history=(*history, Note(at=now, reason=reason)),
            )
        ]
    )
