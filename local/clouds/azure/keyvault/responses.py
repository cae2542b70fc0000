"""Wrapping and unwrapping, with real RSA."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.call import Call
from local.clouds.azure.keyvault import errors
from local.clouds.azure.keyvault.models import BITS, material

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP

    from local.clouds.azure.state import State

ALGORITHM = "RSA-OAEP-256"
LARGEST = BITS // 8 - 2 * 32 - 2
"""Bytes that OAEP with SHA-256 takes."""
ACTIONS = "Microsoft.KeyVault/vaults/keys"


def wrap(state: "State", call: Call) -> Answer:
    """Encrypts a key, with the newest version where none is named."""
    version = _admitted(state, call, f"{ACTIONS}/wrap/action")
    value = _value(call)
    if len(value) > LARGEST:
        raise errors.bad(f"Invalid length of 'value': {len(value)} bytes, at most {LARGEST}.")
    return _answer(call, version, material(version).public_key().encrypt(value, _oaep()))


def unwrap(state: "State", call: Call) -> Answer:
    """The inverse, with the very version that wrapped it."""
    version = _admitted(state, call, f"{ACTIONS}/unwrap/action")
    try:
        return _answer(call, version, material(version).decrypt(_value(call), _oaep()))
    except ValueError:
        raise errors.bad("The parameter is incorrect.") from None


def read(state: "State", call: Call) -> Answer:
    """The public half."""
    version = _admitted(state, call, f"{ACTIONS}/read")
    public = material(version).public_key().public_numbers()
    shown = {
        "kid": _id(call, version),
        "kty": "RSA",
        "key_ops": ["wrapKey", "unwrapKey"],
        "n": _text(public.n.to_bytes(BITS // 8, "big")),
        "e": _text(public.e.to_bytes(3, "big")),
    }
    return Answer.json({"key": shown, "attributes": {"enabled": True}})


def _admitted(state: "State", call: Call, action: str) -> str:
    """The version that is meant. Raises Refused for who may not, and for a key that is not there."""
    kind, _, text = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        raise errors.challenge("AKV10000: Request is missing a Bearer or PoP token.")
    token = state.directory.read(text.strip())
    if token is None or state.now >= token.expires_at:
        raise errors.challenge("AKV10022: The token is invalid or has expired.")
    if token.audience != errors.AUDIENCE:
        raise errors.challenge(f"AKV10022: Invalid audience. Found: {token.audience}.")
    call.principal = token.principal
    vault, key, version = (call.names.get(each, "") for each in ("vault", "key", "version"))
    scope = f"{state.vaults.scope(vault)}/keys/{key}"
    if not state.judge.may(call.principal, action, scope, data=True):
        state.judge.note(call.principal, action, scope)
        raise errors.forbidden(action, scope)
    found = state.vaults.find(vault, key, version)
    if not found:
        raise errors.not_found(key, version)
    state.strike(call)
    return found


def _value(call: Call) -> bytes:
    asked = call.document()
    if asked.get("alg") != ALGORITHM:
        raise errors.bad(f"Property alg has invalid value {asked.get('alg')}: this key does {ALGORITHM}.")
    text = str(asked.get("value", ""))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise errors.bad("Property value has invalid value: it is not base64url.") from None


def _answer(call: Call, version: str, value: bytes) -> Answer:
    return Answer.json({"kid": _id(call, version), "value": _text(value)})


def _id(call: Call, version: str) -> str:
    return f"https://{call.names['vault']}.vault.azure.net/keys/{call.names['key']}/{version}"


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _oaep() -> "OAEP":
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    kind: Any = hashes.SHA256()
    return padding.OAEP(mgf=padding.MGF1(kind), algorithm=kind, label=None)
