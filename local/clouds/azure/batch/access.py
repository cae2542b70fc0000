"""Who asks the Batch service: the holder of an account's key, or a bearer whose roles are judged. The age of
a signature is held against this machine's clock, by which the SDKs date it, whatever a test takes for now."""

import base64
import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from local.clouds.azure.batch import errors
from local.clouds.azure.batch.models import Account
from local.clouds.azure.call import Call

if TYPE_CHECKING:
    from local.clouds.azure.state import State

AUDIENCE = "https://batch.core.windows.net"
SHARED_KEY = "SharedKey"
"""Who calls with a key, in the journal."""
SKEW = 900.0
"""Seconds that the date of a request may be off ("Authenticate via Shared Key")."""
_SIGNED = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)


def admit(state: "State", call: Call, account: Account, action: str, *, data: bool) -> None:
    """Notes who calls. Raises Refused unless they may; the holder of a key may everything."""
    kind, _, text = call.headers.get("authorization", "").partition(" ")
    if kind.lower() == "sharedkey":
        _check_signature(call, account, text)
        call.principal = SHARED_KEY
        return
    if kind.lower() != "bearer" or not text:
        raise errors.nobody("The Authorization header is missing or of an unknown kind.", 401)
    call.principal = _bearer(state, text.strip())
    if not state.judge.may(call.principal, action, account.home, data=data):
        state.judge.note(call.principal, action, account.home)
        raise errors.forbidden(action)


def _bearer(state: "State", text: str) -> str:
    token = state.directory.read(text)
    if token is None:
        raise errors.nobody("The access token is invalid.", 401)
    if state.now >= token.expires_at:
        raise errors.nobody("The access token has expired.", 401)
    if token.audience != AUDIENCE:
        raise errors.nobody(f"The access token is for '{token.audience}'.", 401)
    return token.principal


def _check_signature(call: Call, account: Account, text: str) -> None:
    name, _, signature = text.partition(":")
    if name.lower() != account.name:
        raise errors.nobody("The account of the signature is another one.")
    said = to_sign(call, name).encode()
    if not any(hmac.compare_digest(_sign(key, said), signature) for key in account.keys.values()):
        raise errors.nobody("The MAC signature is not the one computed from the account's keys.")
    try:
        dated = parsedate_to_datetime(call.headers.get("ocp-date") or call.headers.get("date") or "")
    except ValueError:
        raise errors.nobody("Either ocp-date or date must be given.") from None
    if abs(dated.timestamp() - time.time()) > SKEW:
        raise errors.nobody(f"The date of the request is too old or ahead: {dated}")


def _sign(key: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(key), text, hashlib.sha256).digest()).decode()


def to_sign(call: Call, account: str) -> str:
    """What a request's signature is made of. The path is the one that was sent, as the client saw it."""
    path, _, query = call.target.partition("?")
    length = "" if call.method in ("GET", "HEAD") else "0"
    headers = [call.headers.get(name) or (length if name == "content-length" else "") for name in _SIGNED]
    own = sorted((name, value) for name, value in call.headers.items() if name.startswith("ocp-") and value)
    asked = parse_qs(query)
    return (
        "\n".join([call.method, *headers, ""])
        + "".join(f"{name}:{value}\n" for name, value in own)
        + f"/{account}{path}"
        + "".join(f"\n{name}:{asked[name][0]}" for name in sorted(asked) if asked[name][0])
    )
