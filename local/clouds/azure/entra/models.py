"""Principals and their tokens."""

import base64
import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass

TENANT = "6f5a1f0e-7b5c-4a6b-9c53-0d4a5b1e2f01"
LIVES = 3600
"""Seconds of a token of an app; those of managed identities live a day."""


@dataclass(frozen=True)
class Principal:
    """An app or a managed identity. `trusted` ones may do everything unless told otherwise."""

    object_id: str
    client_id: str
    name: str
    secret: str = ""
    trusted: bool = False
    made_at: float = 0.0
    resource_id: str = ""


@dataclass(frozen=True)
class Token:
    """What a bearer token stands for."""

    principal: str
    audience: str
    expires_at: float


def guid(*words: str) -> str:
    """The same words always give the same id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(words)))


class Directory:
    """The tenant. Two apps are always there: `operator`, with a secret, and `function`, the identity
    of the host that the control plane runs on."""

    def __init__(self) -> None:
        self.by_object: dict[str, Principal] = {}
        self._tokens: dict[str, Token] = {}
        self.born = 0
        """How many principals there ever were."""
        self.clear()

    def clear(self) -> None:
        """Only the two apps; every token is void."""
        self.by_object.clear()
        self._tokens.clear()
        self.born = 0
        self.operator = self.add("operator", secret="emulated-secret", trusted=True)  # noqa: S106
        self.function = self.add("function", trusted=True)

    def add(
        self,
        name: str,
        *,
        secret: str = "",
        trusted: bool = False,
        now: float = 0.0,
        resource_id: str = "",
        salt: str = "",
    ) -> Principal:
        """A new principal; its ids follow from its name and `salt`."""
        found = Principal(
            guid(name, salt, "object"), guid(name, salt, "client"), name, secret, trusted, now, resource_id
        )
        self.by_object[found.object_id] = found
        self.born += 1
        return found

    def remove(self, object_id: str) -> None:
        """Forgets one, with its tokens. Idempotent."""
        self.by_object.pop(object_id, None)
        self._tokens = {text: token for text, token in self._tokens.items() if token.principal != object_id}

    def find(self, who: str) -> Principal | None:
        """By object id, client id, resource id or name."""
        for each in self.by_object.values():
            if who.lower() in (each.object_id, each.client_id, each.name.lower(), each.resource_id.lower()):
                return each
        return None

    def issue(self, principal: Principal, audience: str, now: float, lives: float = LIVES) -> str:
        """A bearer token, in the form of a JWT whose signature means nothing to others."""
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lives),
            "appid": principal.client_id,
            "oid": principal.object_id,
            "tid": TENANT,
        }
        parts = [_coded({"typ": "JWT", "alg": "RS256"}), _coded(claims)]
        parts.append(
            base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(32)).digest()).decode().rstrip("=")
        )
        text = ".".join(parts)
        self._tokens[text] = Token(principal.object_id, audience.rstrip("/"), now + lives)
        return text

    def read(self, text: str) -> Token | None:
        """What a token stands for, when it is one of ours."""
        return self._tokens.get(text)


def _coded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
