"""The Vault on AWS: KMS Encrypt and Decrypt, the context bound in as encryption context."""

import base64
import binascii
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import Refused, Throttled, Unreachable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

VERSION = "kms1"
LARGEST = 4096
"""Bytes; what KMS encrypts in one call."""
FORGED = {"IncorrectKeyException", "InvalidCiphertextException", "NotFoundException"}


class KmsVault:
    """Implements `ports.Vault`. `key`: id, ARN or alias of a symmetric key."""

    def __init__(self, key: str) -> None:
        self._key = key

    @cached_property
    def _client(self) -> "KMSClient":
        import boto3
        from botocore.config import Config

        retries: Any = {"mode": "standard", "total_max_attempts": 4}
        return boto3.client("kms", config=Config(connect_timeout=3, read_timeout=10, retries=retries))

    def seal(self, secret: str, context: str) -> str:
        """See `ports.Vault.seal`. One call; raises Refused for more than 4,096 bytes."""
        plain = secret.encode()
        if len(plain) > LARGEST:
            raise Refused(f"a secret of {len(plain)} bytes is too long, the limit is {LARGEST}")
        answer = self._call("encrypt", KeyId=self._key, Plaintext=plain, EncryptionContext=bound(context))
        return f"{VERSION}:{base64.b64encode(answer['CiphertextBlob']).decode()}"

    def open(self, sealed: str, context: str) -> str:
        """See `ports.Vault.open`. One call."""
        version, _, text = sealed.partition(":")
        try:
            blob = base64.b64decode(text, validate=True)
        except binascii.Error:
            blob = b""
        if version != VERSION or not blob:
            raise Refused("a sealed secret cannot be opened here")
        answer = self._call("decrypt", KeyId=self._key, CiphertextBlob=blob, EncryptionContext=bound(context))
        return bytes(answer["Plaintext"]).decode()

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except Exception as error:
            raise translated(error) from None
        return answer


def bound(context: str) -> dict[str, str]:
    """The encryption context."""
    return {"headnode": context}


def translated(error: Exception) -> Exception:
    """An SDK error in our words, never with what was sealed in it."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in FORGED:
            return Refused("a sealed secret cannot be opened here")
        if "Throttl" in code or code == "LimitExceededException":
            return Throttled(f"KMS throttles: {code}", after=1.0)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return (
            Unreachable(f"KMS fails: {code}", after=2.0) if status >= 500 else Refused(f"KMS refuses: {code}")
        )
    if isinstance(error, BotoCoreError):
        return Unreachable(f"KMS does not answer: {type(error).__name__}", after=2.0)
    return error
