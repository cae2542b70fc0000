"""The Vault on Azure: each secret under an AES key of its own, which an RSA key in Key Vault wraps.

Two calls of Key Vault's REST API, sent by azure-core: the package azure-keyvault-keys would add 20 ms to
every cold start, and a read of the key that the roles of a function do not allow.
"""

import base64
import binascii
import math
import re
import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import Forbidden, Refused, Throttled, Unreachable

if TYPE_CHECKING:
    from azure.core import PipelineClient

FORM = "akv1"
ALGORITHM = "RSA-OAEP-256"
VERSION = "7.4"
SCOPE = "https://vault.azure.net/.default"
NONCE = 12
LONGEST_WAIT = 60.0
"""Seconds; a longer Retry-After is not believed."""
NOT_OURS = "a sealed secret cannot be opened here"


class KeyVault:
    """Implements `ports.Vault`. `key` is the URL of an RSA key without a version: the newest one seals,
    each opens what it sealed. `credential` gives an SDK's token credential; `plain` lets tokens travel
    over http, for an emulator on this machine."""

    def __init__(self, key: str, credential: Callable[[], Any], *, plain: bool = False) -> None:
        self._key = key.rstrip("/")
        self._credential = credential
        self._plain = plain

    @cached_property
    def _client(self) -> "PipelineClient[Any, Any]":
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy

        retry: Any = RetryPolicy(retry_total=3, retry_backoff_factor=0.1, retry_backoff_max=2)
        bearer: Any = BearerTokenCredentialPolicy(self._credential(), SCOPE)
        return PipelineClient(self._key, policies=[retry, bearer], connection_timeout=3, read_timeout=10)

    def seal(self, secret: str, context: str) -> str:
        """See `ports.Vault.seal`. One call."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, nonce = secrets.token_bytes(32), secrets.token_bytes(NONCE)
        sealed = AESGCM(key).encrypt(nonce, secret.encode(), context.encode())
        answer = self._call("wrapkey", key)
        version = answer["kid"].rpartition("/")[2]
        return f"{FORM}:{version}:{answer['value']}:{text_of(nonce + sealed)}"

    def open(self, sealed: str, context: str) -> str:
        """See `ports.Vault.open`. One call."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, wrapped, raw = parts(sealed)
        key = bytes_of(self._call(f"{version}/unwrapkey", wrapped)["value"])
        try:
            return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], context.encode()).decode()
        except (InvalidTag, ValueError):
            raise Refused(NOT_OURS) from None

    def _call(self, operation: str, value: bytes) -> Any:
        """The answer's JSON. What is sent and answered is in no error's text."""
        from azure.core.exceptions import ServiceRequestError, ServiceResponseError
        from azure.core.rest import HttpRequest

        request = HttpRequest(
            "POST",
            f"{self._key}/{operation}",
            params={"api-version": VERSION},
            json={"alg": ALGORITHM, "value": text_of(value)},
        )
        try:
            # The pipeline refuses to send a token over http unless told otherwise.
            response = self._client.send_request(request, enforce_https=not self._plain)
        except (ServiceRequestError, ServiceResponseError) as error:
            raise Unreachable(f"Key Vault does not answer: {type(error).__name__}", after=2.0) from None
        if response.status_code != 200:
            raise refusal(response, operation)
        return response.json()


def parts(sealed: str) -> tuple[str, bytes, bytes]:
    """Key version, wrapped key, and what it seals. Raises Refused for a text of another form."""
    found = re.fullmatch(rf"{FORM}:([0-9a-zA-Z]{{1,64}}):([\w-]+):([\w-]+)", sealed, re.ASCII)
    if found is None:
        raise Refused(NOT_OURS)
    return found[1], bytes_of(found[2]), bytes_of(found[3])


def refusal(response: Any, operation: str) -> Exception:
    """An answer that is none, in our words."""
    status, code = response.status_code, code_in(response)
    if status == 429:
        return Throttled("Key Vault throttles", after=wished(response.headers.get("Retry-After", "")))
    if status >= 500:
        return Unreachable(f"Key Vault fails: {status}", after=2.0)
    if status == 403:
        action = f"Microsoft.KeyVault/vaults/keys/{operation.rpartition('/')[2].removesuffix('key')}/action"
        return Forbidden(f"Key Vault refuses: {code}", action)
    if operation != "wrapkey" and status in (400, 404):
        return Refused(NOT_OURS)
    return Refused(f"Key Vault refuses: {code}")


def wished(wish: str) -> float:
    """Seconds that it asks for, at most LONGEST_WAIT; one where it names none, or a date."""
    try:
        seconds = float(wish)
    except ValueError:
        return 1.0
    return 1.0 if math.isnan(seconds) else min(max(seconds, 0.1), LONGEST_WAIT)


def code_in(response: Any) -> str:
    """The service's own word for an error."""
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return str(response.status_code)


def text_of(value: bytes) -> str:
    """Base64 as JSON Web Keys have it."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`. Raises Refused for another text."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Refused(NOT_OURS) from None
