"""Why something waits, and what happened to it so far: shown to users on every object."""

from shared.model.records import Model

KEEP = 200
"""Events kept per record; older ones make room, the first one (its birth) stays."""


class Wait(Model, frozen=True, kw_only=True):
    """Why a record is not further on, and when it is looked at again (epoch seconds, UTC)."""

    reason: str
    next_at: float


class Event(Model, frozen=True, kw_only=True):
    """One thing that happened, in words for a person. `at` is epoch seconds (UTC)."""

    at: float
    what: str
    detail: str = ""


def extended(events: tuple[Event, ...], event: Event) -> tuple[Event, ...]:
    """The timeline with one more event, bounded to KEEP; a repeat of the newest one is not added."""
    if events and (events[-1].what, events[-1].detail) == (event.what, event.detail):
        return events
    longer = (*events, event)
    return longer if len(longer) <= KEEP else (longer[0], *longer[2:])
