"""Actions: launches that something outside triggers, a call of a hook or a push to a repository."""

from typing import Any, ClassVar

from shared.model.records import Record

LAUNCH = "Action"
"""A launch's id is its action's id (16 characters) and this."""
HOOKED = "tower"
PUSHED = "github"


class Action(Record, frozen=True, kw_only=True):
    """An action. `source` is `tower` (a call of its hook) or `github` (a push); `launch` a launch
    request's own body, kept losslessly; `event` what triggered it last."""

    kind: ClassVar[str] = "action"

    workspace_id: int = 0
    name: str
    source: str
    status: str = "ACTIVE"
    launch: dict[str, Any]
    token_id: str = ""
    """The record of the token that launches this action and nothing else."""
    secret: str = ""
    """What a push is signed with, sealed."""
    event: dict[str, Any] = {}
    error: str = ""
    """Why the last trigger made no run."""
    seen_at: float = 0.0
    label_ids: tuple[int, ...] = ()
    user_id: int = 1
    owner: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def launch_id(self) -> str:
        """The id of its launch."""
        return self.id + LAUNCH

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists by name."""
        return {"workspace": (str(self.workspace_id), self.name.lower())}

    def names(self) -> tuple[str, ...]:
        """A name is unique in its workspace."""
        return (f"{self.workspace_id}/{self.name.lower()}",)


class PushTaken(Record, frozen=True, kw_only=True):
    """A push that an action has taken, so that it is taken once. There are two for each: one whose id
    names the delivery, one whose id names its bytes, since the delivery's number is not signed."""

    kind: ClassVar[str] = "push-taken"

    run_id: str
    """The run that it becomes; chosen before that exists, so that a crash makes no second one."""
    done: bool = False
    expires_at: float = 0.0

    def expires(self) -> float | None:
        """Older pushes are refused by their own time."""
        return self.expires_at
