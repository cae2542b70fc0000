"""User delegation: a key that stands for a principal for a while, and the signatures made with it."""

import base64
import hashlib
import hmac
import secrets
import time
from calendar import timegm
from collections.abc import Mapping

from local.clouds.azure.blob.errors import StorageRefused
from local.clouds.azure.entra.models import TENANT

_WORDS = (
    "sv sr sp st se sig skoid sktid skt ske sks skv sip spr ses",
    "rscc rscd rsce rscl rsct",
    "si ss srt",
)
SIGNED = frozenset(word for words in _WORDS for word in words.split())
"""Query parameters of signatures; the last ones belong to those of account keys."""
OVERRIDES = {
    "rscc": "cache-control",
    "rscd": "content-disposition",
    "rsce": "content-encoding",
    "rscl": "content-language",
    "rsct": "content-type",
}
"""Headers that a signature sets on what is read with it."""
DAYS = 7
"""A delegation key's longest life."""


class Keys:
    """Makes delegation keys, and knows its own by what they say."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def value(self, account: str, said: Mapping[str, str]) -> str:
        """The key for one principal, time and version: the same words give the same key."""
        words = [account, *(said.get(name, "") for name in ("skoid", "sktid", "skt", "ske", "sks", "skv"))]
        return base64.b64encode(signed(self._secret, "\n".join(words))).decode()


def check(keys: Keys, account: str, container: str, blob: str, said: Mapping[str, str], now: float) -> str:
    """The object id that a signature in the query stands for. Raises Refused for one that is forged,
    too early, expired or for something else."""
    if said.get("sr") not in ("b", "c"):
        raise failed("sr is mandatory. Cannot be empty")
    path = f"{container}/{blob}" if said["sr"] == "b" else container
    key = base64.b64decode(keys.value(account, said))
    expected = base64.b64encode(signed(key, text_to_sign(account, path, said))).decode()
    if not hmac.compare_digest(expected, said.get("sig", "")):
        raise failed("Signature did not match.")
    if said["sktid"] != TENANT:
        raise failed("The tenant of the key is another.")
    in_time(said, now, ("se", "ske"))
    return said["skoid"]


def text_to_sign(account: str, path: str, said: Mapping[str, str]) -> str:
    """What a user delegation signature signs, as of the version that it names."""
    version = said.get("sv", "")
    names = ["sp", "st", "se", "", "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"]
    if version >= "2025-07-05":
        names += ["skdutid", "sduoid"]
    names += ["sip", "spr", "sv", "sr", "snapshot"]
    if version >= "2020-12-06":
        names.append("ses")
    if version >= "2026-04-06":
        names += ["srh", "srq"]
    names += ["rscc", "rscd", "rsce", "rscl", "rsct"]
    return "\n".join(said.get(name, "") if name else f"/blob/{account}/{path}" for name in names)


def no_account_keys() -> StorageRefused:
    """403: the account takes no signatures of its own keys (`allowSharedKeyAccess` is off)."""
    return StorageRefused(
        403,
        "KeyBasedAuthenticationNotPermitted",
        "Key based authentication is not permitted on this storage account.",
    )


def epoch(text: str) -> float:
    """Seconds of a UTC time such as 2026-11-21T08:00:00Z, or of a date. Raises ValueError."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return timegm(time.strptime(text.split(".")[0].rstrip("Z") + "Z" * ("T" in text), form))
        except ValueError:
            continue
    raise ValueError(text)


def in_time(said: Mapping[str, str], now: float, ends_with: tuple[str, ...] = ("se",)) -> None:
    """Raises Refused before a signature begins, and from its end on."""
    try:
        begins = [epoch(said[name]) for name in ("st", "skt") if said.get(name)]
        ends = [epoch(said[name]) for name in ends_with]
    except (KeyError, ValueError):
        raise failed("se is mandatory. Cannot be empty") from None
    if now < max(begins, default=0.0) or now >= min(ends):
        raise failed("Signature not valid in the specified time frame.")


def failed(detail: str) -> StorageRefused:
    """403: a signature is not what it should be."""
    return StorageRefused(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed"
        " correctly including the signature.",
        elements={"AuthenticationErrorDetail": detail},
    )


def signed(key: bytes, text: str) -> bytes:
    """HMAC-SHA256."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
