"""Account keys: requests that are signed with one, and signatures made with one for a container, a blob or
the whole account. Sources: learn.microsoft.com "Authorize with Shared Key", "Create a service SAS", "Create
an account SAS"."""

import base64
import hmac
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from local.clouds.azure.blob.delegation import failed, in_time, signed
from local.clouds.azure.call import Call

SHARED_KEY, SIGNATURE = "SharedKey", "SharedKeySignature"
"""Who calls with a key, and with a signature that was made with one, in the journal."""
SKEW = 900.0
"""Seconds that the date of a request may be off."""
_STANDARD = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)
_HEADERS = ("rscc", "rscd", "rsce", "rscl", "rsct")
_SERVICE = ("sp", "st", "se", "", "si", "sip", "spr", "sv", "sr", "snapshot")
_ACCOUNT = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")
ENCRYPTION_SCOPES = "2020-12-06"
"""The version since which signatures sign `ses`."""


def check_request(call: Call, account: str, keys: Iterable[str]) -> None:
    """Raises Refused unless a request is signed with one of the account's keys, and dated now. The SDKs date
    their requests by this machine's clock, whatever a test takes for the cloud's."""
    text = call.headers["authorization"].partition(" ")[2]
    name, _, signature = text.partition(":")
    dated = call.headers.get("x-ms-date") or call.headers.get("date") or ""
    try:
        off = abs(parsedate_to_datetime(dated).timestamp() - time.time())
    except ValueError:
        raise failed(f"Request date header not specified: {dated!r}") from None
    if off > SKEW:
        raise failed(f"Request date header too old: '{dated}'")
    said = to_sign(call, account)
    if name != account or not _is_any(keys, said, signature):
        raise failed(
            "The MAC signature found in the HTTP request is not the same as any computed signature."
            f" Server used following string to sign: {said!r}."
        )


def to_sign(call: Call, account: str) -> str:
    """What a request's signature is made of, by its path as the client saw it."""
    path, _, query = call.target.partition("?")
    given = {name: value.strip() for name, value in call.headers.items()}
    given["content-length"] = "" if given.get("content-length") == "0" else given.get("content-length", "")
    if "x-ms-date" in given:
        given["date"] = ""
    lines = [call.method, *(given.get(name, "") for name in _STANDARD)]
    lines += [f"{name}:{given[name]}" for name in sorted(given) if name.startswith("x-ms-")]
    asked: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        asked.setdefault(name.lower(), []).append(value)
    lines.append(f"/{account}{path}")
    return "\n".join([*lines, *(f"{name}:{','.join(sorted(asked[name]))}" for name in sorted(asked))])


def check_signature(
    account: str, keys: Iterable[str], container: str, blob: str, said: Mapping[str, str], now: float
) -> None:
    """Raises Refused for a signature in the query that is forged, early, expired or for something else."""
    text = account_text(account, said) if "srt" in said else service_text(account, container, blob, said)
    if not _is_any(keys, text, said.get("sig", "")):
        raise failed("Signature did not match.")
    in_time({name: value for name, value in said.items() if name in ("st", "se")}, now)
    if "srt" in said and ("b" not in said.get("ss", "") or ("o" if blob else "c") not in said["srt"]):
        raise failed("The signature is for other services or kinds of resources.")


def service_text(account: str, container: str, blob: str, said: Mapping[str, str]) -> str:
    """What a signature for a container or a blob signs."""
    if said.get("sr") not in ("b", "c"):
        raise failed("sr is mandatory. Cannot be empty")
    if said.get("si"):
        raise failed("There is no stored access policy of this name.")
    path = f"/blob/{account}/{container}" + (f"/{blob}" if said["sr"] == "b" else "")
    names = (*_SERVICE, *(("ses",) if said.get("sv", "") >= ENCRYPTION_SCOPES else ()), *_HEADERS)
    return "\n".join(said.get(name, "") if name else path for name in names)


def account_text(account: str, said: Mapping[str, str]) -> str:
    """What a signature for a whole account signs."""
    names = (*_ACCOUNT, *(("ses",) if said.get("sv", "") >= ENCRYPTION_SCOPES else ()))
    return "\n".join([account, *(said.get(name, "") for name in names), ""])


def _is_any(keys: Iterable[str], text: str, signature: str) -> bool:
    made = (base64.b64encode(signed(base64.b64decode(key), text)).decode() for key in keys)
    return any(hmac.compare_digest(each.encode(), signature.encode()) for each in made)
