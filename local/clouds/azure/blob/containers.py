"""Containers, and the key of user delegation."""

import time
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.tracked import group_of
from local.clouds.azure.blob import accounts, errors
from local.clouds.azure.blob.delegation import DAYS, epoch
from local.clouds.azure.blob.models import Container
from local.clouds.azure.blob.reading import http_date
from local.clouds.azure.blob.writing import metadata
from local.clouds.azure.blob.xml import document, parsed
from local.clouds.azure.call import Call
from local.clouds.azure.entra.models import TENANT
from local.clouds.azure.errors import Refused, not_found

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def create(state: "State", call: Call) -> Answer:
    """A new one."""
    made = accounts.add(state, call.names["account"], call.names["container"], metadata(call))
    return Answer(201, b"", [("ETag", made.etag), ("Last-Modified", http_date(made.made_at))])


def properties(_: "State", __: Call, container: Container) -> Answer:
    """Everything about it is in headers, of a GET too."""
    headers = [
        ("ETag", container.etag),
        ("Last-Modified", http_date(container.made_at)),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-has-immutability-policy", "false"),
        ("x-ms-has-legal-hold", "false"),
        ("x-ms-default-encryption-scope", "$account-encryption-key"),
        ("x-ms-deny-encryption-scope-override", "false"),
        *((f"x-ms-meta-{name}", text) for name, text in container.metadata.items()),
    ]
    return Answer(200, b"", headers)


def resource(state: "State", call: Call) -> Answer:
    """A container as ARM shows it. Raises Refused when its account is in another group."""
    group = group_of(state, call)
    account = accounts.find(state, call.names["account"])
    if account is None or account.group != group.id.lower():
        raise not_found(accounts.TYPE, call.names["account"], group.name)
    name = call.names["container"]
    if name not in state.blobs.containers[account.name]:
        raise Refused(404, "ContainerNotFound", "The specified container does not exist.")
    kind = f"{accounts.TYPE}/blobServices/containers"
    shown = {"id": accounts.scope(account, name), "name": name, "type": kind}
    return Answer.json({**shown, "properties": {"publicAccess": "None", "leaseState": "Available"}})


def delegation_key(state: "State", call: Call) -> Answer:
    """A key that stands for the caller until it expires, at most a week from now."""
    asked = parsed(call.body, "KeyInfo")
    try:
        start = epoch(asked.findtext("Start") or _stamp(state.now))
        expiry = epoch(asked.findtext("Expiry") or "")
    except ValueError:
        raise errors.StorageRefused(
            400, "InvalidXmlNodeValue", "The value of an XML node is invalid."
        ) from None
    if expiry <= max(start, state.now) or expiry > state.now + DAYS * 86400 + 900:
        raise errors.StorageRefused(
            400, "InvalidXmlNodeValue", f"Expiry must be in the future and at most {DAYS} days away."
        )
    said = {
        "skoid": call.principal,
        "sktid": TENANT,
        "skt": _stamp(start),
        "ske": _stamp(expiry),
        "sks": "b",
        "skv": call.headers["x-ms-version"],
    }
    names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion")
    body = dict(zip(names, said.values(), strict=True))
    body["Value"] = state.delegation.value(call.names["account"], said)
    return Answer(200, document("UserDelegationKey", body), [("Content-Type", "application/xml")])


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
