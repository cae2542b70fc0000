"""Who asks, and may they: bearer tokens and user-delegation signatures, judged by roles for data; and holders
of an account's key or of a signature made with one, where the account takes them."""

from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.blob import accounts, delegation, keys
from local.clouds.azure.blob.errors import RESOURCE, StorageRefused, bad_header, missing_header
from local.clouds.azure.blob.operations import Operation
from local.clouds.azure.call import Call
from local.clouds.azure.entra.models import TENANT

if TYPE_CHECKING:
    from local.clouds.azure.state import State

BEARER_SINCE = "2017-11-09"
"""Versions before it know no bearer tokens."""
_ACCOUNT = "Microsoft.Storage/storageAccounts:name"
_CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers:name"


def admit(state: "State", call: Call, operation: Operation, account: Resource, *, over: bool) -> None:
    """Notes who calls. Raises Refused unless they may; `over` says that the blob exists."""
    signed = "sig" in call.query
    choices = 1 if over and operation.creates else None
    version = call.headers.get("x-ms-version") or (call.query.get("sv", "") if signed else "")
    if "authorization" in call.headers:
        call.principal = _known(state, call, account, version)
        permission = True
    elif signed:
        call.principal = _signer(state, call, account)
        permission = bool(set(operation.signed[:choices]) & set(call.query.get("sp", "")))
    else:
        raise _nobody("NoAuthenticationInformation")
    _check_version(version)
    if not permission or not _may(state, call, operation, account, choices):
        raise _mismatch()


def _known(state: "State", call: Call, account: Resource, version: str) -> str:
    """Who an Authorization header stands for."""
    if call.headers["authorization"].partition(" ")[0].lower() not in ("sharedkey", "sharedkeylite"):
        return _bearer(state, call, version)
    if not (known := state.blobs.keys.get(account.name)):
        raise delegation.no_account_keys()
    keys.check_request(call, account.name, known)
    return keys.SHARED_KEY


def _signer(state: "State", call: Call, account: Resource) -> str:
    """Who a signature in the query stands for."""
    of = (account.name, call.names["container"], call.names["blob"])
    if "skoid" in call.query:
        return delegation.check(state.delegation, *of, call.query, state.now)
    if not (known := state.blobs.keys.get(account.name)):
        raise delegation.no_account_keys()
    keys.check_signature(account.name, known, *of[1:], call.query, state.now)
    return keys.SIGNATURE


def _may(state: "State", call: Call, operation: Operation, account: Resource, choices: int | None) -> bool:
    if call.principal in (keys.SHARED_KEY, keys.SIGNATURE):
        return True
    container = call.names["container"]
    scope = accounts.scope(account, container)
    attributes = {_ACCOUNT: account.name, **({_CONTAINER: container} if container else {})}
    for action in operation.needs[:choices]:
        if state.judge.may(call.principal, action, scope, data=operation.data, attributes=attributes):
            return True
    state.judge.note(call.principal, operation.needs[0], scope)
    return False


def _bearer(state: "State", call: Call, version: str) -> str:
    kind, _, text = call.headers["authorization"].partition(" ")
    if kind.lower() != "bearer":
        raise _nobody("InvalidAuthenticationInfo", "The authentication scheme is not supported.")
    if version < BEARER_SINCE:
        raise StorageRefused(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is"
            " formed correctly including the signature.",
            elements={
                "AuthenticationErrorDetail": "Authentication scheme Bearer is not supported in this version."
            },
        )
    token = state.directory.read(text.strip())
    if token is None:
        raise _nobody("InvalidAuthenticationInfo", "Signature validation failed.")
    if state.now >= token.expires_at:
        raise _nobody("InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired.")
    own = f"https://{call.names['account']}.blob.core.windows.net"
    if token.audience not in (RESOURCE, own):
        raise _nobody("InvalidAuthenticationInfo", "Audience validation failed. The audience did not match.")
    return token.principal


def _check_version(version: str) -> None:
    if not version:
        raise missing_header("x-ms-version")
    try:
        delegation.epoch(version)
    except ValueError:
        raise bad_header("x-ms-version", version) from None


def _nobody(code: str, detail: str = "") -> StorageRefused:
    return StorageRefused(
        401,
        code,
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate"
        " header.",
        {
            "WWW-Authenticate": f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"
            f"/oauth2/authorize resource_id={RESOURCE}"
        },
        elements={"AuthenticationErrorDetail": detail} if detail else {},
    )


def _mismatch() -> StorageRefused:
    said = "This request is not authorized to perform this operation using this permission."
    return StorageRefused(403, "AuthorizationPermissionMismatch", said)
