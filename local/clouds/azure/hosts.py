"""The names under which Azure is known to the world, and where an emulated one serves them."""

import re

_PLAIN = ("login.microsoftonline.com", "management.azure.com")
_BLOB = re.compile(r"([a-z0-9]+)\.blob\.core\.windows\.net")
_BATCH = re.compile(r"([a-z0-9]+)\.[a-z0-9]+\.batch\.azure\.com")


def below(host: str) -> str | None:
    """The path of the emulated Azure under which a host's own paths are; None for a host of others."""
    if host in _PLAIN:
        return ""
    if found := _BLOB.fullmatch(host):
        return f"/blob/{found[1]}"
    if found := _BATCH.fullmatch(host):
        return f"/batch/{found[1]}"
    return None


def address(url: str, host: str) -> str | None:
    """Where a host of Azure's is served in plain http; None for another."""
    path = below(host)
    return None if path is None else f"{url}{path}"
