"""The keys of credentials, by provider: which may be shown, which are not kept, what is wrong with them."""

import re
from collections.abc import Mapping
from typing import Any

from shared.errors import Fault

PREFIX = "credentials.keys"
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "aws": ("mode", "assumeRoleArn", "externalId"),
    "azure-cloud": ("tenantId", "clientId", "subscriptionId", "storageName", "batchName"),
    "azure_entra": ("tenantId", "clientId", "storageName", "batchName"),
    "azure": ("storageName", "batchName"),
}
"""Keys that are no secret and may be shown."""
UNUSED: Mapping[str, tuple[str, ...]] = {"azure-cloud": ("storageKey", "batchKey")}
"""Secrets that clients may send and that are never needed: they are not kept."""
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def shown(provider: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the keys that is no secret."""
    return {name: keys[name] for name in PUBLIC.get(provider, ()) if keys.get(name)}


def kept(provider: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys without those that are never needed."""
    return {name: value for name, value in keys.items() if name not in UNUSED.get(provider, ())}


def faults(provider: str, keys: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with a provider's keys by themselves. Never quotes a key."""
    check = {"aws": aws, "azure-cloud": azure_cloud}.get(provider)
    return check(keys) if check else []


def aws(keys: Mapping[str, Any]) -> list[Fault]:
    """A pair of keys, a role, or both."""
    found = []
    role, mode = keys.get("assumeRoleArn"), keys.get("mode")
    if mode not in (None, "", "keys", "role"):
        found.append(Fault(f"{PREFIX}.mode", "must be keys or role"))
    if bool(keys.get("accessKey")) != bool(keys.get("secretKey")):
        missing = "secretKey" if keys.get("accessKey") else "accessKey"
        found.append(Fault(f"{PREFIX}.{missing}", "is required with the other key"))
    if role and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", str(role)):
        found.append(Fault(f"{PREFIX}.assumeRoleArn", "must be the ARN of a role"))
    if mode == "role" and not role:
        found.append(Fault(f"{PREFIX}.assumeRoleArn", "is required in role mode"))
    if mode != "role" and not role and not keys.get("accessKey") and not keys.get("secretKey"):
        found.append(Fault(f"{PREFIX}.accessKey", "is required"))
        found.append(Fault(f"{PREFIX}.secretKey", "is required"))
    return found


def azure_cloud(keys: Mapping[str, Any]) -> list[Fault]:
    """An Entra application with a client secret, its subscription, and the storage account."""
    found = [
        Fault(f"{PREFIX}.{name}", "must be a GUID" if keys.get(name) else "is required")
        for name in ("tenantId", "clientId", "subscriptionId")
        if not GUID.fullmatch(str(keys.get(name, "")))
    ]
    if not keys.get("clientSecret"):
        found.append(Fault(f"{PREFIX}.clientSecret", "is required"))
    account = keys.get("storageName")
    if account and not ACCOUNT.fullmatch(str(account)):
        found.append(Fault(f"{PREFIX}.storageName", "must be 3 to 24 lower-case letters and digits"))
    return found
