"""Every option of Nextflow's `azure` scope: what it takes and within which bounds (nf-azure 1.23.2). Data.

Scopes are dotted; `<name>` stands for a name of the user's own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.nextflow.azure import units

Value = str | bool | int | float
NAME = re.compile(r"[\w-]{1,64}", re.ASCII)
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ENDPOINT = re.compile(r"https://[a-z0-9]{3,24}\.[a-z0-9]+\.batch\.azure\.(com|cn|us)/?")
_REGION = re.compile(r"[a-z][a-z0-9]{2,40}")
_SUBNET = re.compile(
    r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Network/virtualNetworks/[^/\s]+"
    r"/subnets/[^/\s]+",
    re.IGNORECASE,
)
_MOUNT = re.compile(r"/[^\s'\"]*")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?(/[\w./-]*)?")
DAY = 86400.0


@dataclass(frozen=True)
class Option:
    """One option: how a value is read (raises ValueError), and whether it is a secret, which is never written
    into a config; then `variable` is what Nextflow reads instead."""

    read: Callable[[object], Value]
    secret: bool = False
    variable: str = ""
    duration: bool = False


def text(pattern: re.Pattern[str] | None = None, like: str = "") -> Callable[[object], Value]:
    """A text, of one line; of a form where there is one. A number is one too."""

    def read(value: object) -> Value:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise ValueError("needs a text that is not empty")
        if pattern and not pattern.fullmatch(value):
            # Not shown: somebody may have put a key there.
            raise ValueError(f"is not like {like}")
        return value

    return read


def secret(value: object) -> Value:
    """A secret: what is wrong with it is said without showing it."""
    if not isinstance(value, str) or not value or re.search(r"[\s'\"$\\]", value):
        raise ValueError("needs a secret without blanks and quotes")
    return value


def switch(value: object) -> Value:
    """true or false; Groovy would take the text 'false' for true."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false (without quotes)")
    return value


def whole(least: int, most: int) -> Callable[[object], Value]:
    """A whole number within bounds; also as a text, which Groovy takes for one."""

    def read(value: object) -> Value:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{value!r} is no whole number between {least} and {most}")
        return value

    return read


def number(least: float, most: float) -> Callable[[object], Value]:
    """A number within bounds."""

    def read(value: object) -> Value:
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{value!r} is no number between {least:g} and {most:g}")
        return value

    return read


def span(least: float, most: float) -> Callable[[object], Value]:
    """A duration within bounds, as seconds."""

    def read(value: object) -> Value:
        found = units.seconds(value)
        if not least <= found <= most:
            raise ValueError(f"{value!r} is not between {units.duration(least)} and {units.duration(most)}")
        return found

    return read


def one_of(*words: str) -> Callable[[object], Value]:
    """One of some words."""

    def read(value: object) -> Value:
        if value not in words or not isinstance(value, str):
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value

    return read


def sas(value: object) -> Value:
    """A signature: Nextflow wants it without the question mark."""
    if not isinstance(value, str) or value.startswith("?") or not re.search(r"(^|&)sig=", value):
        raise ValueError("needs a signature (sv=...&sig=...) without the leading question mark")
    return value


def _spanned(least: float, most: float) -> Option:
    return Option(span(least, most), duration=True)


_CLIENT = "a client ID such as 11111111-2222-3333-4444-555555555555"
_WORD, _SWITCH = Option(text()), Option(switch)
POOL: Mapping[str, Option] = {
    "autoScale": _SWITCH,
    "fileShareRootPath": Option(text(_MOUNT, "/mnt/batch/tasks/fsmounts")),
    "lowPriority": _SWITCH,
    "maxVmCount": Option(whole(1, 10_000)),
    "mountOptions": _WORD,
    "offer": _WORD,
    "privileged": _SWITCH,
    "publisher": _WORD,
    "runAs": _WORD,
    "scaleFormula": _WORD,
    "scaleInterval": _spanned(300, 168 * 3600),
    "schedulePolicy": Option(one_of("spread", "pack")),
    "sku": Option(text(re.compile(r"batch\.node\.\S+ \S+"), "batch.node.ubuntu 24.04")),
    "virtualNetwork": Option(
        text(_SUBNET, "/subscriptions/.../Microsoft.Network/virtualNetworks/NAME/subnets/NAME")
    ),
    "vmCount": Option(whole(1, 10_000)),
    "vmType": Option(text(re.compile(r"[\w.*?,\[\]^ -]{1,400}"), "Standard_D4a_v4")),
}
SCOPES: Mapping[str, Mapping[str, Option]] = {
    "activeDirectory": {
        "servicePrincipalId": Option(text(_GUID, _CLIENT)),
        "servicePrincipalSecret": Option(secret, secret=True, variable="AZURE_CLIENT_SECRET"),
        "tenantId": Option(text(re.compile(r"[\w.-]{3,255}"), "a tenant's ID or domain")),
    },
    "azcopy": {
        "blobTier": Option(one_of("None", "Hot", "Cool")),
        "blockSize": Option(text(re.compile(r"\d{1,4}(\.\d+)?"), "'4' (MB)")),
    },
    "batch": {
        "accountKey": Option(secret, secret=True, variable="AZURE_BATCH_ACCOUNT_KEY"),
        "accountName": Option(text(_ACCOUNT, "3 to 24 small letters and digits")),
        "allowPoolCreation": _SWITCH,
        "autoPoolMode": _SWITCH,
        "copyToolInstallMode": Option(one_of("node", "task", "off")),
        "delayBetweenAttempts": _spanned(0, DAY),
        "deleteJobsOnCompletion": _SWITCH,
        "deletePoolsOnCompletion": _SWITCH,
        "deleteTasksOnCompletion": _SWITCH,
        "endpoint": Option(text(_ENDPOINT, "https://ACCOUNT.REGION.batch.azure.com")),
        "jobMaxWallClockTime": _spanned(60, 180 * DAY),
        "jobQuotaRetryDelay": _spanned(1, DAY),
        "location": Option(text(_REGION, "westeurope")),
        "maxJobQuotaRetries": Option(whole(0, 1000)),
        "maxParallelTransfers": Option(whole(1, 1000)),
        "maxTransferAttempts": Option(whole(1, 100)),
        "poolIdentityClientId": Option(text(re.compile(f"auto|{_GUID.pattern}", re.IGNORECASE), _CLIENT)),
        "terminateJobsOnCompletion": _SWITCH,
    },
    "batch.pools.<name>": POOL,
    "batch.pools.<name>.startTask": {"privileged": _SWITCH, "script": _WORD},
    "managedIdentity": {"clientId": Option(text(_GUID, _CLIENT)), "system": _SWITCH},
    "registry": {
        "password": Option(secret, secret=True, variable="AZURE_REGISTRY_PASSWORD"),
        "server": Option(text(_SERVER, "myregistry.azurecr.io")),
        "userName": _WORD,
    },
    "retryPolicy": {
        "delay": _spanned(0.001, 3600),
        "jitter": Option(number(0, 1)),
        "maxAttempts": Option(whole(1, 1000)),
        "maxDelay": _spanned(0.001, DAY),
    },
    "storage": {
        "accountKey": Option(secret, secret=True, variable="AZURE_STORAGE_ACCOUNT_KEY"),
        "accountName": Option(text(_ACCOUNT, "3 to 24 small letters and digits")),
        "sasToken": Option(sas, secret=True, variable="AZURE_STORAGE_SAS_TOKEN"),
        "tokenDuration": _spanned(3600, 365 * DAY),
    },
    "storage.fileShares.<name>": {
        "mountOptions": _WORD,
        "mountPath": Option(text(_MOUNT, "/mnt/references")),
    },
}
NAMED: Sequence[str] = ("batch.pools", "storage.fileShares")
"""Scopes whose members have names of the user's own."""
