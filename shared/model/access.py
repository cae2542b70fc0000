"""Who may do what: credentials for clouds (sealed) and tokens for our API (hashed)."""

import hashlib
from typing import Any, ClassVar

from shared.model.records import Model, Record


class Credentials(Record, frozen=True, kw_only=True):
    """Cloud credentials. `sealed` holds the secret part, readable only through the Vault port;
    `public` the part that may be shown (access key id, role to assume)."""

    kind: ClassVar[str] = "credentials"

    workspace_id: int = 0
    name: str
    description: str = ""
    provider: str
    public: dict[str, Any] = {}
    sealed: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    status: str = "AVAILABLE"
    """INVALID once their cloud said that it does not accept them."""
    message: str = ""
    validated_at: float = 0.0
    """When their cloud last said either (epoch seconds, UTC)."""
    used_at: float = 0.0
    deleted: bool = False

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists by name."""
        return {} if self.deleted else {"workspace": (str(self.workspace_id), self.name.lower())}

    def names(self) -> tuple[str, ...]:
        """A name is unique in its workspace."""
        return () if self.deleted else (f"{self.workspace_id}/{self.name.lower()}",)


REGISTRY = "container-reg"
"""Provider of credentials that are somebody's login to a container registry."""


class Registry(Model, frozen=True, kw_only=True):
    """A container registry, opened: with the login of somebody who may pull from it. Never stored or shown.
    Without a password its own cloud's identities are let in."""

    server: str
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Without the password, wherever it may be printed."""
        return f"Registry(server={self.server!r}, user={self.user!r})"


def no_registry(found: Credentials | None, id: str, workspace_id: int) -> str:
    """Why credentials are no login to a registry that a workspace may use; empty when they are."""
    if found is None or found.deleted or found.workspace_id != workspace_id:
        return f"credentials {id} not found"
    if found.provider != REGISTRY:
        return f"credentials {found.name} are for {found.provider}, not for a container registry"
    return ""


class Token(Record, frozen=True, kw_only=True):
    """An API token, known only by its hash. `run_id` limits it to one run, `use` to one purpose:
    `api` (a user), `run` (a run's own client and runner), `boot` (a machine fetching its spec),
    `action` (whoever may launch one action)."""

    kind: ClassVar[str] = "token"

    use: str = "api"
    name: str = ""
    run_id: str = ""
    attempt: int = 0
    action_id: str = ""
    user_id: int = 1
    created_at: float = 0.0
    used_at: float = 0.0
    """Roughly: noted once in a while, not at each use."""
    expires_at: float = 0.0
    """Epoch seconds (UTC); 0.0 is never."""
    given: bool = False
    """It was given for another token of the same use, and gives none itself."""

    @property
    def number(self) -> int:
        """What people know it by: 48 bits of its hash."""
        return int(self.id[:12], 16)

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`user` lists the tokens that a user made for themself, by the time they were made."""
        made = self.use == "api" and not self.given
        return {"user": (str(self.user_id), f"{self.created_at:017.3f}")} if made else {}

    def expires(self) -> float | None:
        """Expired tokens may be forgotten by the store; a reader must still check the time."""
        return self.expires_at or None


def token_id(token: str) -> str:
    """The id under which a token is stored: its SHA-256. Tokens are 256 random bits, so a plain hash
    cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
