"""Key Vault's errors."""

from local.clouds.azure.entra.models import TENANT
from local.clouds.azure.errors import Refused

AUDIENCE = "https://vault.azure.net"


def challenge(detail: str) -> Refused:
    """401, with the challenge that tells clients whom to ask for which token."""
    said = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="{AUDIENCE}"'
    return Refused(401, "Unauthorized", detail, {"WWW-Authenticate": said})


def forbidden(action: str, resource: str) -> Refused:
    """403 of a vault that is governed by roles."""
    return Refused(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or"
        " role definitions were changed recently, please observe propagation time.\r\n"
        f"Action: '{action}'\r\nResource: '{resource}'\r\nDecisionReason: 'ForbiddenByRbac'",
    )


def not_found(key: str, version: str) -> Refused:
    """404 of a key or of one of its versions."""
    name = f"{key}/{version}" if version else key
    return Refused(
        404,
        "KeyNotFound",
        f"A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you"
        " may be able to recover it using the correct recovery command.",
    )


def bad(message: str) -> Refused:
    """400."""
    return Refused(400, "BadParameter", message)
