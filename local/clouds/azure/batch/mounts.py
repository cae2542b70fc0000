"""File systems that a pool's nodes mount: whether they are well asked for, and whether they can be had."""

from typing import TYPE_CHECKING, Any

from local.clouds.azure.batch import errors
from local.clouds.azure.batch.models import Body, Pool

if TYPE_CHECKING:
    from local.clouds.azure.state import State

SHARE = "azureFileShareConfiguration"
NEEDED = {
    SHARE: ("accountName", "azureFileUrl", "accountKey", "relativeMountPath"),
    "azureBlobFileSystemConfiguration": ("accountName", "containerName", "relativeMountPath"),
    "nfsMountConfiguration": ("source", "relativeMountPath"),
    "cifsMountConfiguration": ("username", "source", "relativeMountPath", "password"),
}
"""The kinds of file systems, and what each must be told."""
FAILED: Body = {
    "code": "MountConfigurationError",
    "message": "An error was encountered while configuring specified mount(s)",
}


def check(body: Body) -> None:
    """Raises Refused for mounts that could not be. No refusal quotes a key."""
    given = body.get("mountConfiguration") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise errors.invalid("mountConfiguration", "", "A list of file systems is required.")
    paths = [_checked(each) for each in given]
    if len({path.lower() for path in paths}) < len(paths):
        raise errors.invalid("relativeMountPath", ", ".join(paths), "A path is there twice.")


def _checked(mount: Body) -> str:
    """Where one file system is mounted."""
    kinds = [name for name in mount if mount[name] is not None]
    if len(kinds) != 1 or kinds[0] not in NEEDED:
        raise errors.invalid("mountConfiguration", ", ".join(kinds), "Exactly one kind of mount is required.")
    told = mount[kinds[0]]
    if not isinstance(told, dict):
        raise errors.invalid(kinds[0], "", "An object is required.")
    for name in NEEDED[kinds[0]]:
        if not told.get(name):
            raise errors.missing(name)
    for name in (*NEEDED[kinds[0]], "mountOptions"):
        if told.get(name) is not None and not isinstance(told[name], str):
            raise errors.invalid(name, "", "A value of type str is required.")
    path = str(told["relativeMountPath"])
    if path.startswith("/") or ".." in path.split("/"):
        raise errors.invalid("relativeMountPath", path, "A path below the mounts of a node is required.")
    where = f"https://{told.get('accountName')}.file.core.windows.net/"
    if kinds[0] == SHARE and not (told["azureFileUrl"].startswith(where) and told["azureFileUrl"] != where):
        raise errors.invalid("azureFileUrl", told["azureFileUrl"], f"It is {where} and a share.")
    return path


def failed(state: "State", pool: Pool) -> list[Body]:
    """The errors of a node that cannot mount what it should; it is unusable then. Only file shares are
    emulated."""
    shares = [each[SHARE] for each in pool.body.get("mountConfiguration") or [] if each.get(SHARE)]
    found = ((share, _error(state, share)) for share in shares)
    return [{**FAILED, "errorDetails": _details(share, why)} for share, why in found if why]


def _error(state: "State", share: Body) -> str:
    """What mount.cifs says; empty when all is well."""
    account = str(share["accountName"])
    name = str(share["azureFileUrl"]).rstrip("/").rpartition("/")[2]
    if share["accountKey"] not in state.blobs.keys.get(account, ()):
        return "mount error(13): Permission denied"
    there = (account, name) in state.batch.shares
    return "" if there else "mount error(2): No such file or directory"


def _details(share: Body, why: str) -> list[dict[str, Any]]:
    told = {
        "MountConfigurationType": "Azurefile",
        "MountConfigurationPath": share["relativeMountPath"],
        "Message": why,
    }
    return [{"name": name, "value": value} for name, value in told.items()]
