"""The keys of credentials, by provider: which may be shown, which are not kept, what is wrong with them."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import Fault

PREFIX = "credentials.keys"
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "aws": ("mode", "assumeRoleArn", "externalId"),
    "azure-cloud": ("tenantId", "clientId", "subscriptionId", "storageName", "batchName"),
    "azure_entra": ("tenantId", "clientId", "subscriptionId", "storageName", "batchName"),
    "azure": ("storageName", "batchName"),
    "github": ("username",),
    "container-reg": ("registry", "userName"),
}
"""Keys that are no secret and may be shown."""
UNUSED: Mapping[str, tuple[str, ...]] = {"azure-cloud": ("storageKey", "batchKey")}
"""Secrets that clients may send and that are never needed: they are not kept."""
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?(/[\w./-]{0,200})?")
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def shown(provider: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the keys that is no secret."""
    return {name: keys[name] for name in PUBLIC.get(provider, ()) if keys.get(name)}


def kept(provider: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys without those that are never needed."""
    return {name: value for name, value in keys.items() if name not in UNUSED.get(provider, ())}


def faults(provider: str, keys: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with a provider's keys by themselves. Never quotes a key."""
    check = CHECKS.get(provider)
    if check is None:
        said = f"{provider} credentials are of no use here: it takes {', '.join(CHECKS)}"
        return [Fault("credentials.provider", said)]
    return check(keys)


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
    found = guids(keys, "tenantId", "clientId", "subscriptionId")
    return found + required(keys, "clientSecret") + accounts(keys)


def azure_entra(keys: Mapping[str, Any]) -> list[Fault]:
    """An Entra application with a client secret, and the Batch and storage accounts that it may use."""
    found = guids(keys, "tenantId", "clientId")
    return found + required(keys, "clientSecret", "batchName", "storageName") + accounts(keys)


def azure(keys: Mapping[str, Any]) -> list[Fault]:
    """A Batch and a storage account, each with its key."""
    return required(keys, "batchName", "batchKey", "storageName", "storageKey") + accounts(keys)


def github(keys: Mapping[str, Any]) -> list[Fault]:
    """A token; `password` is its older name."""
    if keys.get("token") or keys.get("password"):
        return []
    return [Fault(f"{PREFIX}.token", "is required")]


def registry(keys: Mapping[str, Any]) -> list[Fault]:
    """A user of a container registry; without `registry` that of Docker Hub. Azure's own registries let
    identities in, and then there is no user."""
    host = keys.get("registry")
    nobody = not keys.get("userName") and not keys.get("password")
    by_identity = nobody and str(host or "").lower().endswith(".azurecr.io")
    found = [] if by_identity else required(keys, "userName", "password")
    if host and not HOST.fullmatch(str(host)):
        found.append(Fault(f"{PREFIX}.registry", "must be the name of a host"))
    return found


CHECKS: Mapping[str, Callable[[Mapping[str, Any]], list[Fault]]] = {
    "aws": aws,
    "azure": azure,
    "azure_entra": azure_entra,
    "azure-cloud": azure_cloud,
    "github": github,
    "container-reg": registry,
}
"""The providers whose credentials are of use, and what is wrong with their keys. This machine needs none,
and clients know no provider of that name: one that they do not know breaks their whole listing."""


def required(keys: Mapping[str, Any], *names: str) -> list[Fault]:
    """Those that are missing."""
    return [Fault(f"{PREFIX}.{name}", "is required") for name in names if not keys.get(name)]


def guids(keys: Mapping[str, Any], *names: str) -> list[Fault]:
    """Those that are no GUIDs."""
    return [
        Fault(f"{PREFIX}.{name}", "must be a GUID" if keys.get(name) else "is required")
        for name in names
        if not GUID.fullmatch(str(keys.get(name, "")))
    ]


def accounts(keys: Mapping[str, Any]) -> list[Fault]:
    """Names of accounts that none can have."""
    return [
        Fault(f"{PREFIX}.{name}", "must be 3 to 24 lower-case letters and digits")
        for name in ("storageName", "batchName")
        if keys.get(name) and not ACCOUNT.fullmatch(str(keys[name]))
    ]


def trust(keys: Mapping[str, Any]) -> str | None:
    """The trust policy that a role needs so that it can be assumed with these keys; None where they name
    none, or no external id. `<HEADNODE_ACCOUNT>` stands for the account that this control plane runs in."""
    if not keys.get("assumeRoleArn") or not keys.get("externalId"):
        return None
    partition = str(keys["assumeRoleArn"]).split(":")[1]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::<HEADNODE_ACCOUNT>:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": keys["externalId"]}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
