"""Storage accounts as ARM knows them: made by the emulator's owner, not by a request."""

import base64
import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.blob import errors
from local.clouds.azure.blob.models import Container
from local.clouds.azure.resources.models import TYPE as GROUP

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPE = "Microsoft.Storage/storageAccounts"
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


def make(
    state: "State",
    subscription: str,
    name: str,
    group: str,
    location: str,
    containers: Iterable[str],
    keyed: bool = False,
) -> str:
    """Makes an account, its group and its containers, as far as they are not there; the account's ARM id.
    Only a `keyed` one has account keys: one that is there becomes so. Raises ValueError for names that Azure
    would not take."""
    containers = list(containers)
    for known, what, each in [
        (_ACCOUNT, "account", name),
        *((_CONTAINER, "container", c) for c in containers),
    ]:
        if not known.fullmatch(each):
            raise ValueError(f"not a name of a storage {what}: '{each}'")
    found = find(state, name)
    if found is None:
        where = f"/subscriptions/{subscription}/resourceGroups/{group}"
        if state.store.get(where) is None:
            state.store.put(
                Resource(where, GROUP, group, {"location": location, "tags": {}}, {}, "Succeeded")
            )
        found = Resource(f"{where}/providers/{TYPE}/{name}", TYPE, name, made_at=state.now, state="Succeeded")
        found.body = {"location": location, "tags": {}, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        found.properties = {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False}
        state.store.put(found)
        state.blobs.drop(name)
        state.blobs.containers[name], state.blobs.homes[name] = {}, found.id
    if keyed:
        found.properties["allowSharedKeyAccess"] = True
        if name not in state.blobs.keys:
            state.blobs.keys[name] = (new_key(), new_key())
    for each in containers:
        if each not in state.blobs.containers[name]:
            add(state, name, each)
    return found.id


def new_key() -> str:
    """A key of an account: 64 random bytes, in base64."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def add(state: "State", account: str, name: str, metadata: dict[str, str] | None = None) -> Container:
    """A new container. Raises Refused for a bad name, or one that is there."""
    if not _CONTAINER.fullmatch(name):
        raise errors.bad_name()
    known = state.blobs.containers[account]
    if name in known:
        raise errors.container_exists()
    known[name] = Container(name, state.now, state.blobs.etag(), metadata or {})
    return known[name]


def find(state: "State", name: str) -> Resource | None:
    """The account of that name, wherever it is: names are the world's."""
    home = state.blobs.homes.get(name)
    return state.store.get(home) if home else None


def scope(account: Resource, container: str = "") -> str:
    """The ARM id that rights are looked for at."""
    return f"{account.id}/blobServices/default/containers/{container}" if container else account.id
