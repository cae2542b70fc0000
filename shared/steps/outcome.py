"""What a step answers: done, again, or park. Steps never sleep and never deliver; hosts do."""

from dataclasses import dataclass

from shared.model.message import Message


@dataclass(frozen=True)
class Done:
    """This message has had its effect (or no longer matters). Send these next."""

    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Again:
    """Not finished, and nothing went wrong: deliver the same message `after` seconds from now."""

    after: float
    reason: str


@dataclass(frozen=True)
class Park:
    """A person must look; the message is kept with its history."""

    reason: str


Outcome = Done | Again | Park


def done(*messages: Message) -> Done:
    """Done, sending these messages next."""
    return Done(messages)
