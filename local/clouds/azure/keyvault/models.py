"""Vaults, their keys and the keys' versions."""

import functools
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BITS = 2048
GROUP = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/headnode"


class Vaults:
    """All vaults of the subscription. A name is compared without regard to case."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], list[str]] = {}

    def clear(self) -> None:
        """No vault, no key."""
        self._keys.clear()

    def scope(self, vault: str) -> str:
        """The ARM id of a vault: all are in one resource group."""
        return f"{GROUP}/providers/Microsoft.KeyVault/vaults/{vault}"

    def create(self, vault: str, key: str) -> str:
        """A new key, or a new version of one that is there: it wraps from now on. Its version."""
        versions = self._keys.setdefault((vault.lower(), key.lower()), [])
        seed = f"{vault}/{key}/{len(versions)}".lower()
        versions.append(hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest())
        return versions[-1]

    def find(self, vault: str, key: str, version: str = "") -> str:
        """The version that is meant (the newest where none is named); empty for none."""
        versions = self._keys.get((vault.lower(), key.lower()), [])
        wanted = version.lower() or "".join(versions[-1:])
        return wanted if wanted in versions else ""


@functools.cache
def material(version: str) -> "RSAPrivateKey":
    """The key of a version: real, and made at its first use."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not version:
        raise LookupError("no version")
    return rsa.generate_private_key(65537, BITS)
