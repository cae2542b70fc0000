"""The Vault of one machine: AES-256-GCM with a key file that only its owner may read."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from shared.errors import Refused

VERSION = "v1"
NONCE = 12


class FileVault:
    """Implements `ports.Vault`. Makes the key when the file is missing; two processes that do so at
    once end up with the same one. Losing the file loses every sealed secret."""

    def __init__(self, path: Path) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key_at(path))

    def seal(self, secret: str, context: str) -> str:
        """See `ports.Vault.seal`."""
        nonce = secrets.token_bytes(NONCE)
        sealed = self._cipher.encrypt(nonce, secret.encode(), context.encode())
        return f"{VERSION}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, context: str) -> str:
        """See `ports.Vault.open`."""
        from cryptography.exceptions import InvalidTag

        version, _, text = sealed.partition(":")
        try:
            if version != VERSION:
                raise ValueError(version)
            raw = base64.b64decode(text, validate=True)
            return self._cipher.decrypt(raw[:NONCE], raw[NONCE:], context.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Refused("a sealed secret cannot be opened here") from None


def key_at(path: Path) -> bytes:
    """The 256-bit key in the file; made first when there is none. Never visible half-written."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            os.fsync(file.fileno())
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != 32:
        raise Refused(f"the key file {path.name} is damaged: {len(key)} bytes, not 32")
    return key
