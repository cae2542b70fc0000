"""What can go wrong on a machine.

RunnerError
├── StepFailed   a step before or after the engine failed for good; the text goes to the user
├── Dismissed    the control plane knows no such run or attempt (any more): stop and power off
└── Failed       a call that may work later; `after` seconds when the other side said so
    └── Denied   the other side refused: repeating it helps only when somebody changes something
"""

from __future__ import annotations


class RunnerError(Exception):
    """The root. Its text never holds a secret."""


class StepFailed(RunnerError):
    """A step failed for good; the run ends with this text."""


class Dismissed(RunnerError):
    """This machine has no business any more."""


class Failed(RunnerError):
    """No usable answer: time-out, 5xx, throttling, connection refused."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


class Denied(Failed):
    """Refused. `code` is the service's own word for it, `status` the HTTP status."""

    def __init__(self, text: str, code: str = "", status: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.status = status
