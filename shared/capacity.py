"""Ordered offers and failover: which machine to ask for, and when to stop asking. Pure."""

import hashlib
from collections.abc import Sequence

from shared.model.machine import Offer
from shared.model.run import Attempt, Run


def preferred(offers: Sequence[Offer], interruptions: int, limit: int) -> list[Offer]:
    """The offers in the order to try. On the last machine that a run may have, on-demand comes first
    where it is allowed: a run that was interrupted so often should rather cost more than fail."""
    if interruptions < limit:
        return list(offers)
    return [offer for offer in offers if not offer.spot] + [offer for offer in offers if offer.spot]


def interruptions(run: Run) -> int:
    """How many machines the cloud took away from this run."""
    return sum(attempt.interrupted for attempt in run.attempts)


def token(run_id: str, attempt: Attempt) -> str:
    """The idempotency token of one ask: the same for each delivery of it, another one for each
    attempt and candidate, since a token with other parameters is refused and the token of a dead
    machine stays dead. 64 characters, the most that EC2 takes."""
    ask = f"{run_id}/{attempt.number}/{attempt.candidate}/{attempt.offer}"
    return hashlib.sha256(ask.encode()).hexdigest()


def explained(attempt: Attempt) -> str:
    """The refusals of an attempt in one line for people; a quota with its numbers."""
    told = ((each.offer, each.reason if each.quota else each.code) for each in attempt.refusals)
    return "; ".join(f"{offer}: {why}" for offer, why in told)
