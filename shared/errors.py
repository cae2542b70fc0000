"""What can go wrong, as one tree.

    HeadnodeError
    ├── Retry              the same call may succeed later; carries `after` (seconds)
    │   ├── Throttled      the cloud asked us to slow down
    │   ├── NotYet         something that exists cannot be seen or used yet
    │   └── Unreachable    time-out, reset or 5xx: nobody knows whether it happened
    ├── NoCapacity         this offer cannot be had now; the next one may
    │   └── QuotaReached   the account's limit, not the cloud's stock
    ├── Refused            proven permanent: asking again gets the same answer
    │   ├── Forbidden      a permission is missing; names the action
    │   ├── Invalid        the input is wrong; carries every `Fault`
    │   └── TooLarge       more than a store commits at once; a part of it may fit
    ├── Conflict           a record is not as the writer believed
    │   ├── Stale          somebody wrote it since we read it
    │   └── Exists         the identifier or the unique name is taken
    └── Poison             a message that no version of this program wrote

An exception from anywhere else is unknown, and unknown means again (`steps.deliver`).
"""

from dataclasses import dataclass


class HeadnodeError(Exception):
    """The root; its text is fit to be shown to a user and never holds a secret."""


class Retry(HeadnodeError):
    """The same call may succeed after `after` seconds."""

    def __init__(self, reason: str, after: float = 5.0) -> None:
        super().__init__(reason)
        self.after = after


class Throttled(Retry):
    """The cloud asked us to slow down; `after` honours its Retry-After where it gave one."""


class NotYet(Retry):
    """Something that was made cannot be seen or used yet (eventual consistency)."""


class Unreachable(Retry):
    """No usable answer came back: the call may or may not have had its effect."""


class NoCapacity(HeadnodeError):
    """An offer that cannot be had now. `code` is the cloud's own word for it."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


class QuotaReached(NoCapacity):
    """The account's own limit is reached; other offers of the same family will not help."""


class Refused(HeadnodeError):
    """Proven permanent: the same request gets the same answer until a person changes something."""


class Forbidden(Refused):
    """The credentials lack a permission; `action` is its name where the cloud told it."""

    def __init__(self, reason: str, action: str = "") -> None:
        super().__init__(reason)
        self.action = action


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one input field."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class Invalid(Refused):
    """The input is wrong. Carries every fault that was found, not only the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class TooLarge(Refused):
    """More than a store can commit at once: nothing was written, and a part of it may fit."""


class Conflict(HeadnodeError):
    """A record is not as the writer believed; nothing of the commit was written."""


class Stale(Conflict):
    """The record was written by somebody else since it was read: read again, decide again."""


class Exists(Conflict):
    """The identifier or unique name is taken."""


class Poison(HeadnodeError):
    """A message that cannot be understood, however often it is delivered."""
