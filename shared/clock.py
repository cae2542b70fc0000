"""Time and randomness as they really are. Everything else takes them through the ports."""

import secrets
import string
import time

ALPHABET = string.digits + string.ascii_letters


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()


class SystemIds:
    """Identifiers and secrets from the operating system's random source."""

    def new(self, length: int = 16) -> str:
        """`length` random base-62 characters (about 6 bits each)."""
        return "".join(secrets.choice(ALPHABET) for _ in range(length))

    def secret(self) -> str:
        """256 random bits as 64 hex characters."""
        return secrets.token_hex(32)
